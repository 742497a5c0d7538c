"""One RTMP port for all channels: the door that nginx asks, and nginx's configuration. Imported by who opens it."""
