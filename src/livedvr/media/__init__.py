"""What is in a media file: streams, codec strings, packet times. PyAV is imported only here."""
