"""What a file of ours holds, as ffprobe has it: both ask libav. Imports PyAV when it is called."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from livedvr.media.reader import MediaError


@dataclass(frozen=True, slots=True)
class FileFacts:
    """``duration`` and ``start`` in microseconds. ``width`` and ``height``: None without pictures; ``sample_rate`` (Hz)
    and ``channels``: None without sound."""

    size: int
    duration: int
    width: int | None = None
    height: int | None = None
    sample_rate: int | None = None
    channels: int | None = None
    start: int = 0


def file_facts(path: Path) -> FileFacts:
    """Blocking. Only for files that we have made; MediaError when nothing can be read of it."""
    import av

    try:
        with av.open(str(path), "r", metadata_errors="replace") as container:
            video = next(iter(container.streams.video), None)
            audio = next(iter(container.streams.audio), None)
            return FileFacts(
                path.stat().st_size,
                container.duration or 0,
                video.width if video else None,
                video.height if video else None,
                audio.rate if audio else None,
                audio.channels if audio else None,
                container.start_time or 0,
            )
    except av.FFmpegError as error:
        raise MediaError(f"{path}: nothing can be read of it ({error.strerror})") from error
