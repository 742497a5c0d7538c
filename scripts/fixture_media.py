"""What the makers of fixtures share: a live encoder's media, and texts that are the same each time."""

from __future__ import annotations

import re
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg

from livedvr.resources.models import to_datetime

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
LOG_NAME = "ffmpeg.log"


@dataclass(frozen=True)
class Stretch:
    """What the encoder sends without a break: ``seconds`` of pictures, timestamps from ``at`` seconds on."""

    size: str
    seconds: float
    at: float = 0.0


def encode(stretch: Stretch, spool: Path, name: str, *, has_sound: bool = True) -> str:
    """What a live encoder sends, in MPEG-TS; returns the command."""
    sine = f"sine=frequency=440:sample_rate=24000:duration={stretch.seconds}"
    argv = [
        *("ffmpeg", "-hide_banner", "-loglevel", "error", "-bitexact"),
        *("-f", "lavfi", "-i", f"testsrc2=size={stretch.size}:rate=10:duration={stretch.seconds}"),
        *(("-f", "lavfi", "-i", sine) if has_sound else ()),
        # As live encoders do: no lookahead, a keyframe every two seconds. One thread: the same bytes everywhere.
        *("-c:v", "libx264", "-threads", "1", "-preset", "veryfast", "-tune", "zerolatency", "-crf", "32"),
        *("-g", "20", "-keyint_min", "20", "-sc_threshold", "0", "-pix_fmt", "yuv420p"),
        *(("-c:a", "aac", "-b:a", "16k", "-ac", "1") if has_sound else ()),
        *("-output_ts_offset", str(stretch.at), "-mpegts_flags", "+initial_discontinuity", "-f", "mpegts", name),
    ]
    subprocess.run([FFMPEG, *argv[1:]], cwd=spool, check=True)
    return shlex.join(argv)


def day(time: str) -> str:
    """A time of the day of the fixtures."""
    return f"2026-11-21T{time}Z"


def exact(micros: int) -> str:
    """RFC 3339 with microseconds."""
    return to_datetime(micros).isoformat(timespec="microseconds").replace("+00:00", "Z")


def same_each_time(log: str) -> str:
    """The log without what differs from run to run: addresses of objects, how fast the machine was, which thread of
    ffmpeg's was the first to end."""
    log = re.sub(r".*\[verbose\] (Terminating thread|All streams finished).*\n", "", log)
    log = re.sub(r"@ 0x[0-9a-f]+", "@ 0x0", log)
    return re.sub(r"(fps|speed|elapsed)=\s*\S+", r"\1=0", log)


def version() -> str:
    """ffmpeg's own."""
    shown = subprocess.run([FFMPEG, "-version"], capture_output=True, text=True, check=True).stdout
    return shown.split()[2]
