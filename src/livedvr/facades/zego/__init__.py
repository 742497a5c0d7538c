"""ZEGOCLOUD cloud recording: see docs/recordings-zego.md."""
