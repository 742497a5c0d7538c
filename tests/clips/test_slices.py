from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import T0, at, segment, window
from livedvr.clips.slices import MAX_SLICES, check_kept, edges_of, holes_of_retention, resolve_slices
from livedvr.resources.clip import TimeSlice
from livedvr.resources.errors import FailedPrecondition, InvalidArgument, NotFound
from livedvr.resources.models import to_datetime
from livedvr.resources.times import SECOND
from livedvr.timeline.segment import Window
from livedvr.timeline.timeline import Timeline


def cut(*edges: float) -> list[TimeSlice]:
    pairs = zip(edges[::2], edges[1::2], strict=True)
    return [TimeSlice(markin_time=to_datetime(at(a)), markout_time=to_datetime(at(b))) for a, b in pairs]


def timeline_of(*numbers: int) -> Timeline:
    made = Timeline(["av"])
    made.restore("av", [segment(number) for number in numbers])
    return made


def test_slices_are_windows() -> None:
    assert resolve_slices(cut(0, 2, 2, 5.5), at(6)) == (window(0, 2), window(2, 5.5))


@pytest.mark.parametrize(
    ("edges", "field", "text"),
    [
        ((), "slices", "0 slices"),
        ((3, 3), "slices[0].markoutTime", "not after the mark-in"),
        ((0, 2, 1, 4), "slices[1].markinTime", "before slice 0 has ended"),
        (tuple(range(2 * MAX_SLICES + 2)), "slices", "101 slices"),
    ],
)
def test_slices_that_can_never_work(edges: tuple[float, ...], field: str, text: str) -> None:
    with pytest.raises(InvalidArgument, match=text) as caught:
        resolve_slices(cut(*edges), at(1000))
    assert caught.value.field == field


def test_only_past_content_is_clipped() -> None:
    with pytest.raises(FailedPrecondition, match="still to come") as caught:
        resolve_slices(cut(0, 2, 3, 6.001), at(6))
    assert caught.value.field == "slices[1].markoutTime" and "DVR session" in str(caught.value)


def test_what_has_gone_is_named() -> None:
    timeline = timeline_of(3, 4, 7, 8)  # a session has held 3 and 4; 5 and 6 have gone, and all before 3
    check_kept([window(6, 10), window(14, 18)], timeline, at(18))
    for asked, hole in (((5, 8), (5, 6)), ((1, 3), (1, 3)), ((9, 15), (10, 14)), ((11, 12), (11, 12))):
        assert list(holes_of_retention(window(*asked), timeline)) == [(at(hole[0]), at(hole[1]))]
        with pytest.raises(FailedPrecondition, match="nothing is kept any more"):
            check_kept([window(*asked)], timeline, at(18))


def test_no_media_is_no_media_once_it_would_have_come() -> None:
    timeline = timeline_of(0, 1)
    check_kept([window(4, 6)], timeline, at(5))
    check_kept([window(4, 6)], timeline, None)
    with pytest.raises(NotFound, match="no media from"):
        check_kept([window(4, 6)], timeline, at(6))


@pytest.mark.semantics("W5", "W6")
def test_edges_snap_outward_and_a_shared_segment_counts_once() -> None:
    timeline = timeline_of(0, 1, 2, 3)
    assert edges_of([window(1, 3), window(5, 6)], timeline, exact=False) == [(at(0), at(4)), (at(4), at(6))]
    assert edges_of([window(0.5, 1), window(1.5, 3)], timeline, exact=False) == [(at(0), at(4))]
    assert edges_of([window(0.5, 1), window(1.5, 30)], timeline, exact=True) == [(at(0.5), at(1)), (at(1.5), at(8))]
    assert edges_of([window(20, 30)], timeline, exact=False) == []


@given(
    kept=st.sets(st.integers(0, 20), min_size=1),
    start=st.integers(0, 40 * SECOND),
    length=st.integers(1, 10 * SECOND),
)
def test_holes_are_exactly_what_is_missing_before_the_newest(kept: set[int], start: int, length: int) -> None:
    asked = Window(T0 + start, T0 + start + length)
    holes = list(holes_of_retention(asked, timeline_of(*sorted(kept))))
    end = asked.end or 0
    newest = at(2 * max(kept))
    missing = [n for n in range(max(kept)) if n not in kept]
    expected = sum(max(0, min(end, at(2 * n + 2)) - max(asked.start, at(2 * n))) for n in missing)
    assert sum(b - a for a, b in holes) == expected
    assert all(asked.start <= a < b <= min(end, newest) for a, b in holes)
