"""What a run's log says of its source's streams, as a resource. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from livedvr.resources.figures import AudioFormat, InputStream, VideoFormat

_STREAM = re.compile(r"#0:(\d+) (Video|Audio): (\w+)")
_SIZE = re.compile(r", (\d{2,})x(\d{2,})\b")
_RATE = re.compile(r", (\d+(?:\.\d+)?) fps\b")
_SOUND = re.compile(r", (\d+) Hz, ([^,]+)")
_COUNTED = re.compile(r"(\d+) channels?")
_SURROUND = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")
_CHANNELS = {"mono": 1, "stereo": 2, "downmix": 2, "quad": 4, "hexagonal": 6, "octagonal": 8}


def input_streams(taken: Sequence[str]) -> tuple[InputStream, ...]:
    """The streams that `livedvr.ingest.log.taken_streams` has found."""
    found = {}
    for line in taken:
        if match := _STREAM.match(line):
            index, is_video = int(match[1]), match[2] == "Video"
            found[index] = InputStream(
                index=index,
                video=_video(match[3], line) if is_video else None,
                audio=None if is_video else _audio(match[3], line),
            )
    return tuple(found[index] for index in sorted(found))


def _video(codec: str, described: str) -> VideoFormat:
    size, rate = _SIZE.search(described), _RATE.search(described)
    return VideoFormat(
        codec=codec,
        width_pixels=int(size[1]) if size else None,
        height_pixels=int(size[2]) if size else None,
        frame_rate=float(rate[1]) if rate else None,
    )


def _audio(codec: str, described: str) -> AudioFormat:
    sound = _SOUND.search(described)
    if sound is None:
        return AudioFormat(codec=codec)
    return AudioFormat(
        codec=codec,
        sample_rate_hertz=int(sound[1]),
        channel_count=_count(sound[2]),
        channel_layout=sound[2],
    )


def _count(layout: str) -> int | None:
    """``stereo``, ``5.1(side)``, ``3 channels``: how many channels that are."""
    if counted := _COUNTED.match(layout):
        return int(counted[1])
    if surround := _SURROUND.match(layout):
        return sum(int(part or 0) for part in surround.groups())
    return _CHANNELS.get(layout.partition("(")[0])
