from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import T0, at, window
from livedvr.resources.errors import FailedPrecondition, InvalidArgument
from livedvr.resources.models import TimeInterval, to_datetime
from livedvr.resources.times import HOUR, SECOND
from livedvr.sessions.windows import MAX_WINDOWS, resolve_windows, to_interval
from livedvr.timeline.segment import Window

NOW = at(1000)


def asked(*pairs: tuple[float | None, float | None]) -> list[TimeInterval]:
    """Windows in seconds after T0."""
    moment = lambda s: None if s is None else to_datetime(at(s))  # noqa: E731
    return [TimeInterval(start_time=moment(start), end_time=moment(end)) for start, end in pairs]


def resolve(*pairs: tuple[float | None, float | None]) -> tuple[Window, ...]:
    return resolve_windows(asked(*pairs), NOW, NOW - HOUR)


@pytest.mark.semantics("W1", "W3")
@pytest.mark.parametrize(
    "pairs",
    [
        [(100, 200)],  # past
        [(900, 1100)],  # running
        [(2000, 2100)],  # future
        [(100, 200), (200, 300), (5000, None)],  # touching is not overlapping
        [(0, 0.000001)],
    ],
)
def test_windows_of_any_time_are_taken_as_they_are(pairs: list[tuple[float, float | None]]) -> None:
    assert resolve(*pairs) == tuple(window(*pair) for pair in pairs)


@pytest.mark.semantics("W3")
def test_a_first_start_that_is_missing_is_the_time_of_acceptance() -> None:
    assert resolve((None, 1100)) == (Window(NOW, at(1100)),)
    assert resolve((None, None)) == (Window(NOW, None),)


@pytest.mark.semantics("W3")
@pytest.mark.parametrize(
    ("pairs", "field", "says"),
    [
        ([], "dvrWindows", "0 windows"),
        ([(100, 100)], "dvrWindows[0].endTime", "not after"),
        ([(200, 100)], "dvrWindows[0].endTime", "not after"),
        ([(None, 900)], "dvrWindows[0].endTime", "not after"),  # it would start at 1000
        ([(100, 200), (None, 300)], "dvrWindows[1].startTime", "first"),
        ([(100, None), (200, 300)], "dvrWindows[0].endTime", "last"),
        ([(100, 200), (199.999999, 300)], "dvrWindows[1].startTime", "window 1 .* window 0"),
        ([(100, 200), (300, 400), (10, 20)], "dvrWindows[2].startTime", "window 2 .* window 1"),
        ([(None, 2000), (900, 3000)], "dvrWindows[1].startTime", "window 1 .* window 0"),
    ],
)
def test_windows_that_make_no_sense_are_refused_naming_the_field_and_the_windows(
    pairs: list[tuple[float | None, float | None]], field: str, says: str
) -> None:
    with pytest.raises(InvalidArgument, match=says) as refused:
        resolve(*pairs)
    assert refused.value.field == field


@pytest.mark.semantics("W3")
def test_a_hundred_windows_are_possible_and_no_more() -> None:
    pairs = [(10.0 * i, 10.0 * i + 5) for i in range(MAX_WINDOWS + 1)]
    assert MAX_WINDOWS == 100
    assert len(resolve(*pairs[:-1])) == 100
    with pytest.raises(InvalidArgument, match="101 windows"):
        resolve(*pairs)


@pytest.mark.semantics("W4")
def test_windows_that_are_wholly_behind_retention_are_refused() -> None:
    kept_from = 1000 - 3600
    with pytest.raises(FailedPrecondition, match="nothing older") as refused:
        resolve((kept_from - 100, kept_from - 50), (kept_from - 20, kept_from))
    assert refused.value.field == "dvrWindows"
    assert resolve((kept_from - 100, kept_from - 50), (kept_from - 20, kept_from + 0.000001))


@settings(max_examples=60)
@given(st.lists(st.one_of(st.none(), st.integers(0, 40)), max_size=8), st.integers(0, 40), st.integers(0, 40))
def test_what_is_taken_is_sorted_and_does_not_overlap(edges: list[int | None], now: int, kept: int) -> None:
    pairs = list(zip(edges[::2], edges[1::2], strict=False))
    try:
        windows = resolve_windows(asked(*pairs), at(now), at(now) - kept * SECOND)
    except (InvalidArgument, FailedPrecondition):
        return
    flat = [edge for w in windows for edge in (w.start, w.end)]
    closed = [edge for edge in flat if edge is not None]
    assert closed == sorted(closed)
    assert all(w.end is None or w.start < w.end for w in windows)
    assert None not in flat[:-1]
    assert flat[-1] is None or flat[-1] > at(now) - kept * SECOND
    assert len(windows) == len(pairs)


@pytest.mark.parametrize("given_window", [window(1.5, 3), window(0, None)])
def test_a_window_and_its_interval_are_the_same_thing(given_window: Window) -> None:
    assert resolve_windows([to_interval(given_window)], T0, T0 - HOUR) == (given_window,)
