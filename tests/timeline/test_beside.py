"""A further rendition beside the reference: same epochs, same dates, gaps where it fails."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import RUN, SECOND_RUN, T0, at, chain, closed, segment
from livedvr.resources.times import SECOND
from livedvr.timeline.beside import Placed, place_beside, place_text
from livedvr.timeline.segment import ClosedSegment, Segment

FRAME = 21_333


def rows(edges: list[int], run: str = RUN, first: int = 0) -> list[ClosedSegment]:
    """Journal rows end to end between these edges (microseconds of media time)."""
    return [closed(first + i, a, b, T0 + b, run=run) for i, (a, b) in enumerate(itertools.pairwise(edges))]


def seconds(*edges: float) -> list[int]:
    return [round(edge * SECOND) for edge in edges]


def placed(
    given: list[ClosedSegment],
    reference: list[Segment],
    previous: Segment | None = None,
    *,
    gaps_until: int = 0,
    final: bool = False,
) -> Placed:
    return place_beside(given, previous, reference, gaps_until=gaps_until, final=final)


@pytest.mark.semantics("P4")
def test_a_segment_has_the_date_that_the_reference_gives_to_its_media_time() -> None:
    found = placed(rows(seconds(0, 1.96, 3.97, 5.95)), chain([2 * SECOND] * 3))
    assert [(s.number, s.index, s.start) for s in found.segments] == [(0, 0, at(0)), (1, 1, at(1.96)), (2, 2, at(3.97))]
    assert found.taken == 3


def test_a_row_waits_until_the_reference_has_come_to_its_middle() -> None:
    assert placed(rows(seconds(0, 2, 4)), chain([2 * SECOND])).taken == 1
    assert placed(rows(seconds(0, 2, 4)), []).taken == 0
    at_the_end = placed(rows(seconds(0, 2, 4)), chain([2 * SECOND]), final=True)
    assert [s.start for s in at_the_end.segments] == [at(0), at(2)]


@pytest.mark.semantics("P4")
def test_epochs_are_the_reference_s_also_when_the_date_breaks_inside_a_run() -> None:
    reference = [
        *chain([2 * SECOND] * 2),
        *(replace(s, epoch=1, start=s.start + 3 * SECOND) for s in chain([2 * SECOND] * 4)[2:]),
    ]
    found = placed(rows(seconds(0, 2.01, 4.01, 6.0, 7.9)), reference).segments
    assert [s.epoch for s in found] == [0, 0, 1, 1]
    assert [s.start for s in found] == [at(0), at(2.01), at(7.01), at(9)]


@pytest.mark.semantics("P4", "C4")
@pytest.mark.parametrize("jump", [-10, -1, 30])
def test_epochs_are_the_reference_s_when_timestamps_jump(jump: float) -> None:
    before = chain([2 * SECOND] * 6)
    moved = [
        replace(s, number=s.number + 6, index=s.index + 6, epoch=1, start=s.start + 12 * SECOND,
                media_start=s.media_start + round((12 + jump) * SECOND))
        for s in chain([2 * SECOND] * 3)
    ]  # fmt: skip
    reference = [*before, *moved]
    own = [*rows(seconds(0, 2, 4, 6, 8, 10, 12)), *rows(seconds(12 + jump, 14 + jump, 16 + jump), first=6)]
    whole = placed(own, reference).segments
    assert [s.epoch for s in whole] == [0] * 6 + [1] * 2
    assert [s.start for s in whole] == [at(2 * n) for n in range(8)]
    first = placed(own[:6], before).segments
    then = placed(own[6:], [before[-1], *moved], first[-1]).segments
    assert [*first, *then] == whole, "in two looks as in one"


def test_what_comes_before_the_reference_is_not_listed() -> None:
    late = [replace(s, media_start=s.media_start + 3 * SECOND) for s in chain([2 * SECOND] * 2)]
    found = placed(rows(seconds(0, 2, 4, 6)), late)
    assert found.taken == 3
    assert [(s.index, s.start) for s in found.segments] == [(1, at(-1)), (2, at(1))]


@pytest.mark.semantics("P7")
def test_a_rendition_that_brings_nothing_becomes_gaps_with_the_reference_s_edges() -> None:
    reference = chain([2 * SECOND] * 4)
    found = placed([], reference, gaps_until=at(6)).segments
    assert [(s.number, s.index, s.start, s.duration, s.size) for s in found] == [
        (n, -1 - n, at(2 * n), 2 * SECOND, 0) for n in range(3)
    ]
    assert all(s.is_gap for s in found)


@pytest.mark.semantics("P7")
def test_a_rendition_that_returns_goes_on_after_its_gaps_and_nothing_overlaps() -> None:
    reference = chain([2 * SECOND] * 5)
    first = placed(rows(seconds(0, 2)), reference).segments
    found = placed(rows(seconds(6.5, 8), first=1), reference, first[-1]).segments
    assert [(s.is_gap, s.start, s.end) for s in found] == [
        (True, at(2), at(4)),
        (True, at(4), at(6)),
        (False, at(6.5), at(8)),
    ]
    late = placed(rows(seconds(2, 4, 6, 8), first=1), reference, found[1])
    assert late.taken == 3
    assert [s.start for s in late.segments] == [at(6)], "what stands there as a gap stays one"


def test_a_new_run_goes_on_after_the_last_one() -> None:
    old = segment(7, start=at(-10))
    found = placed(rows(seconds(0, 2), SECOND_RUN), chain([2 * SECOND], run=SECOND_RUN, epoch=3), old).segments
    assert [(s.number, s.epoch, s.start) for s in found] == [(8, 3, at(0))]


durations = st.lists(st.integers(SECOND, 6 * SECOND), min_size=1, max_size=12)


@given(durations, durations, st.lists(st.integers(1, 5), min_size=1, max_size=12))
def test_in_many_looks_as_in_one(own: list[int], reference: list[int], steps: list[int]) -> None:
    """However rows and reference come, what is placed at the end is the same."""
    whole, given_rows = chain(reference), rows([0, *itertools.accumulate(own)])
    at_once = placed(given_rows, whole, final=True).segments
    listed: list[Segment] = []
    taken = seen = 0
    for step in [*steps, 99]:
        seen = min(len(whole), seen + step)
        final = step == 99
        previous = listed[-1] if listed else None
        since = previous.start if previous else 0
        beside = [s for s in whole[:seen] if s.end > since]
        found = placed(given_rows[taken:] if final else given_rows[taken : taken + step], beside, previous, final=final)
        listed += found.segments
        taken += found.taken
    assert listed == at_once
    assert [s.number for s in listed] == list(range(len(listed)))
    assert all(a.start <= b.start for a, b in itertools.pairwise(listed))


@pytest.mark.semantics("W5", "P4")
def test_a_text_has_the_reference_s_own_segments() -> None:
    reference = [replace(s, start=s.start + 5, epoch=3) for s in chain([2 * SECOND, 1 * SECOND, 4 * SECOND])]
    written = [closed(i, 0, 1, T0, size=70 + i) for i in range(3)]
    found = place_text(written, None, reference, gaps_until=0)
    assert found == Placed([replace(s, size=70 + s.index) for s in reference], 3)


@pytest.mark.semantics("P7")
def test_a_text_that_does_not_come_is_a_gap_and_is_not_listed_later() -> None:
    reference = chain([2 * SECOND] * 4)
    waiting = place_text([], None, reference, gaps_until=at(3))
    assert [(s.index, s.start, s.duration, s.size) for s in waiting.segments] == [(-1, at(0), 2 * SECOND, 0)]
    late = place_text([closed(i, 0, 1, T0, size=7) for i in range(3)], waiting.segments[-1], reference, gaps_until=0)
    assert [(s.number, s.index, s.size) for s in late.segments] == [(1, 1, 7), (2, 2, 7)]
    assert late.taken == 3, "the row of the gap is settled, too"


def test_what_the_reference_has_passed_over_a_text_has_not_either() -> None:
    reference = [replace(s, number=s.number - 2) for s in chain([2 * SECOND] * 4)[2:]]  # its first two were sent again
    found = place_text([closed(i, 0, 1, T0) for i in range(3)], None, reference, gaps_until=0)
    assert [(s.number, s.index) for s in found.segments] == [(0, 2)] and found.taken == 3
    other = segment(4, run=SECOND_RUN, index=7)
    assert [s.number for s in place_text([closed(2, 0, 1, T0)], other, reference, gaps_until=0).segments] == [5]
    assert place_text([closed(0, 0, 1, T0)], None, [], gaps_until=0) == Placed([], 0)
