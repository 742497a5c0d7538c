"""Ad breaks that are asked for here: where their tags stand, and what is refused."""

from __future__ import annotations

import pytest

from builders import T0, at, passage, segment
from livedvr.hls.live_playlist import render_live
from livedvr.hls.media_playlist import MediaPlaylist
from livedvr.hls.rules import check_media_playlist
from livedvr.resources.errors import AlreadyExists, FailedPrecondition
from livedvr.resources.times import SECOND
from livedvr.timeline.breaks import breaks_of, check_order, free_event
from livedvr.timeline.cue_reading import CueReading
from livedvr.timeline.ranges import BreakOrder, Cue, DateRanges, RangeTag
from livedvr.timeline.segment import Segment
from splices import splice_insert

pytestmark = pytest.mark.semantics("P9")

OUT_7 = "0xFC302000000000000000FFF00F05000000077FFFFE0006DDD00000000000001B343F27"
IN_7 = "0xFC301B00000000000000FFF00A05000000077F5F000000000000FD2B2F29"


def order(event: int, instant: float, duration: float | None = 5) -> BreakOrder:
    return BreakOrder(event, at(instant), None if duration is None else round(duration * SECOND))


def carried(
    segments: list[Segment], *orders: BreakOrder, known: DateRanges | None = None
) -> tuple[list[RangeTag], CueReading]:
    """The tags of these segments, all seen in one look."""
    reading = CueReading(known or DateRanges(), [], {"av": segments[0].number}, orders)
    for one in segments:
        reading.append(one, {"av": one.number}, [])
    return reading.told.tags, reading


def two_seconds(count: int, first: int = 0) -> list[Segment]:
    return [segment(number) for number in range(first, first + count)]


def shown(tag: RangeTag) -> tuple[str, float, float | None, str | None, int]:
    """Event, start and end (seconds after T0), carrier, place."""
    end = None if tag.end is None else (tag.end - T0) / SECOND
    return tag.event, (tag.start - T0) / SECOND, end, tag.carrier, tag.places["av"]


@pytest.mark.parametrize(("asked", "edge"), [(3.9, 4.0), (4.0, 4.0), (4.000_001, 6.0)])
def test_a_break_begins_where_a_segment_does_and_ends_by_itself(asked: float, edge: float) -> None:
    tags, reading = carried(two_seconds(8), order(7, asked))
    number = round(edge / 2)
    assert [shown(tag) for tag in tags] == [
        ("break-7", edge, None, "SCTE35-OUT", number),
        ("break-7", edge, edge + 5, None, number + 2),
    ]
    assert reading.told.carried == [order(7, asked)] and not reading.told.missed


def test_a_break_waits_for_its_segment() -> None:
    tags, reading = carried(two_seconds(3), order(7, 4.1))
    assert tags == reading.told.carried == []


@pytest.mark.semantics("S16")
def test_the_program_is_returned_to_at_an_edge_also_after_a_restart() -> None:
    begun, _ = carried(two_seconds(3), order(7, 2, 60))
    back = order(7, 5.5, None)
    tags, reading = carried(two_seconds(3, first=3), back, known=DateRanges(begun))
    assert [shown(tag) for tag in tags] == [("break-7", 2.0, 6.0, "SCTE35-IN", 3)]
    assert reading.told.carried == [back]
    late, _ = carried(two_seconds(9), order(7, 2, 4), order(7, 9, None))
    assert [shown(tag)[2:4] for tag in late] == [(None, "SCTE35-OUT"), (6.0, None)], "it had ended by itself"


def test_a_break_that_was_over_while_no_media_came_ended_when_it_was_to() -> None:
    begun, _ = carried(two_seconds(2), order(7, 2, 5))
    again = [segment(2, start=at(60))]
    tags, reading = carried(again, order(7, 30, None), known=DateRanges(begun))
    assert [shown(tag)[2:4] for tag in tags] == [(7.0, None)]
    assert reading.told.carried == [order(7, 30, None)]


def test_a_break_in_a_hole_begins_behind_it_and_one_that_would_be_over_is_missed() -> None:
    segments = [segment(0), segment(1, start=at(10)), segment(2, start=at(12))]
    tags, reading = carried(segments, order(1, 3, 6), order(2, 9, 20))
    assert [shown(tag) for tag in tags] == [("break-2", 10.0, None, "SCTE35-OUT", 1)]
    assert reading.told.missed == [order(1, 3, 6)]
    assert reading.told.carried == [order(1, 3, 6), order(2, 9, 20)]


