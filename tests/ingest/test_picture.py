from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import av
import ffmpeg as graph
import pytest

from livedvr.ingest.ffmpeg import find_ffmpeg
from livedvr.ingest.picture import picture_filters
from livedvr.ingest.source import Source
from livedvr.resources.models import Edges
from livedvr.resources.streams import VideoStream

PLAIN = Source("testsrc", "testsrc")
SCALED = VideoStream(codec="h264", width_pixels=320, height_pixels=180)


def test_a_picture_is_left_as_it_is() -> None:
    assert picture_filters(PLAIN, VideoStream(codec="h264")) == []


def test_it_is_cropped_then_padded_then_scaled() -> None:
    source = replace(PLAIN, crop=Edges(top_pixels=5, bottom_pixels=5), pad=Edges(left_pixels=8))
    assert picture_filters(source, SCALED) == [
        "crop=trunc((iw-0)/2)*2:trunc((ih-10)/2)*2:0:5",
        "pad=ceil((iw+8)/2)*2:ceil((ih+0)/2)*2:8:0",
        "scale=320:180",
    ]


@pytest.mark.parametrize(
    ("crop", "pad", "size"),
    [
        (Edges(top_pixels=5, bottom_pixels=4), None, (160, 80)),
        (None, Edges(left_pixels=3, right_pixels=2, top_pixels=10), (166, 100)),
        (Edges(left_pixels=60, right_pixels=20), Edges(right_pixels=80), (160, 90)),
    ],
)
def test_ffmpeg_makes_what_is_meant(
    ffmpeg: str, tmp_path: Path, crop: Edges | None, pad: Edges | None, size: tuple[int, int]
) -> None:
    filters = picture_filters(replace(PLAIN, crop=crop, pad=pad), VideoStream(codec="h264"))
    made = tmp_path / "picture.nut"
    given = graph.input("color=white:s=160x90:d=0.1", f="lavfi")
    graph.run(
        graph.output(given, str(made), vf=",".join(filters), vcodec="rawvideo", pix_fmt="yuv420p", frames=1),
        cmd=str(find_ffmpeg().path),
        quiet=True,
    )
    with av.open(str(made)) as media:
        frame = next(media.decode(video=0))
    assert (frame.width, frame.height) == size
    if pad is not None and pad.left_pixels:
        plane = frame.planes[0]
        row = bytes(plane)[50 * plane.line_size :]
        assert row[0] < 40 < 200 < row[80]  # black beside white
