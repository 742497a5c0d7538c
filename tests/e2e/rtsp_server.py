"""An RTSP server that serves live H.264 and AAC: for Debian's python3, which has GStreamer's bindings.

Prints its port when it can be asked. The stream is ``rtsp://127.0.0.1:PORT/camera``.
"""

from __future__ import annotations

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

VIDEO = "videotestsrc is-live=true ! video/x-raw,width=320,height=180,framerate=30/1 ! openh264enc gop-size=30"
AUDIO = "audiotestsrc is-live=true ! audio/x-raw,rate=48000,channels=1 ! avenc_aac ! aacparse"


def main() -> None:
    """Serve until killed."""
    Gst.init(None)
    server = GstRtspServer.RTSPServer(address="127.0.0.1", service="0")
    factory = GstRtspServer.RTSPMediaFactory(shared=True)
    factory.set_launch(f"( {VIDEO} ! h264parse ! rtph264pay name=pay0 pt=96 {AUDIO} ! rtpmp4gpay name=pay1 pt=97 )")
    server.get_mount_points().add_factory("/camera", factory)
    server.attach(None)
    print(server.get_bound_port(), flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
