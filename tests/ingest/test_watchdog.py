from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import T0, at
from livedvr.ingest.watchdog import CONNECT, LEARNING, SILENCE_FLOOR, Watchdog
from livedvr.resources.times import SECOND


def watchdog(*, patient: bool = False, probe: float = 0) -> Watchdog:
    return Watchdog(T0, patient=patient, probe=round(probe * SECOND))


def beaten(*seconds: float, patient: bool = False) -> Watchdog:
    """One whose open segment has grown at these instants."""
    made = watchdog(patient=patient)
    for size, when in enumerate(seconds, start=1):
        made.beat(at(when), (0, size))
    return made


@pytest.mark.semantics("I3")
def test_a_pull_has_15_s_to_connect() -> None:
    assert watchdog().verdict(at(15)) is None
    assert watchdog().verdict(at(15.1)) == "no media within 15 s"


@pytest.mark.semantics("I3")
def test_the_time_that_ffmpeg_may_probe_comes_on_top() -> None:
    assert watchdog(probe=5).verdict(at(20)) is None
    assert watchdog(probe=5).verdict(at(20.1)) == "no media within 20 s"


@pytest.mark.semantics("I3")
def test_a_listener_waits_without_limit() -> None:
    assert watchdog(patient=True).verdict(at(7 * 86_400)) is None


@pytest.mark.semantics("I3")
@pytest.mark.parametrize("patient", [False, True])
def test_after_the_first_byte_more_than_5_s_of_silence_end_the_run(patient: bool) -> None:
    steady = beaten(1, 1.5, 2, patient=patient)
    assert steady.verdict(at(7)) is None
    assert steady.verdict(at(7.1)) == "silent for 5 s"


@pytest.mark.semantics("I2", "I3")
def test_silence_counts_from_the_last_growth_not_from_the_last_look() -> None:
    made = beaten(1)
    for seconds in (2, 3, 4, 5, 6, 7):
        made.beat(at(seconds), (0, 1))  # looked, and seen the same
    assert made.last_beat == at(1)
    assert made.verdict(at(7)) == "silent for 6 s"


@pytest.mark.semantics("I2")
def test_an_empty_first_segment_is_no_heartbeat_and_a_new_segment_is_one() -> None:
    made = watchdog()
    made.beat(at(1), (0, 0))
    assert made.first_beat is None
    made.beat(at(2), (0, 100))
    made.beat(at(4), (1, 100))  # another file of the same size
    assert (made.first_beat, made.last_beat) == (at(2), at(4))


@pytest.mark.semantics("I3")
def test_a_source_that_is_slow_by_nature_is_given_three_times_its_longest_silence() -> None:
    made = beaten(0, 4, 8, 10)
    assert made.allowed_silence == 12 * SECOND
    assert made.verdict(at(22)) is None
    assert made.verdict(at(22.1)) == "silent for 12 s"


@pytest.mark.semantics("I3")
def test_only_the_first_30_s_teach() -> None:
    made = beaten(0, 2, 30, 34)
    assert made.allowed_silence == 3 * 28 * SECOND
    late = beaten(*range(31), 35)
    assert late.allowed_silence == SILENCE_FLOOR


@pytest.mark.semantics("I3")
@given(st.lists(st.integers(0, 40 * SECOND), min_size=1, max_size=20), st.integers(0, 200 * SECOND))
def test_the_verdict_is_the_rule(steps: list[int], later: int) -> None:
    made, now, beats = watchdog(), T0, []
    for size, step in enumerate(steps, start=1):
        now += step
        beats.append(now)
        made.beat(now, (0, size))
    learnt = [b - a for a, b in itertools.pairwise(beats) if b - beats[0] <= LEARNING]
    allowed = max(5 * SECOND, 3 * max(learnt, default=0))
    assert (made.verdict(now + later) is not None) is (later > allowed)


def test_the_numbers_of_the_documentation() -> None:
    assert (CONNECT, SILENCE_FLOOR, LEARNING) == (15 * SECOND, 5 * SECOND, 30 * SECOND)


@pytest.mark.semantics("I3")
def test_a_source_that_is_silent_by_nature_has_a_higher_floor() -> None:
    made = Watchdog(T0, patient=False, probe=0, floor=18 * SECOND)
    made.beat(at(1), (0, 1))
    assert made.verdict(at(19)) is None and made.verdict(at(19.1)) == "silent for 18 s"


@pytest.mark.semantics("I3", "I4")
def test_a_publisher_that_has_been_let_in_has_to_bring_media() -> None:
    made = watchdog(patient=True, probe=5)
    made.connected(at(1000))
    assert made.verdict(at(1020)) is None and made.verdict(at(1020.1)) == "no media within 20 s"


@pytest.mark.semantics("P3")
def test_a_segment_that_no_keyframe_ends_is_told_from_a_long_one() -> None:
    made = beaten(1, 30, 60, 90)
    assert (made.overlong(at(121)), made.overlong(at(121.1))) == (None, "no keyframe for 120 s")
    made.beat(at(130), (1, 1))  # a segment has ended
    assert made.overlong(at(131)) is None
    made.beat(at(250), (1, 2))
    assert made.overlong(at(250.1)) == "no keyframe for 120 s"


@pytest.mark.semantics("I3", "P3")
def test_before_the_first_byte_no_segment_is_open() -> None:
    assert beaten(patient=True).overlong(at(86_400)) is None
    assert beaten(500, patient=True).overlong(at(600)) is None
