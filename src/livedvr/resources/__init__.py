"""What a user names: channels, sessions, windows, times, errors. Pure."""
