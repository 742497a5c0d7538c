"""What goes into one file of a recording, and how the files are called."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import at, chain
from livedvr.clips.pieces import Piece, Track
from livedvr.recordings.hls import draw, read_listed, read_names
from livedvr.recordings.takes import SHORTEST, file_name, segment_stem, takes_of
from livedvr.resources.file_names import stamp
from livedvr.resources.recording import HlsOptions, RecordingFormat, RecordingSpec, TrackType
from livedvr.resources.times import SECOND

SEGMENTS = tuple(chain([2 * SECOND] * 30))


def piece(start: float, end: float) -> Piece:
    segments = tuple(one for one in SEGMENTS if one.end > at(start) and one.start < at(end))
    return Piece(Track("av", segments), None, at(start), at(end))


def times(takes: list[Any]) -> list[list[tuple[float, float]]]:
    return [[((one.start - at(0)) / 1e6, (one.end - at(0)) / 1e6) for one in take.pieces] for take in takes]


def joined(*_: Piece) -> bool:
    return False


@pytest.mark.parametrize(
    ("pieces", "longest", "expected"),
    [
        ([(0, 5), (7, 9)], None, [[(0, 5), (7, 9)]]),
        ([(0, 5), (7, 9)], 4, [[(0, 4)], [(4, 5), (7, 9)]]),
        ([(0, 4), (7, 9)], 4, [[(0, 4)], [(7, 9)]]),
        ([(0, 12.05)], 4, [[(0, 4)], [(4, 8), ], [(8, 12.05)]]),  # too little for a file of its own
        ([(0, 3.95), (7, 9)], 4, [[(0, 3.95)], [(7, 9)]]),
    ],
)  # fmt: skip
def test_no_file_is_longer_than_asked_for(pieces: Any, longest: int | None, expected: Any) -> None:
    found = takes_of([piece(*one) for one in pieces], joined, longest and longest * SECOND)
    assert times(found) == expected


def test_two_that_are_to_be_apart_are() -> None:
    one, two, three = piece(0, 3), piece(4, 6), piece(6, 9)
    assert times(takes_of([one, two, three], lambda before, _: before is one)) == [[(0, 3)], [(4, 6), (6, 9)]]


@given(st.lists(st.integers(1, 9_000_000), min_size=1, max_size=8), st.integers(1_000_000, 6_000_000))
def test_nothing_is_lost_and_nothing_stands_twice(edges: list[int], longest: int) -> None:
    pieces, last = [], 0
    for edge in edges:
        if last + edge > 59 * SECOND:
            break
        pieces.append(piece(last / 1e6, (last + edge) / 1e6))
        last += edge
    takes = takes_of(pieces, joined, longest)
    assert sum(one.duration for take in takes for one in take.pieces) == sum(one.duration for one in pieces)
    assert all(sum(one.duration for one in take.pieces) <= longest + SHORTEST for take in takes)


def test_when_something_in_a_file_was() -> None:
    (take,) = takes_of([piece(1, 3), piece(10, 12)], joined)
    assert [take.at(offset * SECOND) for offset in (0, 1, 2, 3)] == [at(1), at(2), at(10), at(11)]


@pytest.mark.parametrize(
    ("spec", "kind", "track", "index", "name"),
    [
        ({}, "MP4", "AUDIO_VIDEO", 1, "take.mp4"),
        ({}, "HLS", "AUDIO_VIDEO", 1, "take/main.m3u8"),
        ({}, "MP4", "AUDIO_VIDEO", 2, "take-2.mp4"),
        ({"tracks": "SEPARATE"}, "MP4", "VIDEO", 2, "take-video-2.mp4"),
        ({"tracks": "SEPARATE"}, "WAV", "AUDIO", 1, "take.wav"),
        ({"file_stem": "a/{track}", "track_names": ("VA", "A", "V")}, "MP4", "AUDIO_VIDEO", 1, "a/VA.mp4"),
        ({"file_stem": "a_{index}"}, "AAC", "AUDIO", 3, "a_3.aac"),
        ({"file_stem": "a_{begin}"}, "HLS", "VIDEO", 3, f"a_{stamp(at(0))}.m3u8"),
    ],
)
def test_names(spec: dict[str, Any], kind: RecordingFormat, track: TrackType, index: int, name: str) -> None:
    asked = RecordingSpec(**spec)
    assert file_name("take", asked, kind, track, index, at(0)) == name
    known = None if "{begin}" in asked.file_stem else name
    assert file_name("take", asked, kind, track, index, None) == known


def test_names_of_segments() -> None:
    assert segment_stem(RecordingSpec(), "AUDIO_VIDEO", 7, at(0)) == "segment-000007"
    assert segment_stem(RecordingSpec(tracks="SEPARATE"), "VIDEO", 7, at(0)) == "segment-000007-video"
    named = RecordingSpec(hls=HlsOptions(segment_stem="x_{begin}"))
    assert segment_stem(named, "AUDIO_VIDEO", 7, at(1.5)) == f"x_{stamp(at(1.5))}"


PLAYLIST = """#EXTM3U
#EXT-X-VERSION:6
#EXT-X-TARGETDURATION:6
#EXT-X-MEDIA-SEQUENCE:0
#EXT-X-DISCONTINUITY-SEQUENCE:0
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-MINE:1
#EXT-X-MAP:URI="main-init.mp4"
#EXTINF:6.480000,
a+b%20%231.m4s
#EXTINF:0.500000,
a+b%20%232.m4s
#EXT-X-ENDLIST
"""


def test_a_playlist() -> None:
    segments = [("a+b #1.m4s", 6_480_000), ("a+b #2.m4s", 500_000)]
    assert draw(HlsOptions(), ["#EXT-X-MINE:1"], "main-init.mp4", segments) == PLAYLIST
    assert read_names(PLAYLIST) == ["main-init.mp4", "a+b #1.m4s", "a+b #2.m4s"]
    assert read_listed("#EXTM3U\n#EXTINF:6.480000,\nsegment-000000.ts\n#EXTINF:0.500000,\nsegment-000001.ts\n") == [
        ("segment-000000.ts", 6_480_000),
        ("segment-000001.ts", 500_000),
    ]