def test_a_source_s_event_of_the_same_number_is_another() -> None:
    begun, _ = carried(two_seconds(2), order(7, 2, 60))
    reading = CueReading(DateRanges(begun), two_seconds(2), {"av": 2})
    cues = [Cue(0, at(4.5) - T0, splice_insert(7, None, out=False), 0, 99)]
    reading.append(segment(2), {"av": 2}, cues)
    assert reading.told.taken == 1 and reading.told.tags == []


def test_a_whole_playlist_with_a_break_that_is_cut_short() -> None:
    tags, _ = carried(two_seconds(4), order(7, 1.5, 5), order(7, 4.5, None))
    playlist = MediaPlaylist("av", "fmp4", 2)
    for one in two_seconds(4):
        playlist.append(passage(one), [tag for tag in tags if tag.places["av"] == one.number])
    playlist.seal()
    name = 'ID="break-7-20261121T020002.000Z",START-DATE="2026-11-21T02:00:02.000Z"'
    text = playlist.render().decode()
    assert text == (
        "#EXTM3U\n"
        "#EXT-X-VERSION:6\n"
        "#EXT-X-TARGETDURATION:2\n"
        "#EXT-X-MEDIA-SEQUENCE:0\n"
        "#EXT-X-DISCONTINUITY-SEQUENCE:0\n"
        "#EXT-X-PLAYLIST-TYPE:EVENT\n"
        '#EXT-X-MAP:URI="../../../av/20261121T020000Z-k3f9/init.mp4"\n'
        "#EXT-X-PROGRAM-DATE-TIME:2026-11-21T02:00:00.000Z\n"
        "#EXTINF:2.000000,\n"
        "../../../av/20261121T020000Z-k3f9/segment-000000.m4s\n"
        f"#EXT-X-DATERANGE:{name},PLANNED-DURATION=5.000,SCTE35-OUT={OUT_7}\n"
        "#EXTINF:2.000000,\n"
        "../../../av/20261121T020000Z-k3f9/segment-000001.m4s\n"
        "#EXTINF:2.000000,\n"
        "../../../av/20261121T020000Z-k3f9/segment-000002.m4s\n"
        f'#EXT-X-DATERANGE:{name},END-DATE="2026-11-21T02:00:06.000Z",DURATION=4.000,SCTE35-IN={IN_7}\n'
        "#EXTINF:2.000000,\n"
        "../../../av/20261121T020000Z-k3f9/segment-000003.m4s\n"
        "#EXT-X-ENDLIST\n"
    )
    assert not check_media_playlist(text, "index-1.m3u8")
    live = render_live("av", "fmp4", 2, two_seconds(4), tags).decode()
    assert [line for line in live.splitlines() if "RANGE" in line] == [
        line for line in text.splitlines() if "RANGE" in line
    ]


def test_what_cannot_be_carried_out_is_refused() -> None:
    begun, _ = carried(two_seconds(5), order(1, 4, 10))
    waiting = [order(2, 30, 10)]
    listed = at(8)

    def check(wanted: BreakOrder) -> None:
        check_order(wanted, begun, waiting, listed)

    for fits in (order(3, 14, 16), order(3, 40, 1)):
        check(fits)
    for event in (1, 2):
        with pytest.raises(AlreadyExists, match=f"break {event} already"):
            check(order(event, 60))
    for overlapping, says in ((order(3, 13, 2), "break 1 is from"), (order(3, 25, 6), "break 2 is from")):
        with pytest.raises(FailedPrecondition, match=f"{says} 2026-11-21T02:00:.* to 2026-11-21T02:00:"):
            check(overlapping)
    for instant in (8, 7.5, -3600):
        with pytest.raises(FailedPrecondition, match=r"02:00:08.*is listed already") as refused:
            check(order(3, instant))
        assert refused.value.field == "at"
    check_order(order(3, 0), [], [], None)


def test_which_breaks_are_under_way_and_which_numbers_are_free() -> None:
    tags, _ = carried(two_seconds(9), order(3, 2, 4), order(8, 12, 40))
    assert {event: tag.start for event, tag in breaks_of(tags).items()} == {8: at(12)}
    assert (free_event(tags, []), free_event(tags, [order(11, 90)]), free_event([], [])) == (9, 12, 1)
