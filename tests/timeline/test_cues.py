"""Cues cut at segments' edges."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livedvr.resources.times import SECOND
from livedvr.timeline.cues import Cue, cut


def cue(start: float, end: float, text: str = "x") -> Cue:
    return Cue(round(start * SECOND), round(end * SECOND), text)


def test_a_cue_stands_whole_in_each_segment_that_it_meets() -> None:
    long, short = cue(1, 5, "long"), cue(2, 3, "short")
    first = cut((), (long, short), 0, 2 * SECOND)
    assert (first.shown, first.left) == ((long,), (long, short))
    second = cut(first.left, (), 2 * SECOND, 4 * SECOND)
    assert (second.shown, second.left) == ((long, short), (long,))
    assert cut(second.left, (), 4 * SECOND, 6 * SECOND) == cut((), (long,), 4 * SECOND, 6 * SECOND)


def test_what_touches_an_edge_does_not_meet_the_segment_behind_it() -> None:
    assert cut((), (cue(0, 2), cue(4, 6)), 2 * SECOND, 4 * SECOND).shown == (cue(0, 2),), "new and over: it came late"
    assert cut((cue(4, 6),), (), 2 * SECOND, 4 * SECOND).shown == ()


CUES = st.lists(
    st.builds(lambda start, length, at: (Cue(start, start + length, str(at)), at), *(st.integers(1, 40),) * 3),
    max_size=12,
)
EDGES = st.lists(st.integers(0, 90), min_size=2, max_size=10, unique=True).map(sorted)


@pytest.mark.semantics("W5")
@given(CUES, EDGES)
def test_nothing_is_lost_whenever_it_comes(arriving: list[tuple[Cue, int]], edges: list[int]) -> None:
    """``arriving``: cues, each with the segment (counted by its end) before which it has come."""
    known: tuple[Cue, ...] = ()
    seen: list[tuple[int, int, Cue]] = []
    spans = list(itertools.pairwise(edges))
    came = {one: next((i for i, (_, end) in enumerate(spans) if end >= at), None) for one, at in arriving}
    for index, (start, end) in enumerate(spans):
        parts = cut(known, [one for one, when in came.items() if when == index], start, end)
        seen += [(start, end, one) for one in parts.shown]
        known = parts.left
    for one, when in came.items():
        shown_in = [(start, end) for start, end, other in seen if other == one]
        if when is None:
            assert not shown_in
            continue
        meets = [span for span in spans[when:] if one.start < span[1] and one.end > span[0]]
        late = [spans[when]] if one.end <= spans[when][0] else []
        assert shown_in == late + meets
