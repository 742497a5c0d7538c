from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import T0, at
from livedvr.resources.times import MINUTE, SECOND
from livedvr.timeline.clock import DEADBAND, MEMORY, PATIENCE, REANCHOR, RunClock, Sample

TARGET = 2 * SECOND

# (media, arrival) grow by these steps: media up to 10 s a time, arrivals from bursts to stalls.
STEPS = st.lists(st.tuples(st.integers(1, 10 * SECOND), st.integers(0, 30 * SECOND)), min_size=1, max_size=40)


def observed(pairs: list[tuple[float, float]]) -> RunClock:
    """A clock that has seen media (s) at arrival (s after T0)."""
    clock = RunClock()
    for media, arrival in pairs:
        clock = clock.observe(Sample(round(media * SECOND), at(arrival)))
    return clock


def samples_of(steps: list[tuple[int, int]]) -> list[Sample]:
    media = itertools.accumulate(step[0] for step in steps)
    arrivals = itertools.accumulate((step[1] for step in steps), initial=T0)
    next(arrivals)
    return [Sample(m, a) for m, a in zip(media, arrivals, strict=True)]


@pytest.mark.semantics("C2")
def test_nothing_has_settled_before_the_first_chunk() -> None:
    assert not RunClock().has_settled(TARGET)


@pytest.mark.semantics("C2")
def test_media_in_real_time_settles_after_one_target_duration() -> None:
    chunks = [(0.5 * i, 0.5 * i) for i in range(6)]
    assert [observed(chunks[: n + 1]).has_settled(TARGET) for n in range(6)] == [False] * 4 + [True] * 2


@pytest.mark.semantics("C2")
@pytest.mark.parametrize(("rate", "settled"), [(1.0, True), (1.1, True), (1.101, False), (0.5, True), (7.0, False)])
def test_the_limit_is_1_1_times_real_time(rate: float, settled: bool) -> None:
    assert observed([(0, 0), (2 * rate, 2)]).has_settled(TARGET) is settled


@pytest.mark.semantics("C2")
def test_a_burst_on_joining_is_waited_for() -> None:
    burst = [(0.5 * i, 0.01 * i) for i in range(28)]  # 14 s of media within 0.3 s
    live = [(14 + 0.5 * i, 0.3 + 0.5 * i) for i in range(6)]
    assert not observed(burst).has_settled(TARGET)
    assert not observed(burst + live[:4]).has_settled(TARGET)
    assert observed(burst + live).has_settled(TARGET)


@pytest.mark.semantics("C2")
def test_after_three_target_durations_it_counts_as_settled_whatever_comes() -> None:
    fast = [(1.0 * i, 0.5 * i) for i in range(13)]  # twice real time, for ever
    assert not observed(fast[:12]).has_settled(TARGET)  # 5.5 s
    assert observed(fast).has_settled(TARGET)  # 6 s


@pytest.mark.semantics("C2")
def test_a_clock_is_anchored_at_the_lower_envelope_not_at_the_first_arrival() -> None:
    burst = [(0, 0), (7, 0.1), (14, 0.2), (15, 1.3), (16, 2.2), (17, 3.5)]
    clock = observed(burst).anchored()
    assert clock.offset == at(0.2 - 14)  # media 14 s had come by 0.2 s: media 0 is 13.8 s older than the first arrival


@pytest.mark.semantics("C2")
@given(STEPS)
def test_no_sample_arrives_before_the_date_that_the_anchor_gives_it_and_one_arrives_at_it(
    steps: list[tuple[int, int]],
) -> None:
    samples, clock = samples_of(steps), RunClock()
    for sample in samples:
        clock = clock.observe(sample)
    anchored = clock.anchored()
    assert anchored.offset is not None
    late = [sample.arrival - (sample.media + anchored.offset) for sample in samples]
    assert min(late) == 0


@pytest.mark.semantics("C2")
def test_a_clock_is_anchored_once() -> None:
    clock = observed([(0, 0), (2, 2)]).anchored()
    later = clock.observe(Sample(4 * SECOND, at(3)))
    assert later.anchored().offset == clock.offset == T0
    assert later.has_settled(TARGET)


def test_a_sample_from_before_the_newest_is_known_already() -> None:
    clock = observed([(0, 0), (2, 2)])
    assert clock.observe(Sample(SECOND, at(1))) == clock


