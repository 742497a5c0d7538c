"""Small pictures from segments: one keyframe is decoded, nothing else. Blocking; imports PyAV when it is used."""

from __future__ import annotations

import io
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from livedvr.media.reader import FORMATS

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

_FRAME = Fraction(1, 25)  # its one picture needs some
MOST_READ = 8 << 20  # bytes of a segment; its first keyframe is at its beginning
_BLANK = (16, 128, 128)  # Y, U, V where there is no picture

Size = tuple[int, int]


def keyframe(files: Sequence[Path], size: Size) -> VideoFrame | None:
    """The first keyframe of a segment (with its init segment before it), scaled; None: there is none to be read."""
    import av

    try:
        data = b"".join(_beginning(file) for file in files)
        options = {"format_whitelist": FORMATS}
        with av.open(io.BytesIO(data), "r", metadata_errors="replace", options=options) as container:
            if not container.streams.video:
                return None
            stream = container.streams.video[0]
            stream.codec_context.skip_frame = "NONKEY"
            stream.codec_context.thread_count = 1
            for frame in container.decode(stream):
                return frame.reformat(*size, format="yuv420p")
    except (OSError, av.FFmpegError):  # it has gone meanwhile, or is broken: a picture less
        return None
    return None


def _beginning(file: Path) -> bytes:
    with file.open("rb") as source:
        return source.read(MOST_READ)


def side_by_side(frames: Sequence[VideoFrame | None], size: Size) -> VideoFrame:
    """A sprite: the pictures in a row, each of ``size`` (even numbers); blank where there is none."""
    import av

    width, height = size
    sprite = av.VideoFrame(width * len(frames), height, "yuv420p")
    for which, (half, blank) in enumerate(zip((1, 2, 2), _BLANK, strict=True)):
        plane = sprite.planes[which]
        canvas = bytearray([blank]) * (plane.line_size * (height // half))
        for i, frame in enumerate(frames):
            if frame is None:
                continue
            source = frame.planes[which]
            pixels, across = memoryview(bytes(source)), width // half
            for y in range(height // half):
                at = y * plane.line_size + i * across
                canvas[at : at + across] = pixels[y * source.line_size : y * source.line_size + across]
        plane.update(bytes(canvas))
    return sprite


def jpeg(frame: VideoFrame, quality: int = 6) -> bytes:
    """The picture as JPEG. ``quality``: ffmpeg's scale, 2 is best."""
    import av

    encoder = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height, encoder.pix_fmt = frame.width, frame.height, "yuvj420p"
    encoder.options = {"qmin": str(quality), "qmax": str(quality)}
    encoder.time_base = _FRAME
    full = frame.reformat(format="yuvj420p")
    full.pts, full.time_base = 0, _FRAME
    return b"".join(bytes(packet) for packet in [*encoder.encode(full), *encoder.encode(None)])
