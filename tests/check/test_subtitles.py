"""WebVTT segments beside a video whose segments start at timestamp 10 and at 02:00:00."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from livedvr.check.load import MediaPlaylist
from livedvr.check.segments import SegmentCheck
from livedvr.check.subtitles import check_subtitles
from livedvr.fetch import Fetcher
from livedvr.hls.parsed import parse_playlist
from livedvr.hls.rules import Rendition
from livedvr.resources.times import SECOND, parse_time

WRAP = round(Fraction(SECOND << 33, 90_000))
DATED = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-PROGRAM-DATE-TIME:{}\n#EXTINF:2.0,\na\n#EXTINF:2.0,\nb\n"
START = "2026-11-21T02:00:00.000Z"
MAP = "X-TIMESTAMP-MAP=MPEGTS:900000,LOCAL:00:00:00.000\n"

Found = Callable[..., list[tuple[str, int | None]]]


@pytest.fixture
def found(tmp_path: Path) -> Found:
    """(rule, line) of what is wrong with the segments a and b."""

    def check(
        a: str, b: str = f"WEBVTT\n{MAP}", body: str = DATED.format(START), at: float = 10
    ) -> list[tuple[str, int | None]]:
        for name, text in (("a", a), ("b", b)):
            (tmp_path / name).write_text(text)
        url = (tmp_path / "s.m3u8").as_uri()
        video = MediaPlaylist(Rendition(parse_playlist(DATED.format(START), "v.m3u8"), "variant"), "file:///v.m3u8")
        media = MediaPlaylist(Rendition(parse_playlist(body, "s.m3u8"), "SUBTITLES"), url)
        checked = SegmentCheck(media, Fetcher(url), independent=True)
        checked.take(media)
        checked.finish()
        clocks = {video.url: {0: parse_time(START, 0, field="") - round(at * SECOND)}}
        beside = check_subtitles([video, media], {url: checked.measured.subtitles}, clocks)
        return [(finding.rule_id, finding.line) for finding in [*checked.findings, *beside]]

    return check


def vtt(*timings: str, head: str = MAP) -> str:
    return f"WEBVTT\n{head}" + "".join(f"\n{timing}\ntext\n" for timing in timings)


def test_a_cue_in_its_segment_and_over_its_edges_is_fine(found: Found) -> None:
    crossing = "00:00:01.000 --> 00:00:03.000"
    assert found(vtt("00:00:00.500 --> 00:00:01.000", crossing), vtt(crossing)) == []
    assert found(vtt(), vtt()) == [], "a segment without a cue, too"


def test_a_cue_elsewhere_is_found(found: Found) -> None:
    assert found(vtt("00:00:02.500 --> 00:00:03.000")) == [("cue-outside-segment", 5)]
    assert found(vtt(), vtt("00:00:01.000 --> 00:00:01.900")) == [("cue-outside-segment", 7)]
    assert found(vtt("00:00:00.500 --> 00:00:01.000", head="X-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n")) == [
        ("cue-outside-segment", 5)
    ]


def test_the_map_may_begin_again_after_33_bits(found: Found) -> None:
    assert found(vtt("00:00:00.500 --> 00:00:01.000"), at=10 + WRAP / SECOND) == []


def test_without_a_map_cues_have_the_media_s_time(found: Found) -> None:
    assert found(vtt("00:00:10.500 --> 00:00:11.000", head="")) == [("timestamp-map-missing", 5)]
    assert found(vtt("00:00:00.500 --> 00:00:01.000", head=""))[1:] == [("cue-outside-segment", 5)]
    assert found(vtt(head="")) == [], "nothing is shown at a wrong time"


def test_what_is_no_webvtt_is_found(found: Found) -> None:
    assert found("1\n00:00:01,000 --> 00:00:02,000\nSubRip\n") == [("segment-unreadable", 5)]
    assert found(vtt("00:00:00,500 --> 00:00:01,000")) == [("cue-unreadable", 5)]


def test_edges_that_are_not_the_video_s_are_noted_once(found: Found) -> None:
    later = DATED.format("2026-11-21T02:00:01.000Z")
    assert found(vtt(), vtt(), later) == [("subtitle-edges-differ", 5)]


def test_without_dates_only_what_a_segment_says_by_itself_is_judged(found: Found) -> None:
    undated = "\n".join(line for line in DATED.split("\n") if "DATE" not in line)
    assert found(vtt("01:00:00.000 --> 01:00:01.000"), vtt(), undated) == []
