from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import T0, segment
from livedvr.resources.times import HOUR, MINUTE, SECOND
from livedvr.timeline.cue_reading import CueReading
from livedvr.timeline.ranges import Cue, DateRanges, RangeTag
from livedvr.timeline.scte35 import TICKS, WRAP
from livedvr.timeline.segment import Segment, Window
from splices import segmentation, splice_cancel, splice_insert, splice_null, ticks, time_signal

pytestmark = pytest.mark.semantics("P9")

ORIGIN = 1000 * SECOND  # what the source's clock says at media time 0


def clock(seconds: float) -> int:
    """A media time as the source's clock says it."""
    return ticks(seconds + ORIGIN / SECOND)


def cue(at: float, section: bytes, index: int = 0, *, latest: int = 1000, origin: int | None = ORIGIN) -> Cue:
    return Cue(index, round(at * SECOND), section, origin, latest)


def cues(*given: tuple[float, bytes]) -> list[Cue]:
    return [cue(at, section, index) for index, (at, section) in enumerate(given)]


def two_seconds(index: int, *, start: int | None = None, run: str = "run-1", epoch: int = 0) -> Segment:
    """The run's segment with this index, [2i, 2i+2) of its media time."""
    given = T0 + 2 * SECOND * index if start is None else start
    return segment(
        index, run=run, index=index, epoch=epoch, start=given, media_start=2 * SECOND * index, duration=2 * SECOND
    )


def tell(count: int, *given: tuple[float, bytes], known: DateRanges | None = None) -> list[RangeTag]:
    """The tags of so many segments of 2 s with these messages, one segment a look."""
    known, waiting = known or DateRanges(), cues(*given)
    told: list[RangeTag] = []
    listed: list[Segment] = []
    for index in range(count):
        reading = CueReading(known, listed, {"av": index})
        listed.append(two_seconds(index))
        reading.append(listed[-1], {"av": index}, waiting)
        waiting = waiting[reading.told.taken :]
        known.append(reading.told.tags)
        told += reading.told.tags
    return told


def shown(tag: RangeTag) -> tuple[str, float, float | None, float | None, str | None, int]:
    """Event, start and planned duration and end (seconds), carrier, place."""

    def seconds(micros: int | None, zero: int = T0) -> float | None:
        return None if micros is None else (micros - zero) / SECOND

    start = (tag.start - T0) / SECOND
    return tag.event, start, seconds(tag.planned, 0), seconds(tag.end), tag.carrier, tag.places["av"]


def test_out_and_in_are_one_range_whose_tags_stand_where_the_messages_came() -> None:
    out = splice_insert(7, clock(7.2), out=True, duration=ticks(4.8), returns=False)
    back = splice_insert(7, clock(12.5), out=False)
    first, last = tell(10, (3.0, out), (5.0, splice_null()), (9.0, back))
    assert shown(first) == ("splice-7", 7.2, 4.8, None, "SCTE35-OUT", 1)
    assert shown(last) == ("splice-7", 7.2, None, 12.5, "SCTE35-IN", 4)
    assert first.id == last.id == "splice-7-20261121T020007.200Z"
    assert (first.section, last.section) == (out, back)


def test_a_message_before_the_first_picture_stands_before_the_first_segment() -> None:
    (tag,) = tell(3, (-0.7, splice_insert(7, clock(5), out=True)))
    assert shown(tag) == ("splice-7", 5.0, None, None, "SCTE35-OUT", 0)


def test_one_that_returns_by_itself_ends_when_its_time_is_listed() -> None:
    out = splice_insert(7, clock(3), out=True, duration=ticks(4))
    assert [shown(tag) for tag in tell(10, (1.0, out))] == [
        ("splice-7", 3.0, 4.0, None, "SCTE35-OUT", 0),
        ("splice-7", 3.0, None, 7.0, None, 3),
    ]
    early = splice_insert(7, clock(5.5), out=False)
    assert [shown(tag)[3:] for tag in tell(10, (1.0, out), (4.0, early))] == [
        (None, "SCTE35-OUT", 0),
        (5.5, "SCTE35-IN", 2),
    ]


def test_a_message_that_is_sent_again_is_told_once() -> None:
    out, back = splice_insert(7, clock(5), out=True), splice_insert(7, clock(9), out=False)
    told = tell(10, (1, out), (2, out), (3, out), (7, back), (7.5, back), (8, back), (8.5, out))
    assert [tag.carrier for tag in told] == ["SCTE35-OUT", "SCTE35-IN"]


def test_an_event_id_that_is_used_again_is_another_range() -> None:
    told = tell(
        20,
        (1, splice_insert(7, clock(5), out=True)),
        (7, splice_insert(7, clock(9), out=False)),
        (21, splice_insert(7, clock(25), out=True)),
        (27, splice_insert(7, clock(29), out=False)),
    )
    assert [tag.id for tag in told] == ["splice-7-20261121T020005.000Z"] * 2 + ["splice-7-20261121T020025.000Z"] * 2


