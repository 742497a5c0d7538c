"""A small MPEG-TS with SCTE-35, as a file and as a live source over UDP."""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from splices import first_video_time, stamped, ticks, with_cues

SENT_AT_ONCE = 7  # packets in a datagram


def make_clip(ffmpeg: str, path: Path, seconds: float, *, offset: float = 0.0) -> tuple[bytes, int]:
    """An MPEG-TS with a keyframe each second; it and its first picture's time in ticks. ``offset``: of its clock, s."""
    make = [ffmpeg, "-nostdin", "-loglevel", "error", "-f", "lavfi", "-i", f"testsrc2=s=160x90:r=25:d={seconds}"]
    make += ["-f", "lavfi", "-i", f"sine=r=48000:d={seconds}", "-c:v", "libx264", "-preset", "ultrafast", "-tune"]
    make += ["zerolatency", "-g", "25", "-c:a", "aac", "-output_ts_offset", str(offset), "-pes_payload_size", "0"]
    subprocess.run([*make, "-y", str(path)], check=True)
    data = path.read_bytes()
    return data, first_video_time(data)


def write_clip(
    ffmpeg: str, path: Path, seconds: float, cues: Sequence[tuple[float, object]], offset: float = 0.0
) -> bytes:
    """A clip with messages: (seconds at which one comes, a function from its first picture's ticks to the section)."""
    data, first = make_clip(ffmpeg, path, seconds, offset=offset)
    data = with_cues(data, [(at, make(lambda s: (first + ticks(s)) % (1 << 33))) for at, make in cues])  # type: ignore[operator]
    path.write_bytes(data)
    return data


class UdpSender:
    """Sends an MPEG-TS by its own clock to a port of loopback, once."""

    def __init__(self, data: bytes, port: int) -> None:
        self._data, self._address = data, ("127.0.0.1", port)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._send, daemon=True)

    def __enter__(self) -> UdpSender:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def is_over(self) -> bool:
        return not self._thread.is_alive()

    def _send(self) -> None:
        begun, waiting = time.monotonic(), []
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            for packet, seconds in stamped(self._data):
                if self._stop.wait(max(0.0, begun + seconds - time.monotonic())):
                    return
                waiting.append(packet)
                if len(waiting) == SENT_AT_ONCE:
                    udp.sendto(b"".join(waiting), self._address)
                    waiting = []
            udp.sendto(b"".join(waiting), self._address)
