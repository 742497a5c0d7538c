"""What is done to a picture before it is encoded: ffmpeg's video filters. Pure."""

from __future__ import annotations

from livedvr.ingest.source import Source
from livedvr.resources.models import Edges
from livedvr.resources.streams import VideoStream


def picture_filters(source: Source, video: VideoStream) -> list[str]:
    """Cropped, then padded, then scaled. Sizes stay even, as 4:2:0 wants them: a pixel less, or one more of black."""
    filters = []
    if source.crop is not None:
        width, height = _sizes(source.crop, "-", "trunc")
        filters.append(f"crop={width}:{height}:{source.crop.left_pixels}:{source.crop.top_pixels}")
    if source.pad is not None:
        width, height = _sizes(source.pad, "+", "ceil")
        filters.append(f"pad={width}:{height}:{source.pad.left_pixels}:{source.pad.top_pixels}")
    if video.height_pixels:
        filters.append(f"scale={video.width_pixels or -2}:{video.height_pixels}")
    return filters


def _sizes(edges: Edges, sign: str, even: str) -> tuple[str, str]:
    across, down = edges.left_pixels + edges.right_pixels, edges.top_pixels + edges.bottom_pixels
    return f"{even}((iw{sign}{across})/2)*2", f"{even}((ih{sign}{down})/2)*2"