def test_what_is_cancelled_or_put_off_before_it_begins_has_no_length() -> None:
    out = splice_insert(7, clock(9), out=True, duration=ticks(4))
    assert [shown(tag)[1:5] for tag in tell(9, (1, out), (3, splice_cancel(7)))] == [
        (9.0, 4.0, None, "SCTE35-OUT"),
        (9.0, None, 9.0, None),
    ]
    later = splice_insert(7, clock(12), out=True)
    assert [shown(tag)[1:5] for tag in tell(9, (1, out), (3, later))] == [
        (9.0, 4.0, None, "SCTE35-OUT"),
        (9.0, None, 9.0, None),
        (12.0, None, None, "SCTE35-OUT"),
    ]
    cancel = time_signal(None, segmentation(5, 0, cancel=True))
    placement = time_signal(clock(9), segmentation(5, 0x34))
    assert [shown(tag)[3] for tag in tell(9, (1, placement), (3, cancel))] == [None, 9.0]


def test_one_of_which_nobody_said_when_it_ends_ends_with_the_next() -> None:
    first, second = splice_insert(1, clock(3), out=True), splice_insert(2, clock(9), out=True)
    told = [shown(tag)[:5] for tag in tell(9, (1, first), (7, second))]
    assert told[1:] == [("splice-1", 3.0, None, 9.0, None), ("splice-2", 9.0, None, None, "SCTE35-OUT")]


def test_each_descriptor_is_a_range_and_what_is_no_way_out_is_a_command() -> None:
    section = time_signal(clock(5), segmentation(1, 0x10, ticks(600)), segmentation(2, 0x30, ticks(4)))
    ends = time_signal(clock(9), segmentation(2, 0x31), segmentation(1, 0x11))
    assert [shown(tag) for tag in tell(9, (1, section), (7, ends))] == [
        ("segmentation-10-1", 5.0, 600.0, None, "SCTE35-CMD", 0),
        ("segmentation-30-2", 5.0, 4.0, None, "SCTE35-OUT", 0),
        ("segmentation-30-2", 5.0, None, 9.0, "SCTE35-IN", 3),
        ("segmentation-10-1", 5.0, None, 9.0, None, 3),
        ("segmentation-11-1", 9.0, None, 9.0, "SCTE35-CMD", 3),
    ]


def test_in_without_out_is_not_told() -> None:
    assert tell(5, (1, splice_insert(7, clock(5), out=False))) == []


def test_at_once_is_when_the_message_came() -> None:
    out, back = splice_insert(7, None, out=True), splice_insert(7, None, out=False)
    assert [shown(tag)[1:4] for tag in tell(9, (3.3, out), (8.1, back))] == [(3.3, None, None), (3.3, None, 8.1)]


