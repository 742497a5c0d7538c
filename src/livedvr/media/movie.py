"""What a whole file of media is, by its container's head alone. Imports PyAV when it is called."""

from __future__ import annotations

import io
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from livedvr.media.nal_units import units_of
from livedvr.media.reader import FORMATS, MediaError

_MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Movie:
    """``start`` and ``duration``: microseconds, the start by its first stream. ``streams``: what each is, for people
    and to be compared."""

    start: int
    duration: int
    streams: tuple[str, ...]


def look_at(path: Path) -> Movie | None:
    """What a file of ours is; None when there is not a packet in it. Only for files that we have made."""
    import av

    try:
        with av.open(str(path), "r", metadata_errors="replace") as container:
            streams = [*container.streams.video, *container.streams.audio]
            starts = [
                round(Fraction(stream.start_time) * (stream.time_base or Fraction(1)) * _MICROSECONDS)
                for stream in streams
                if stream.start_time is not None
            ]
            texts = (
                *(f"{s.codec_context.name} {s.width}x{s.height} {s.pix_fmt}" for s in container.streams.video),
                *(f"{s.codec_context.name} {s.rate} Hz, {s.layout.name}" for s in container.streams.audio),
            )
            return Movie(starts[0], container.duration or 0, texts) if starts else None
    except av.FFmpegError:
        return None


@dataclass(frozen=True, slots=True)
class Pictures:
    """The pictures of a segment. ``codec``, ``profile``, ``pixels``: ffmpeg's names.

    ``delay``: by how many the first is decoded ahead of being shown. ``is_clean``: nothing that follows looks back
    beyond it (H.264 alone: an IDR picture, ITU-T H.264 7.4.1.2.4). ``times``: when each is shown, sorted, microseconds
    of container time.
    """

    codec: str
    profile: str
    pixels: str
    delay: int
    is_clean: bool
    times: tuple[int, ...]


def read_pictures(segment: Path, init: Path | None) -> Pictures:
    """Blocking; reads the segment. MediaError when no picture can be read."""
    import av

    data = (init.read_bytes() if init else b"") + segment.read_bytes()
    options = {"format_whitelist": FORMATS}
    try:
        with av.open(io.BytesIO(data), "r", metadata_errors="replace", options=options) as container:
            stream = container.streams.video[0]
            packets = [packet for packet in container.demux(stream) if packet.pts is not None]
            first, context = packets[0], stream.codec_context
            base, rate, pts = stream.time_base or Fraction(1), stream.guessed_rate, first.pts or 0
            ahead = (pts - (pts if first.dts is None else first.dts)) * base
            return Pictures(
                context.codec.canonical_name,
                context.profile or "",
                context.pix_fmt or "",
                round(ahead * rate) if rate else 0,
                _is_idr(bytes(first), in_mp4=init is not None),
                tuple(sorted(round((packet.pts or 0) * base * _MICROSECONDS) for packet in packets)),
            )
    except (av.FFmpegError, IndexError) as error:
        raise MediaError(f"{segment}: no picture can be read") from error


def _is_idr(packet: bytes, *, in_mp4: bool) -> bool:
    """Whether one of the NAL units is of type 5, a slice of an IDR picture (7.4.1)."""
    return any(unit[0] & 0x1F == 5 for unit in units_of(packet, in_mp4=in_mp4))
