"""How another process speaks to the controller that owns a channel: a Unix socket beside the channel's lock."""
