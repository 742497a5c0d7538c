"""Spans: what a recording takes of the stream."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from builders import at, window
from livedvr.recordings.spans import Spans, begin, close, is_open, position, recorded, resume, within


@st.composite
def spans(draw: st.DrawFn) -> Spans:
    """Made as a recording makes them: started, paused and resumed."""
    steps = draw(st.lists(st.integers(0, 50), min_size=1, max_size=9))
    found: Spans = resume((), at(0))
    now = 0
    for step in steps:
        now += step
        found = close(found, at(now)) if is_open(found) else resume(found, at(now))
    return found


def test_a_pause_closes_one_and_resuming_opens_the_next() -> None:
    found = resume(close(resume((), at(0)), at(5)), at(7))
    assert found == (window(0, 5), window(7, None))
    assert close(found, at(9)) == (window(0, 5), window(7, 9))
    assert close(found, at(7)) == (window(0, 5),), "none is empty"
    assert close(found, at(3)) == (window(0, 3),), "nothing lies behind the end"
    assert [recorded(found, at(s)) for s in (0, 3, 6, 8)] == [0, 3_000_000, 5_000_000, 6_000_000]
    assert position(found, 6_000_000) == at(8)
    assert within(found, at(4), at(8)) == (window(4, 5), window(7, 8))


def test_nothing_is_recorded_before_its_first_media() -> None:
    found = resume(close(resume((), at(0)), at(5)), at(7))
    assert begin(found, at(0)) == found
    assert begin(found, at(3)) == (window(3, 5), window(7, None))
    assert begin(found, at(6)) == (window(7, None),)
    assert begin(found, at(9)) == (window(9, None),)


@given(spans(), st.integers(1, 300_000_000))
def test_position_is_where_so_much_is_recorded(found: Spans, amount: int) -> None:
    instant = position(found, amount)
    if instant is None:
        assert not is_open(found) and recorded(found, at(10_000)) < amount
    else:
        assert recorded(found, instant) == amount
        assert recorded(found, instant - 1) == amount - 1


@given(spans(), st.integers(0, 450))
def test_closed_at_an_instant_they_hold_what_was_recorded_by_then(found: Spans, end: int) -> None:
    closed = close(found, at(end))
    assert recorded(closed, at(10_000)) == recorded(found, at(end))
    assert not is_open(closed) and all(one.end is not None and one.end <= at(end) for one in closed)


@given(spans(), st.integers(0, 450), st.integers(0, 450))
def test_what_lies_within_is_what_was_recorded_between(found: Spans, start: int, length: int) -> None:
    parts = within(found, at(start), at(start + length))
    total = sum((one.end or 0) - one.start for one in parts)
    assert total == recorded(found, at(start + length)) - recorded(found, at(start))
