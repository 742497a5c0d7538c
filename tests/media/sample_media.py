"""Tiny media, cut by ffmpeg the way livedvr cuts it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import imageio_ffmpeg

H264 = ("-c:v", "libx264", "-preset", "veryfast", "-g", "25", "-bf", "2")
HEVC = ("-c:v", "libx265", "-preset", "ultrafast", "-tag:v", "hvc1", "-x265-params", "log-level=error:keyint=25")
AAC = ("-c:a", "aac")

_FRAGMENTS = "movflags=+empty_moov+default_base_moof+frag_keyframe:frag_duration=500000:flush_packets=1"
_FMP4 = ("-segment_format", "mp4", "-segment_format_options", _FRAGMENTS, "-segment_header_filename", "init.mp4")
_TS = ("-segment_format", "mpegts", "-segment_format_options", "flush_packets=1")


def cut(folder: Path, *codecs: str, seconds: int = 3, ts: bool = False, size: str = "160x90", offset: int = 0) -> Path:
    """Segments of one second in `folder`, which must exist; 25 frames per second, a GOP each second.

    With `offset` (seconds) the timestamps begin later.
    """
    video = ("-f", "lavfi", "-i", f"testsrc2=s={size}:r=25:d={seconds}") if "-c:v" in codecs else ()
    audio = ("-f", "lavfi", "-i", f"sine=r=48000:d={seconds}") if "-c:a" in codecs else ()
    maps = [option for index in range(bool(video) + bool(audio)) for option in ("-map", str(index))]
    extension = "ts" if ts else "m4s"
    run_ffmpeg(
        *(*video, *audio, *maps, *codecs, "-output_ts_offset", str(offset), "-muxdelay", "0", "-muxpreload", "0"),
        *("-f", "segment", "-segment_time", "1", "-segment_time_delta", "0.05", *(_TS if ts else _FMP4)),
        *("-individual_header_trailer", "0", "-segment_list", "journal.csv", "-segment_list_type", "csv"),
        f"segment-%06d.{extension}",
        folder=folder,
    )
    return folder


def run_ffmpeg(*arguments: str, folder: Path) -> None:
    """Run ffmpeg in `folder`; it must succeed."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-loglevel", "error", "-y", *arguments]
    subprocess.run(command, cwd=folder, check=True, stdin=subprocess.DEVNULL)
