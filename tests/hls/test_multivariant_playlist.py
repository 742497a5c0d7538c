from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import m3u8
import pytest

from livedvr.hls.multivariant_playlist import Variant, render_multivariant

FULL = Variant(
    uri="av/index-1.m3u8",
    bandwidth=2_812_345,
    average_bandwidth=2_000_001,
    codecs=("avc1.640028", "mp4a.40.2"),
    resolution=(1280, 720),
    frame_rate=Fraction(30),
)


@pytest.mark.semantics("P6", "O3")
def test_a_whole_multivariant_playlist() -> None:
    assert render_multivariant([FULL]).decode() == (
        "#EXTM3U\n"
        "#EXT-X-INDEPENDENT-SEGMENTS\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=2812345,AVERAGE-BANDWIDTH=2000001,"
        'CODECS="avc1.640028,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=30.000\n'
        "av/index-1.m3u8\n"
    )


@pytest.mark.semantics("P6")
@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (Fraction(30_000, 1001), "29.970"),
        (Fraction(24_000, 1001), "23.976"),
        (Fraction(60_000, 1001), "59.940"),
        (Fraction(25), "25.000"),
        (Fraction(25, 2), "12.500"),
    ],
)
def test_a_frame_rate_has_three_decimals(rate: Fraction, text: str) -> None:
    assert f",FRAME-RATE={text}\n".encode() in render_multivariant([replace(FULL, frame_rate=rate)])


@pytest.mark.semantics("P6")
def test_what_is_not_known_is_not_said() -> None:
    audio = Variant("av/index-1.m3u8", 130_000, 128_000, ("mp4a.40.2",), None, None)
    assert render_multivariant([audio]).decode().splitlines()[2] == (
        '#EXT-X-STREAM-INF:BANDWIDTH=130000,AVERAGE-BANDWIDTH=128000,CODECS="mp4a.40.2"'
    )
    assert b"CODECS" not in render_multivariant([replace(FULL, codecs=())])


@pytest.mark.semantics("P6")
def test_another_library_reads_every_variant() -> None:
    low = replace(FULL, uri="low/index-1.m3u8", bandwidth=900_000, resolution=(640, 360))
    read = m3u8.loads(render_multivariant([FULL, low]).decode())
    assert read.is_variant
    assert read.is_independent_segments
    assert [(p.uri, p.stream_info.bandwidth, p.stream_info.resolution) for p in read.playlists] == [
        ("av/index-1.m3u8", 2_812_345, (1280, 720)),
        ("low/index-1.m3u8", 900_000, (640, 360)),
    ]
    assert {(p.stream_info.codecs, p.stream_info.frame_rate) for p in read.playlists} == {
        ("avc1.640028,mp4a.40.2", 30.0)
    }
