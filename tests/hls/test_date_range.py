from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from builders import T0, passage, segment
from livedvr.hls.date_range import date_range_line
from livedvr.hls.live_playlist import render_live
from livedvr.hls.media_playlist import MediaPlaylist
from livedvr.hls.rules import Level, check_media_playlist
from livedvr.resources.times import SECOND
from livedvr.timeline.ranges import RangeTag

pytestmark = pytest.mark.semantics("P9")

OUT = RangeTag(
    serial=0,
    id="splice-7-20261121T020007.200Z",
    event="splice-7",
    start=T0 + 7_200_000,
    planned=4_800_000,
    returns=True,
    end=None,
    carrier="SCTE35-OUT",
    section=b"\xfc\x30",
    places={"av": 1},
)
IN = replace(
    OUT, serial=1, planned=None, end=T0 + 12_005_000, carrier="SCTE35-IN", section=b"\xfc\x31", places={"av": 4}
)
NAMED = '#EXT-X-DATERANGE:ID="splice-7-20261121T020007.200Z",START-DATE="2026-11-21T02:00:07.200Z",'
OUT_LINE = NAMED + "PLANNED-DURATION=4.800,SCTE35-OUT=0xFC30"
IN_LINE = NAMED + 'END-DATE="2026-11-21T02:00:12.005Z",DURATION=4.805,SCTE35-IN=0xFC31'


def test_what_is_not_known_yet_is_not_said_and_what_was_said_stays() -> None:
    assert date_range_line(OUT) == OUT_LINE
    assert date_range_line(IN) == IN_LINE
    assert date_range_line(replace(IN, carrier=None)) == IN_LINE.removesuffix(",SCTE35-IN=0xFC31")


@pytest.mark.semantics("P1")
def test_a_tag_stands_before_its_segment_and_the_text_only_grows() -> None:
    playlist, texts = MediaPlaylist("av", "fmp4", 6), []
    for number in range(6):
        playlist.append(passage(segment(number)), [tag for tag in (OUT, IN) if tag.places["av"] == number])
        texts.append(playlist.render().decode())
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(texts))
    lines = texts[-1].splitlines()
    assert lines.index(OUT_LINE) + 1 == lines.index("#EXTINF:2.000000,", lines.index(OUT_LINE))
    assert [line.rpartition("/")[2] for line in lines if "segment" in line or "RANGE" in line].index(OUT_LINE) == 1
    assert not check_media_playlist(texts[-1], "index-1.m3u8")


@pytest.mark.semantics("O5")
def test_in_a_live_list_a_tag_whose_place_has_slid_out_stands_before_the_first_segment() -> None:
    def lines(first: int) -> list[str]:
        text = render_live("av", "ts", 2, [segment(number) for number in range(first, 6)], [OUT, IN]).decode()
        assert not [found for found in check_media_playlist(text, "index-1.m3u8") if found.level is Level.MUST]
        return [
            line.rpartition("/")[2] for line in text.splitlines()[5:] if not line.startswith(("#EXTINF", "#EXT-X-P"))
        ]

    assert lines(0)[:3] == ["segment-000000.ts", OUT_LINE, "segment-000001.ts"]
    assert lines(3) == [OUT_LINE, "segment-000003.ts", IN_LINE, "segment-000004.ts", "segment-000005.ts"]
    assert lines(5) == [OUT_LINE, IN_LINE, "segment-000005.ts"]


def test_durations_have_their_milliseconds() -> None:
    assert date_range_line(replace(IN, end=OUT.start + SECOND + 7_000)).count(",DURATION=1.007,") == 1
    assert date_range_line(replace(OUT, planned=0)).count(",PLANNED-DURATION=0.000,") == 1
