"""Where a recording ends: a pure function of what is known."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import T0, at, window
from livedvr.recordings.end_point import EndPoint, EndReason, Heard, Sounds, Task, Tone, end_of
from livedvr.resources.recording import RecordingLimits

OPEN = (window(0, None),)
R = EndReason


def limits(**seconds: Any) -> RecordingLimits:
    stop = seconds.pop("stop_tones", ())
    return RecordingLimits(stop_tones=stop, **{name: timedelta(seconds=value) for name, value in seconds.items()})


def heard(until: float, voiced: float | None = None, silent: float | None = None, keys: str = "") -> Heard:
    """``keys``: one a second from the 5th on."""
    tones = tuple(Tone(key, at(5 + i), at(5.1 + i)) for i, key in enumerate(keys))
    return Heard(at(until), None, None if voiced is None else at(voiced), None if silent is None else at(silent), tones)


def ask(task: Task, now: float, ears: Heard | None = None, media: float | None = None, frontier: float = 0) -> Any:
    found = end_of(task, None if media is None else at(media), at(frontier), ears, at(now))
    return None if found is None else ((found.at - T0) / 1e6, found.reason)


def test_nothing_ends_what_has_no_limits() -> None:
    assert ask(Task(T0, OPEN, RecordingLimits()), 1e6, heard(1e6, 3, 4, "123"), 5, 1e6) is None


def test_who_asks_for_the_end_gets_it_then() -> None:
    assert ask(Task(T0, OPEN, RecordingLimits(), (at(7), R.REQUESTED)), 7) == (7, R.REQUESTED)


@pytest.mark.parametrize(
    ("given", "before", "then", "where"),
    [
        # limits, (now, heard, media, frontier) before it is certain and then, where it ends and why
        ({"max_duration": 10}, (9.9, None, 8, 8), (10, None, 8, 8), (10, R.MAX_DURATION)),
        ({"max_duration": 10}, (99, None, None, 99), (99, None, 2, 99), (10, R.MAX_DURATION)),
        ({"max_time": 10}, (9.9, None, None, 0), (10, None, None, 0), (10, R.MAX_TIME)),
        ({"max_idle": 5}, (99, None, 8, 12.9), (99, None, 8, 13), (13, R.IDLE)),
        ({"max_idle": 5}, (99, None, None, 4.9), (99, None, None, 5), (5, R.IDLE)),
        ({"initial_silence": 5}, (9, heard(4.9), 8, 8), (9, heard(5), 8, 8), (5, R.INITIAL_SILENCE)),
        ({"initial_silence": 5}, (9, heard(9, 4, 9), 8, 8), (9, heard(9, 6, 7), 8, 8), (5, R.INITIAL_SILENCE)),
        ({"max_silence": 3}, (99, heard(99), 98, 98), (99, heard(7, 1, 4), 8, 8), (7, R.MAX_SILENCE)),
        ({"max_silence": 3}, (99, heard(6.9, 1, 4), 98, 98), (99, heard(8, 1, 4), 8, 8), (7, R.MAX_SILENCE)),
        ({"stop_tones": ("#",)}, (9, heard(9, keys="12*"), 8, 8), (9, heard(9, keys="1#2"), 8, 8), (6, R.STOP_TONE)),
        ({"stop_tones": ("11",)}, (9, heard(9, keys="121"), 8, 8), (9, heard(9, keys="2114"), 8, 8), (6, R.STOP_TONE)),
        # What is heard may have come first: nobody knows before it has been listened to.
        (
            {"max_duration": 10, "stop_tones": ("#",)},
            (99, heard(9.9), 98, 98),
            (99, heard(11), 98, 98),
            (10, R.MAX_DURATION),
        ),
        (
            {"max_duration": 5, "initial_silence": 5},
            (99, heard(4.9), 98, 98),
            (99, heard(5), 98, 98),
            (5, R.INITIAL_SILENCE),
        ),
    ],
)
def test_limits(given: dict[str, Any], before: Any, then: Any, where: tuple[float, EndReason]) -> None:
    task = Task(T0, OPEN, limits(**given))
    assert ask(task, *before) is None
    assert ask(task, *then) == where


def test_pauses_do_not_count() -> None:
    paused = (window(0, 4), window(10, None))
    assert ask(Task(T0, paused, limits(max_duration=6)), 12, None, 11) == (12, R.MAX_DURATION)
    assert ask(Task(T0, paused, limits(max_silence=3)), 99, heard(12, 1, 3), 11) == (12, R.MAX_SILENCE)
    assert ask(Task(T0, paused, limits(initial_silence=5)), 99, heard(11), 11) == (11, R.INITIAL_SILENCE)
    assert ask(Task(T0, (window(0, 4),), limits(max_duration=6, max_idle=1)), 99, None, 4, 99) is None
    assert ask(Task(T0, (window(0, 4),), limits(max_time=6)), 99, None, 4, 99) == (6, R.MAX_TIME)


def test_only_what_is_recorded_is_heard() -> None:
    spans = (window(0, 4), window(10, 20))
    sounds = Sounds(
        at(12), ((at(3), at(11)),), (Tone("1", at(5), at(5.1)), Tone("2", at(10.5), at(10.6))), ((at(5), at(6)),)
    )
    found = Heard(T0).hear(sounds, spans)
    assert (found.voiced, found.silent, found.is_audible) == (at(3), at(11), False)
    assert [tone.key for tone in found.keys] == ["2"]
    assert len(Heard(T0).hear(Sounds(at(1), (), (Tone("1", at(1), at(2)),) * 99), spans).keys) == 16


@given(
    st.fixed_dictionaries(
        {},
        optional={name: st.integers(1, 20) for name in ("max_duration", "max_time", "initial_silence", "max_silence")},
    ),
    st.lists(st.tuples(st.integers(0, 30), st.integers(1, 5)), max_size=4),
    st.integers(0, 40),
)
def test_what_is_certain_stays_so(given: dict[str, int], voices: list[tuple[int, int]], until: int) -> None:
    """Who looks later, with more heard, finds the same end: an end never moves once it is known."""
    task = Task(T0, OPEN, limits(**given))

    def look(now: int) -> EndPoint | None:
        longest = task.limits.max_silence
        ears = Heard(T0, longest and longest // timedelta(microseconds=1))
        for start, length in sorted(voices):
            if start < now:
                ears = ears.hear(Sounds(at(now), ((at(start), at(min(now, start + length))),)), OPEN)
        return end_of(task, at(now), at(now), ears.hear(Sounds(at(now)), OPEN), at(now))

    first = look(until)
    if first is not None:
        later = look(until + 1)
        assert later == first and first.at <= at(until)
