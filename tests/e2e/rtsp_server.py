"""An RTSP server that serves live H.264 and AAC: for Debian's python3, which has GStreamer's bindings.

Takes a password as its argument, prints its port when it can be asked. The stream is
``rtsp://admin:PASSWORD@127.0.0.1:PORT/camera``.
"""

from __future__ import annotations

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

VIDEO = "videotestsrc is-live=true ! video/x-raw,width=320,height=180,framerate=30/1 ! openh264enc gop-size=30"
AUDIO = "audiotestsrc is-live=true ! audio/x-raw,rate=48000,channels=1 ! avenc_aac ! aacparse"


def main(password: str) -> None:
    """Serve until killed."""
    Gst.init(None)
    server = GstRtspServer.RTSPServer(address="127.0.0.1", service="0")
    factory = GstRtspServer.RTSPMediaFactory(shared=True)
    factory.set_launch(f"( {VIDEO} ! h264parse ! rtph264pay name=pay0 pt=96 {AUDIO} ! rtpmp4gpay name=pay1 pt=97 )")
    role = "admin, media.factory.access=(boolean)true, media.factory.construct=(boolean)true"
    factory.add_role_from_structure(Gst.Structure.from_string(role)[0])
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "admin")
    auth = GstRtspServer.RTSPAuth()
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic("admin", password), token)
    server.set_auth(auth)
    server.get_mount_points().add_factory("/camera", factory)
    server.attach(None)
    print(server.get_bound_port(), flush=True)
    GLib.MainLoop().run()


if __name__ == "__main__":
    main(sys.argv[1])