@pytest.mark.semantics("C5")
@given(st.integers(0, WRAP - 1), st.integers(-290 * TICKS, 290 * TICKS), st.integers(0, 200_000 * SECOND))
def test_the_source_s_clock_may_wrap_anywhere(base: int, ahead: int, at: int) -> None:
    origin = base * SECOND // TICKS - at
    time = (base + ahead) % WRAP
    media = Cue(0, at, b"", origin).media(time)
    assert media is not None
    assert abs(media - (at + ahead * SECOND // TICKS)) <= 12  # a tick


def test_what_cannot_be_related_to_the_media_is_refused() -> None:
    reading = CueReading(DateRanges(), [], {"av": 0})
    out = splice_insert(7, clock(5), out=True)
    far = splice_insert(7, clock(5000), out=True)
    reading.append(two_seconds(0), {"av": 0}, [cue(1, out, origin=None), cue(1, far, 1), cue(1, b"\xfc", 2)])
    assert reading.told.taken == 3 and reading.told.tags == []
    assert reading.told.refused == ["its time is not one of this stream"] * 2 + ["it is no splice_info_section"]


def test_a_message_waits_for_its_segment_where_timestamps_jump() -> None:
    """It came beside segment 2, whose time is before that of segment 1, and of which nothing is listed yet."""
    known = DateRanges()
    one, two = two_seconds(1), replace(two_seconds(2, epoch=1), media_start=-8 * SECOND)
    jumped = cue(-7, splice_insert(7, ticks(-2 + ORIGIN / SECOND), out=True), latest=2)
    reading = CueReading(known, [], {"av": 1})
    reading.append(one, {"av": 1}, [jumped])
    assert reading.told.taken == 0
    reading.append(two, {"av": 2}, [jumped])
    (tag,) = reading.told.tags
    assert tag.start == two.start + 6 * SECOND and tag.places == {"av": 2}


def test_a_message_whose_segment_never_comes_is_taken_with_the_last_that_it_can_be_of() -> None:
    reading = CueReading(DateRanges(), [], {"av": 0})
    lost = cue(50_000, splice_insert(7, None, out=True), latest=1)
    reading.append(two_seconds(0), {"av": 0}, [lost])
    assert reading.told.taken == 0
    reading.append(two_seconds(1), {"av": 1}, [lost])
    assert reading.told.taken == 1


@pytest.mark.semantics("S16")
def test_a_break_goes_on_over_a_reconnect_and_over_a_restart() -> None:
    out = splice_insert(7, clock(5), out=True, duration=ticks(60), returns=False)
    known = DateRanges(tell(3, (1, out)))
    reading = CueReading(DateRanges(known), [], {"av": 3})  # another run: its media time begins again
    again = two_seconds(0, run="run-2", start=T0 + 20 * SECOND, epoch=1)
    back = splice_insert(7, ticks(1.5), out=False)
    reading.append(again, {"av": 3}, [cue(0.5, back, origin=0)])
    (tag,) = reading.told.tags
    assert shown(tag) == ("splice-7", 5.0, None, 21.5, "SCTE35-IN", 3)


def test_what_came_behind_the_last_segment_stands_before_the_next_run_s() -> None:
    reading = CueReading(DateRanges(), [two_seconds(0)], {"av": 1})
    reading.finish({"av": 1}, [cue(2.5, splice_insert(7, clock(6), out=True))])
    (tag,) = reading.told.tags
    assert shown(tag)[1] == 6.0 and tag.places == {"av": 1}
    nothing = CueReading(DateRanges(), [], {"av": 0})
    nothing.finish({"av": 0}, [cue(2.5, splice_insert(7, clock(6), out=True))])
    assert nothing.told.taken == 1 and not nothing.told.tags, "nothing of its run is listed: it has no date"


def tag(serial: int, *, start: int = 0, end: int | None = None, planned: int | None = None, place: int = 0) -> RangeTag:
    """Range number ``serial``; seconds after T0."""
    return RangeTag(
        serial,
        f"splice-{serial}-x",
        f"splice-{serial}",
        T0 + start * SECOND,
        None if planned is None else planned * SECOND,
        False,
        None if end is None else T0 + end * SECOND,
        "SCTE35-OUT",
        b"",
        {"av": place},
    )


def test_tags_by_their_places() -> None:
    ranges = DateRanges([tag(0, place=3), tag(1, place=3), tag(2, place=5), tag(3, place=9)])
    assert [one.serial for one in ranges.placed("av", 2, 5)] == [0, 1, 2]
    assert [one.serial for one in ranges.placed("av", 3, 4)] == []
    assert [one.serial for one in ranges.placed("av", 4, 9)] == [2, 3]
    assert [one.serial for one in ranges.placed("another", -1, 0)] == [0, 1, 2, 3], "it was added later"


def test_a_list_tells_what_is_not_over_when_it_begins() -> None:
    ranges = DateRanges(
        [
            tag(0, start=0, end=10, place=1),
            tag(1, start=5, planned=20, place=2),
            tag(2, start=8, place=3),
            replace(tag(1, start=5, end=12, place=4), serial=3),
            tag(4, start=90, end=99, place=8),
        ]
    )
    assert [one.serial for one in ranges.meeting("av", 5, T0 + 11 * SECOND)] == [1, 2, 3]
    assert [one.serial for one in ranges.meeting("av", 3, T0 + 13 * SECOND)] == [1, 2], "as it was known then"
    assert [one.serial for one in ranges.meeting("av", 5, T0 + 13 * SECOND)] == [2]


@pytest.mark.semantics("R1", "R2")
def test_a_range_goes_with_the_segments_of_its_time_and_stays_while_a_window_meets_it() -> None:
    ranges = DateRanges([tag(0, start=0, end=10), tag(1, start=5), tag(2, start=7200, end=7300)])
    late = T0 + 10 * SECOND + HOUR
    assert ranges.may_go(late - 5 * SECOND, []) == {1}, "it never ended: its start counts"
    assert ranges.may_go(late, []) == {0, 1}
    assert ranges.may_go(late + 9 * HOUR, [Window(T0 + 9000 * SECOND, None)]) == {0}
    assert ranges.may_go(late + 9 * HOUR, [Window(T0, T0 + MINUTE)]) == {2}
    ranges.forget({0, 2})
    assert [one.serial for one in ranges] == [1] and ranges.next_serial == 3


def test_an_open_range_is_remembered_however_many_tags_follow_it() -> None:
    ranges = DateRanges([tag(0, start=0)])
    ranges.append(tag(serial, start=serial, end=serial) for serial in range(1, 500))
    assert [one.serial for one in ranges.recent][:2] == [0, 400]
    assert not ranges.has_returning
