from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import RUN, SECOND_RUN, T0, at, chain, segment, window
from livedvr.resources.times import SECOND
from livedvr.timeline.gaps import (
    CHANNEL_STOPPED,
    INGEST_RESTARTED,
    OUTSIDE_KEPT_RANGE,
    SOURCE_LOST,
    TIMESTAMPS_JUMPED,
    GapLedger,
    Hole,
    reason_before,
)
from livedvr.timeline.segment import Segment, Window
from livedvr.timeline.segments import Segments
from livedvr.timeline.timeline import Timeline

TENTH = SECOND // 10  # longer than the 50 ms below which a hole is none


def tenths(start: int, end: int) -> set[int]:
    return set(range((start - T0) // TENTH, (end - T0) // TENTH))


def listed_next(ledger: GapLedger, one: Segment, reason: str) -> None:
    ledger.extend(Segments([one]), None, lambda *_: reason)


def uncovered(windows: Iterable[Window], segments: Iterable[Segment], until: int) -> set[int]:
    """The definition: the windows (open ones to ``until``) minus what is listed."""
    asked = set().union(*(tenths(w.start, until if w.end is None else min(w.end, until)) for w in windows))
    return asked.difference(*(tenths(s.start, s.end) for s in segments))


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[Segment], list[Window]]:
    segments: list[Segment] = []
    start = T0
    for epoch in range(draw(st.integers(1, 4))):
        lengths = draw(st.lists(st.integers(1, 30), min_size=1, max_size=5))
        segments += chain([n * TENTH for n in lengths], start=start, first=len(segments), run=f"r{epoch}", epoch=epoch)
        start = segments[-1].end + draw(st.integers(0, 40)) * TENTH
    last = (segments[-1].end - T0) // TENTH
    edges = sorted(draw(st.lists(st.integers(-20, last + 30), min_size=2, max_size=8, unique=True)))
    windows = [Window(T0 + a * TENTH, T0 + b * TENTH) for a, b in zip(edges[::2], edges[1::2], strict=False)]
    return segments, windows


@pytest.mark.semantics("P8")
@settings(max_examples=150, deadline=None)
@given(cases())
def test_the_holes_are_the_windows_minus_what_is_listed(case: tuple[list[Segment], list[Window]]) -> None:
    segments, windows = case
    timeline = Timeline(["av"])
    for one in segments:
        timeline.append("av", one)
    listed = [item.segment for item in timeline.listing("av", windows)]
    ledger = GapLedger(windows)
    for one in listed:
        listed_next(ledger, one, SOURCE_LOST)
    end = windows[-1].end
    assert end is not None
    ledger.close(end, CHANNEL_STOPPED)
    found = [tenths(hole.start, hole.end) for hole in ledger.holes]
    assert set().union(*found) == uncovered(windows, listed, end)
    assert sum(map(len, found)) == len(set().union(*found))  # nothing is counted twice
    assert [hole.start for hole in ledger.holes] == sorted(hole.start for hole in ledger.holes)


@pytest.mark.semantics("P8")
def test_a_hole_has_the_reason_of_what_follows_it_and_the_rest_that_of_the_end() -> None:
    ledger = GapLedger([window(0, 10), window(20, 30)])
    listed_next(ledger, segment(0, start=at(2)), OUTSIDE_KEPT_RANGE)
    listed_next(ledger, segment(1, start=at(4)), TIMESTAMPS_JUMPED)
    listed_next(ledger, segment(2, start=at(22)), SOURCE_LOST)
    ledger.close(at(30), CHANNEL_STOPPED)
    assert ledger.holes == [
        Hole(at(0), at(2), OUTSIDE_KEPT_RANGE),
        Hole(at(6), at(10), SOURCE_LOST),
        Hole(at(20), at(22), SOURCE_LOST),
        Hole(at(24), at(30), CHANNEL_STOPPED),
    ]


@pytest.mark.semantics("P8")
def test_an_open_window_is_missing_nothing_behind_its_last_segment() -> None:
    ledger = GapLedger([window(0, None)])
    listed_next(ledger, segment(0, start=at(0)), SOURCE_LOST)
    listed_next(ledger, segment(1, start=at(5)), SOURCE_LOST)
    ledger.close(at(7), SOURCE_LOST)
    assert ledger.holes == [Hole(at(2), at(5), SOURCE_LOST)]


@pytest.mark.semantics("P8", "C4")
@pytest.mark.parametrize(("micros", "holes"), [(50_000, 0), (50_001, 1)])
def test_less_than_a_frame_is_no_hole(micros: int, holes: int) -> None:
    ledger = GapLedger([window(0, 10)])
    listed_next(ledger, segment(0), SOURCE_LOST)
    listed_next(ledger, segment(1, start=at(2) + micros), SOURCE_LOST)
    assert len(ledger.holes) == holes


@pytest.mark.semantics("P8")
@pytest.mark.parametrize(
    ("predecessor", "run_end", "reason"),
    [
        (None, None, OUTSIDE_KEPT_RANGE),
        (segment(0, run=RUN), None, TIMESTAMPS_JUMPED),
        (segment(0, run=SECOND_RUN), None, INGEST_RESTARTED),
        (segment(0, run=SECOND_RUN), SOURCE_LOST, SOURCE_LOST),
        (segment(0, run=SECOND_RUN), CHANNEL_STOPPED, CHANNEL_STOPPED),
    ],
)
def test_the_reason_comes_from_the_timeline_s_previous_segment(
    predecessor: Segment | None, run_end: str | None, reason: str
) -> None:
    assert reason_before(segment(1, run=RUN), predecessor, run_end) == reason
