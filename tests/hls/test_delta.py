"""Delta updates: whole files, and what a client makes of any of them (RFC 8216bis 6.2.5.1)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import RUN, SECOND_RUN, passage, segment
from livedvr.hls.delta import SKIP_TARGETS, delta_update, offer_delivery
from livedvr.hls.live_playlist import render_live
from livedvr.hls.media_playlist import MediaPlaylist
from livedvr.hls.parsed import parse_playlist
from livedvr.hls.rules import Level, check_media_playlist
from livedvr.resources.times import SECOND
from livedvr.timeline.ranges import RangeTag
from livedvr.timeline.segment import Segment

OUTAGE = Path(__file__).parents[2] / "fixtures/fmp4/dvr/outage/av/index-1.m3u8"


def test_a_whole_delta_across_a_break_keeps_the_date_ranges_of_what_it_skips() -> None:
    running = OUTAGE.read_bytes().removesuffix(b"#EXT-X-ENDLIST\n")
    assert delta_update(offer_delivery(running)).decode() == GOLDEN


@pytest.mark.semantics("P1")
def test_a_whole_delta_of_a_sliding_list() -> None:
    text = offer_delivery(render_live("av", "ts", 1, [segment(number, duration=SECOND) for number in range(7, 15)]))
    assert delta_update(text).decode() == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:9\n"
        "#EXT-X-TARGETDURATION:1\n"
        "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=6.0\n"
        "#EXT-X-MEDIA-SEQUENCE:7\n"
        "#EXT-X-DISCONTINUITY-SEQUENCE:0\n"
        "#EXT-X-SKIP:SKIPPED-SEGMENTS=2\n"
    ) + "".join(
        f"#EXT-X-PROGRAM-DATE-TIME:2026-11-21T02:00:{2 * number}.000Z\n"
        f"#EXTINF:1.000000,\n../av/{RUN}/segment-{number:06d}.ts\n"
        for number in range(9, 15)
    )


@pytest.mark.parametrize("count", [0, 1, 6])
def test_what_lies_within_the_skip_boundary_is_sent_whole(count: int) -> None:
    text = offer_delivery(written([segment(number) for number in range(count)], {}))
    assert delta_update(text) == text


def test_what_has_ended_is_sent_whole() -> None:
    text = offer_delivery(OUTAGE.read_bytes())
    assert text.endswith(b"#EXT-X-ENDLIST\n") and delta_update(text) == text


@dataclass(frozen=True)
class Told:
    """What a playlist tells: its head, each segment with its own tags, its date ranges."""

    head: tuple[str, ...]
    segments: tuple[tuple[str, ...], ...]
    ranges: tuple[str, ...]
    skipped: int = 0


SEGMENT_TAGS = ("EXTINF", "EXT-X-DISCONTINUITY", "EXT-X-MAP", "EXT-X-PROGRAM-DATE-TIME", "EXT-X-GAP")


def told(text: bytes) -> Told:
    head: list[str] = []
    segments: list[tuple[str, ...]] = []
    ranges: list[str] = []
    own: list[str] = []
    skipped = 0
    for line in text.decode().splitlines():
        name = line[1:].partition(":")[0]
        if not line.startswith("#"):
            segments.append((*own, line))
            own = []
        elif name in SEGMENT_TAGS:
            own.append(line)
        elif name == "EXT-X-DATERANGE":
            ranges.append(line)
        elif name == "EXT-X-SKIP":
            skipped = int(line.partition("=")[2])
        elif name != "EXT-X-VERSION":
            head.append(line)
    return Told(tuple(head), tuple(segments), tuple(ranges), skipped)


def updated(older: Told, delta: Told) -> Told:
    """What a client knows that had ``older``: both lists begin with the same segment."""
    assert delta.skipped <= len(older.segments), "it skips nothing that a client does not have"
    return Told(delta.head, older.segments[: delta.skipped] + delta.segments, delta.ranges)


def written(segments: list[Segment], tags: dict[int, RangeTag]) -> bytes:
    playlist, before = MediaPlaylist("av", "fmp4", 2), None
    for one in segments:
        tag = tags.get(one.number)
        playlist.append(
            passage(one, discontinuity=before is not None and before.epoch != one.epoch), [tag] if tag else []
        )
        before = one
    return playlist.render()


@st.composite
def recorded(draw: st.DrawFn) -> tuple[list[Segment], dict[int, RangeTag]]:
    """Segments of at most 2.5 s over reconnects and failures, and date ranges before some of them."""
    segments: list[Segment] = []
    start = epoch = 0
    for number in range(draw(st.integers(1, 40))):
        if segments and draw(st.integers(0, 9)) == 0:
            epoch, start = epoch + 1, start + 5 * SECOND
        duration = draw(st.integers(100_000, 2_499_999))
        run, index = (RUN, SECOND_RUN)[epoch % 2], number if draw(st.integers(0, 9)) else -1 - number
        segments.append(segment(number, start=start, duration=duration, run=run, index=index, epoch=epoch))
        start += duration
    tagged = draw(st.sets(st.integers(0, len(segments) - 1), max_size=4))
    tags = {n: RangeTag(n, f"id-{n}", f"{n}", segments[n].start, None, False, None, None, b"", {}) for n in tagged}
    return segments, tags


@given(recorded(), st.data())
@pytest.mark.semantics("P1")
def test_a_delta_applied_to_an_older_playlist_is_the_newer_one(
    made: tuple[list[Segment], dict[int, RangeTag]], data: st.DataObject
) -> None:
    segments, tags = made
    newer = offer_delivery(written(segments, tags))
    delta = delta_update(newer)
    told_newer, told_delta = told(newer), told(delta)
    # The specification's client asks for no delta when it is more than half a skip boundary behind.
    ahead = data.draw(st.integers(0, len(segments)))
    behind = segments[len(segments) - ahead :]
    if sum(one.duration for one in behind) <= SKIP_TARGETS * 2 * SECOND // 2:
        older = told(offer_delivery(written(segments[: len(segments) - ahead], tags)))
        assert updated(older, told_delta) == told_newer
    kept = sum(one.duration for one in segments[told_delta.skipped :])
    assert not told_delta.skipped or kept >= SKIP_TARGETS * 2 * SECOND
    before = parse_playlist(newer.decode(), "newer").next_number
    assert parse_playlist(delta.decode(), "delta").next_number == before
    assert not [found for found in check_media_playlist(delta.decode()) if found.level is Level.MUST]


GOLDEN = """\
#EXTM3U
#EXT-X-VERSION:9
#EXT-X-TARGETDURATION:2
#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12.0
#EXT-X-MEDIA-SEQUENCE:0
#EXT-X-DISCONTINUITY-SEQUENCE:0
#EXT-X-PLAYLIST-TYPE:EVENT
#EXT-X-SKIP:SKIPPED-SEGMENTS=3
#EXT-X-DATERANGE:ID="splice-6-20261121T020003.873Z",START-DATE="2026-11-21T02:00:03.873Z",PLANNED-DURATION=2.500,SCTE35-OUT=0xFC302500000000000000FFF01405000000067FEFFE000619E0FE00036EE80001010100006ECAB69E
#EXT-X-DATERANGE:ID="splice-7-20261121T020011.073Z",START-DATE="2026-11-21T02:00:11.073Z",PLANNED-DURATION=20.000,SCTE35-OUT=0xFC302500000000000000FFF01405000000077FEFFE000FFD207E001B77400001010100008E27DC05
#EXT-X-DATERANGE:ID="splice-6-20261121T020003.873Z",START-DATE="2026-11-21T02:00:03.873Z",END-DATE="2026-11-21T02:00:06.373Z",DURATION=2.500
#EXTINF:2.000000,
../../../av/20261121T020000Z-k3f9/segment-000004.m4s
#EXTINF:2.000000,
../../../av/20261121T020000Z-k3f9/segment-000005.m4s
#EXTINF:2.000000,
../../../av/20261121T020000Z-k3f9/segment-000006.m4s
#EXTINF:1.000000,
../../../av/20261121T020000Z-k3f9/segment-000007.m4s
#EXT-X-DATERANGE:ID="splice-7-20261121T020011.073Z",START-DATE="2026-11-21T02:00:11.073Z",END-DATE="2026-11-21T02:00:28.728Z",DURATION=17.655,SCTE35-IN=0xFC302000000000000000FFF00F05000000077F4FFE00091F50000101010000FCBC520A
#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI="../../../av/20261121T020021Z-p7x2/init.mp4"
#EXT-X-PROGRAM-DATE-TIME:2026-11-21T02:00:23.528Z
#EXTINF:2.000000,
../../../av/20261121T020021Z-p7x2/segment-000000.m4s
#EXTINF:2.000000,
../../../av/20261121T020021Z-p7x2/segment-000001.m4s
#EXTINF:2.000000,
../../../av/20261121T020021Z-p7x2/segment-000002.m4s
"""