@settings(max_examples=60)
@given(STEPS)
def test_an_anchored_clock_keeps_exactly_what_can_still_be_the_minimum_of_the_last_minute(
    steps: list[tuple[int, int]],
) -> None:
    samples = samples_of(steps)
    clock = RunClock((samples[0],)).anchored()
    for count, sample in enumerate(samples[1:], start=2):
        clock = clock.observe(sample)
        assert [s.lag for s in clock.samples] == sorted({s.lag for s in clock.samples})
        assert clock.samples[-1] == sample
        recent = [s for s in samples[:count] if s.arrival > sample.arrival - MEMORY]
        assert clock.samples[0].lag == min(s.lag for s in recent)


@pytest.mark.semantics("C3")
@pytest.mark.parametrize(
    ("late", "bent"),
    [
        (0.0, 0),
        (DEADBAND / SECOND, 0),  # noise: no correction
        (0.5, 1000),  # 500 ppm of 2 s
        (-0.5, -1000),
    ],
)
def test_a_date_is_bent_by_at_most_500_ppm_towards_the_envelope(late: float, bent: int) -> None:
    clock = RunClock((Sample(0, at(late)),), T0).slewed(2 * SECOND, PATIENCE)
    assert clock.offset == T0 + bent


@pytest.mark.semantics("C3")
@given(st.integers(-5 * SECOND, 5 * SECOND), st.integers(1, 30 * SECOND))
def test_slewing_never_exceeds_500_ppm_and_never_overshoots(late: int, duration: int) -> None:
    clock = RunClock((Sample(0, T0 + late),), T0)
    bent = clock.slewed(duration, PATIENCE)
    assert bent.offset is not None
    moved = bent.offset - T0
    assert abs(moved) * 1_000_000 <= 500 * duration
    assert abs(late - moved) <= abs(late)


@pytest.mark.semantics("C3")
def test_earlier_media_shows_at_once() -> None:
    clock = observed([(2 * i, 2 * i) for i in range(10)]).anchored()
    assert clock.observe(Sample(20 * SECOND, at(18))).error(PATIENCE) == -2 * SECOND


@pytest.mark.semantics("C3")
def test_later_media_is_believed_only_when_nothing_faster_came_for_a_while() -> None:
    clock = observed([(2 * i, 2 * i) for i in range(10)]).anchored()
    errors = []
    for i in range(10, 18):
        clock = clock.observe(Sample(2 * i * SECOND, at(2 * i + 3)))
        errors.append(clock.error(PATIENCE))
    # The last punctual media came at 18 s; the late one is believed from 28 s on.
    assert errors == [0, 0, 0, 3 * SECOND, 3 * SECOND, 3 * SECOND, 3 * SECOND, 3 * SECOND]


@pytest.mark.semantics("C3")
def test_a_new_anchor_leaves_no_error_behind() -> None:
    clock = observed([(2 * i, 2 * i) for i in range(10)]).anchored()
    for i in range(10, 16):
        clock = clock.observe(Sample(2 * i * SECOND, at(2 * i + 3)))
    anchored = clock.reanchored(PATIENCE)
    assert anchored.offset == at(3)
    # Punctual media is still within the memory, and must not pull the new anchor back.
    assert abs(anchored.observe(Sample(32 * SECOND, at(35))).error(PATIENCE)) <= DEADBAND


@pytest.mark.semantics("C4")
@pytest.mark.parametrize(
    ("jump", "arrival", "offset"),
    [
        (90_000, 4.0, T0 - 90_000 * SECOND),  # timestamps alone jumped: the dates go on
        (-90_000, 4.0, T0 + 90_000 * SECOND),
        (90_000, 4.2, T0 - 90_000 * SECOND),  # jitter does not decide
        (90_000, 4.7, T0 - 90_000 * SECOND + 700_000),  # an encoder that was away for 0.7 s
        (0, 4.7, T0 + 700_000),  # the same, smoothed over by ffmpeg
        (10, 14.0, T0),  # ten seconds were lost: the dates jump, too
    ],
)
def test_after_a_jump_the_dates_go_on_unless_arrival_says_otherwise(jump: int, arrival: float, offset: int) -> None:
    clock = observed([(0, 0), (2, 2)]).anchored()
    media = 4 * SECOND + jump * SECOND
    rebased = clock.rebased(Sample(media, at(arrival)), jump * SECOND)
    assert rebased.offset == offset
    assert rebased.samples == (Sample(media, at(arrival)),)


def test_the_numbers_of_the_documentation() -> None:
    assert (REANCHOR, MEMORY, PATIENCE) == (SECOND, MINUTE, 10 * SECOND)
