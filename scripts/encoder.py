"""A live encoder for trying things out: pushes testsrc (picture with the UTC clock, tone) in MPEG-TS to a URL.

python scripts/encoder.py srt://127.0.0.1:9000?mode=caller

It tries again until somebody listens, as encoders do, and goes on until it is stopped.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time

from livedvr.ingest.ffmpeg import find_ffmpeg
from livedvr.ingest.testsrc import TESTSRC_OPTIONS, testsrc_graph

PATIENCE = 60.0


def main(url: str) -> int:
    """Push until stopped; 1 when nobody listens for a minute."""
    given = [part for name, value in TESTSRC_OPTIONS.items() for part in (f"-{name}", value)]
    argv = [
        *(str(find_ffmpeg().path), "-hide_banner", "-nostdin", "-loglevel", "quiet"),
        *(*given, "-i", testsrc_graph()),
        # What a live encoder sends: no lookahead, a keyframe every two seconds.
        *("-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "60", "-pix_fmt", "yuv420p"),
        *("-c:a", "aac", "-b:a", "128k"),
        *("-f", "mpegts", "-pes_payload_size", "0", url),
    ]
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        encoder = subprocess.Popen(argv, stdin=subprocess.DEVNULL)
        signal.signal(signal.SIGTERM, lambda *_, running=encoder: (running.kill(), sys.exit(0)))
        began = time.monotonic()
        encoder.wait()
        if time.monotonic() - began > 10:  # it was connected, and the other side has hung up
            return 0
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
