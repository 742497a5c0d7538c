"""What players and CDNs fetch: the stored files, and windows of a channel's timeline that nobody has stored."""
