"""livedvr: a self-hosted DVR for live streams."""
