from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import RUN, SECOND_RUN, T0, at, closed
from livedvr.resources.times import HOUR, SECOND
from livedvr.timeline.clock import JUMP, RunClock, Sample
from livedvr.timeline.placing import OVERLAP, earliest_after, is_resent, observed, place, target_seconds
from livedvr.timeline.segment import ClosedSegment, Segment
from livedvr.timeline.timeline import Timeline

TARGET = 2 * SECOND


@dataclass(frozen=True)
class Row:
    """A journal row to be made: how long it is, how far its start lies from the last end, how it arrives."""

    duration: int
    jump: int
    wait: int  # from the last arrival to this one
    marked: bool = False


JUMPS = st.one_of(st.just(0), st.just(0), st.integers(-JUMP, JUMP), st.integers(-(10**11), 10**11))


def runs_of(shortest: int) -> st.SearchStrategy[list[list[Row]]]:
    """Several runs of arbitrary rows: jitter, stalls, bursts, drift, jumps."""
    row = st.builds(
        Row,
        duration=st.integers(shortest, 20 * SECOND),
        jump=JUMPS,
        wait=st.one_of(st.integers(0, 4 * SECOND), st.integers(0, 90 * SECOND)),
        marked=st.sampled_from([False, False, False, False, True]),
    )
    return st.lists(st.lists(row, min_size=1, max_size=25), min_size=1, max_size=4)


RUNS = runs_of(shortest=1)


def anchored_at(arrival: int, media: int = 0) -> RunClock:
    return RunClock((Sample(media, arrival),)).anchored()


def placed(
    rows: list[ClosedSegment], previous: Segment | None = None, clock: RunClock | None = None, *, target: int = TARGET
) -> list[Segment]:
    """The rows of one run on the timeline; its clock is anchored by the first arrival unless given."""
    clock = clock or anchored_at(rows[0].arrival, rows[0].media_end)
    made = []
    for row in rows:
        previous, clock = place(row, previous, clock, target=target)
        made.append(previous)
    return made


def steady(count: int, *, late: list[float] | None = None, run: str = RUN, begin: float = 0) -> list[ClosedSegment]:
    """2 s segments of a run whose media 0 is ``begin`` s after T0, each as late as told."""
    lateness = (late or []) + [0.0] * count
    return [
        closed(i, 2 * i * SECOND, 2 * (i + 1) * SECOND, at(begin + 2 * (i + 1) + lateness[i]), run=run)
        for i in range(count)
    ]


def journal(runs: list[list[Row]]) -> list[tuple[ClosedSegment, bool]]:
    arrival, made = T0, []
    for number, rows in enumerate(runs):
        media = 0
        for index, row in enumerate(rows):
            arrival += row.wait
            start = media + (row.jump if index else 0)
            media = start + row.duration
            made.append((closed(index, start, media, arrival, run=f"run-{number}"), row.marked))
    return made


def place_all(runs: list[list[Row]]) -> list[tuple[ClosedSegment, bool, Segment]]:
    """Every row of every run on one timeline, as the intake does it."""
    made: list[tuple[ClosedSegment, bool, Segment]] = []
    previous: Segment | None = None
    clock = RunClock()
    for row, marked in journal(runs):
        if previous is None or previous.run != row.run:
            clock = anchored_at(row.arrival, row.media_end)
        previous, clock = place(row, previous, clock, target=TARGET, marked=marked)
        made.append((row, marked, previous))
    return made


@pytest.mark.semantics("C3")
@settings(max_examples=150, deadline=None)
@given(RUNS)
def test_dates_never_go_backwards_whatever_arrives(runs: list[list[Row]]) -> None:
    timeline = Timeline(["av"])
    for row, _, segment in place_all(runs):
        before = timeline.last("av")
        timeline.append("av", segment)  # refuses what goes backwards
        assert segment.number == (before.number + 1 if before else 0)
        assert segment.duration == row.media_end - row.media_start
        assert (segment.run, segment.index, segment.size) == (row.run, row.index, row.size)


@pytest.mark.semantics("C3")
@settings(max_examples=150, deadline=None)
@given(runs_of(shortest=20_000))
def test_the_ends_of_segments_never_go_backwards_either(runs: list[list[Row]]) -> None:
    # The timeline finds a window's first segment by bisecting the ends. (A frame is longer than 500 ppm of 20 s.)
    ends = [segment.end for _, _, segment in place_all(runs)]
    assert ends == sorted(ends)


@pytest.mark.semantics("C3")
@settings(max_examples=150, deadline=None)
@given(RUNS)
def test_within_an_epoch_a_date_is_bent_by_at_most_500_ppm(runs: list[list[Row]]) -> None:
    made = place_all(runs)
    for (_, _, before), (_, _, segment) in itertools.pairwise(made):
        if segment.epoch == before.epoch:
            small_jump = segment.media_start - before.media_end  # less than a frame
            bent = segment.start - before.end - small_jump
            assert abs(bent) * 1_000_000 <= 500 * before.duration


@pytest.mark.semantics("C4", "P4")
@settings(max_examples=150, deadline=None)
@given(RUNS)
def test_an_epoch_begins_with_each_run_jump_and_logged_discontinuity(runs: list[list[Row]]) -> None:
    made = place_all(runs)
    assert made[0][2].epoch == 0
    for (_, _, before), (row, marked, segment) in itertools.pairwise(made):
        new_run = before.run != row.run
        jumped = not new_run and abs(row.media_start - before.media_end) > JUMP
        assert segment.epoch - before.epoch in ([1] if new_run or jumped or marked else [0, 1])


@pytest.mark.semantics("C3")
@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(SECOND, 10 * SECOND), st.integers(0, SECOND // 2)), min_size=2, max_size=60),
)
def test_jitter_below_a_second_begins_no_epoch(rows: list[tuple[int, int]]) -> None:
    media, made = 0, []
    for index, (duration, late) in enumerate(rows):
        arrival = max(T0 + media + duration + late, made[-1].arrival if made else 0)
        made.append(closed(index, media, media + duration, arrival))
        media += duration
    assert {segment.epoch for segment in placed(made)} == {0}


@pytest.mark.semantics("C4")
@pytest.mark.parametrize(
    ("jump", "epoch"), [(0, 0), (50_000, 0), (-50_000, 0), (50_001, 1), (-50_001, 1), (SECOND, 1), (-SECOND, 1)]
)
def test_a_row_more_than_a_frame_from_the_previous_end_begins_an_epoch(jump: int, epoch: int) -> None:
    first, second = steady(2)
    moved = closed(1, second.media_start + jump, second.media_end + jump, second.arrival)
    assert [segment.epoch for segment in placed([first, moved])] == [0, epoch]


@pytest.mark.semantics("C4")
def test_a_logged_discontinuity_begins_an_epoch_although_the_journal_shows_nothing() -> None:
    first, second = steady(2)
    one, clock = place(first, None, anchored_at(T0), target=TARGET)
    two, _ = place(second, one, clock, target=TARGET, marked=True)
    assert (one.epoch, two.epoch) == (0, 1)
    assert two.start == one.end


@pytest.mark.semantics("C4")
@pytest.mark.parametrize("jump", [95_443_717_689, -95_443_717_689, 3600 * SECOND, -7 * SECOND])
def test_timestamps_that_jump_while_media_goes_on_leave_the_dates_as_they_are(jump: int) -> None:
    rows = steady(3)
    rows += [closed(i, r.media_start + jump, r.media_end + jump, r.arrival) for i, r in enumerate(steady(6)) if i > 2]
    made = placed(rows)
    assert [segment.start for segment in made] == [at(2 * i) for i in range(6)]
    assert [segment.epoch for segment in made] == [0, 0, 0, 1, 1, 1]


@pytest.mark.semantics("C5")
def test_a_rollover_of_mpeg_ts_timestamps_within_a_day_long_run_does_no_harm() -> None:
    rollover = 2**33 * SECOND // 90_000
    minutes = 60 * SECOND
    rows, wraps = [], 0
    for index in range(27 * 60):
        start = index * minutes
        wraps = start // rollover
        rows.append(closed(index, start - wraps * rollover, start + minutes - wraps * rollover, T0 + start + minutes))
    assert wraps == 1
    made = placed(rows, target=minutes)
    assert max(abs(segment.start - T0 - i * minutes) for i, segment in enumerate(made)) <= 1
    assert made[-1].epoch == 1


@pytest.mark.semantics("C4", "P8")
def test_media_that_was_lost_leaves_a_hole_in_the_dates() -> None:
    rows = steady(3)
    rows += [closed(i - 5, r.media_start, r.media_end, r.arrival) for i, r in enumerate(steady(12)) if i >= 8]
    made = placed(rows)
    assert [segment.start for segment in made] == [at(2 * i) for i in (0, 1, 2, 8, 9, 10, 11)]
    assert [segment.epoch for segment in made] == [0, 0, 0, 1, 1, 1, 1]


@pytest.mark.semantics("C1", "C2")
def test_a_burst_on_joining_is_dated_by_its_last_media() -> None:
    # 14 s of media come at once, the rest in real time; the intake anchors the clock with all that came while settling.
    arrivals = [0.1] * 7 + [2.1, 4.1, 6.1]
    rows = [closed(i, 2 * i * SECOND, 2 * (i + 1) * SECOND, at(a)) for i, a in enumerate(arrivals)]
    clock = RunClock()
    for row in rows:
        clock = clock.observe(Sample(row.media_end, row.arrival))
    made = placed(rows, clock=clock.anchored())
    assert made[7].start == at(0.1)
    assert made[0].start == at(0.1 - 14)


@pytest.mark.semantics("C1")
@settings(max_examples=25, deadline=None)
@given(st.integers(-100, 100), st.integers(0, 200), st.randoms(use_true_random=False))
def test_each_date_stays_within_250_ms_of_the_arrival_over_drift_and_jitter(
    ppm: int, jitter: int, chance: random.Random
) -> None:
    made: list[ClosedSegment] = []
    for index in range(700):
        media = 2 * index * SECOND
        end = media + 2 * SECOND
        arrival = T0 + end + end * ppm // 1_000_000 + chance.randint(0, jitter * 1000)
        made.append(closed(index, media, end, arrival))
    clock = RunClock()
    for row in made[:5]:
        clock = clock.observe(Sample(row.media_end, row.arrival))
    for segment in placed(made, clock=clock.anchored()):
        true = T0 + segment.media_start + segment.media_start * ppm // 1_000_000
        assert abs(segment.start - true) <= 250_000
        assert segment.epoch == 0


@pytest.mark.semantics("C1")
def test_dates_stay_true_over_a_day_with_drift_and_reconnects() -> None:
    chance = random.Random(5)
    previous: Segment | None = None
    worst, begin, runs = 0, T0, 0
    while begin < T0 + 24 * HOUR:
        clock, run = RunClock(), f"run-{runs}"
        rows = []
        for index in range(600):  # an hour of 6 s segments, at 80 ppm
            end = (index + 1) * 6 * SECOND
            arrival = begin + end + end * 80 // 1_000_000 + chance.randint(0, 150_000)
            rows.append(closed(index, end - 6 * SECOND, end, arrival, run=run))
        for row in rows[:3]:
            clock = clock.observe(Sample(row.media_end, row.arrival))
        for segment in placed(rows, previous, clock.anchored(), target=6 * SECOND):
            true = begin + segment.media_start + segment.media_start * 80 // 1_000_000
            worst = max(worst, abs(segment.start - true))
            previous = segment
        begin, runs = rows[-1].arrival + 3 * SECOND, runs + 1
    assert runs == 24
    assert worst <= 250_000
    assert previous is not None
    assert previous.epoch == 23  # one for each reconnect and no more


@pytest.mark.semantics("C3")
def test_media_that_stays_three_seconds_late_costs_one_epoch_and_is_dated_late_from_then_on() -> None:
    made = placed(steady(60, late=[0.0] * 20 + [3.0] * 40))
    assert made[-1].epoch == 1
    assert abs(made[-1].start - at(2 * 59 + 3)) <= 250_000


@pytest.mark.semantics("C3")
def test_a_delay_that_passes_is_forgotten_within_three_segments() -> None:
    # Congestion: for 14 s everything is 2 s late, then all is as before. The dates catch up by overlaps below a second.
    made = placed(steady(80, late=[0.0] * 20 + [2.0] * 7))
    off = [segment.start - at(2 * i) for i, segment in enumerate(made)]
    assert off[26:] == [2 * SECOND, 1_100_000, 200_000] + [0] * 51
    assert [segment.epoch for segment in made[26:31]] == [1, 2, 3, 4, 4]
    assert made[-1].epoch == 4


def joined(arrivals: list[float], begin: float) -> tuple[list[ClosedSegment], RunClock]:
    """A second run of 2 s segments whose media 0 was made ``begin`` s after T0, and its settled clock."""
    rows = [closed(i, 2 * i * SECOND, 2 * (i + 1) * SECOND, at(a), run=SECOND_RUN) for i, a in enumerate(arrivals)]
    clock = RunClock()
    for row in rows[:9]:
        clock = clock.observe(Sample(row.media_end, row.arrival))
    clock = clock.anchored()
    assert clock.offset == at(begin)
    return rows, clock


@pytest.mark.semantics("C1", "C3")
def test_what_a_new_run_brings_again_is_not_listed_again_and_what_follows_is_dated_true() -> None:
    # Listed up to 20 s. A relay sends its last 14 s to whoever connects, here at 23 s: media from 9 s on.
    before = placed(steady(10))[-1]
    rows, clock = joined([23.0] * 7 + [23.0 + 2 * i for i in range(1, 20)], begin=9)
    resent = [row.index for row in rows if is_resent(row, before, clock)]
    assert resent == [0, 1, 2, 3, 4]  # up to 19 s
    made = placed(rows[5:], before, clock)
    # The next overlaps what is listed by a second and may do so by 0.9 s; then all is true.
    off = [segment.start - at(9 + 2 * segment.index) for segment in made]
    assert off[0] == 100_000 and not any(off[1:])
    assert [segment.epoch - before.epoch for segment in made[:4]] == [1, 2, 2, 2]
    assert (made[0].start, made[1].start) == (before.end - OVERLAP, before.end + SECOND)


@pytest.mark.semantics("C1", "P8")
def test_a_relay_s_buffer_fills_the_hole_that_the_outage_would_have_left() -> None:
    before = placed(steady(10))[-1]
    rows, clock = joined([26.0] * 3 + [26.0 + 2 * i for i in range(1, 20)], begin=20)
    assert not any(is_resent(row, before, clock) for row in rows)
    assert [segment.start for segment in placed(rows, before, clock)[:4]] == [at(20), at(22), at(24), at(26)]


@pytest.mark.semantics("C3")
@pytest.mark.parametrize(("back", "epochs"), [(10, 8), (3600, 1)])
def test_a_wall_clock_that_was_set_back_passes_nothing_over(back: int, epochs: int) -> None:
    # The new run's media is new, although it is dated before what is listed: it also came before that.
    before = placed(steady(10))[-1]
    rows, clock = joined([23.0 - back + 2 * (i + 1) for i in range(40)], begin=23 - back)
    assert not is_resent(rows[0], before, clock)
    made = placed(rows, before, clock)
    assert len(made) == len(rows)
    assert made[-1].epoch - before.epoch == epochs


@pytest.mark.semantics("C3")
def test_a_run_that_only_goes_on_has_nothing_resent() -> None:
    rows = steady(4)
    before = placed(rows[:2])[-1]
    assert not any(is_resent(row, before, anchored_at(T0 - 60 * SECOND)) for row in rows)
    assert not is_resent(rows[0], None, anchored_at(T0 - 60 * SECOND))


@pytest.mark.semantics("C3")
@settings(max_examples=150, deadline=None)
@given(runs_of(shortest=20_000))
def test_a_segment_starts_when_the_one_before_says_it_may(runs: list[list[Row]]) -> None:
    # The supervisor promises it: a session ends when nothing can come that meets its window (S5).
    made = [segment for _, _, segment in place_all(runs)]
    for before, segment in itertools.pairwise(made):
        assert segment.start >= earliest_after(before) > before.start


@pytest.mark.semantics("C3")
def test_a_date_depends_on_nothing_that_comes_later() -> None:
    rows = steady(30, late=[0.1 * (i % 4) for i in range(30)])
    assert placed(rows[:12]) == placed(rows)[:12]


@pytest.mark.semantics("P3")
@pytest.mark.parametrize(
    ("setting", "copied", "distance", "wanted", "target"),
    [
        (2, False, 0, None, 2),
        (2.5, False, 0, None, 3),  # half up
        (6.4, False, 0, None, 6),
        (1, False, 0, None, 1),
        (2, True, 2, None, 6),  # copied: never below 6
        (2, True, 0, None, 6),
        (10, True, 2, None, 10),
        (2, True, 10, None, 15),  # 1.5 x the keyframe distance
        (6, True, 5, None, 10),  # cut at 10 s, the first multiple that reaches the setting
        (2, True, 10, 4, 4),  # told so
        (2, False, 0, 12, 12),
    ],
)
def test_the_target_duration_by_how_the_channel_cuts(
    setting: float, copied: bool, distance: float, wanted: int | None, target: int
) -> None:
    assert (
        target_seconds(
            setting=round(setting * SECOND), copied=copied, keyframe_distance=round(distance * SECOND), wanted=wanted
        )
        == target
    )


@pytest.mark.semantics("C1", "C2", "C4")
@pytest.mark.parametrize("jump", [645 * SECOND, -645 * SECOND, 3 * SECOND])
def test_a_jump_while_a_run_settles_does_not_move_its_anchor(jump: int) -> None:
    rows = [
        closed(i, i * SECOND + (jump if i >= 4 else 0), (i + 1) * SECOND + (jump if i >= 4 else 0), at(i + 1.1))
        for i in range(6)
    ]
    growing = (6 * SECOND + jump, Sample(6_500_000 + jump, at(6.6)))
    clock = observed(rows, growing).anchored()
    assert clock.offset == at(0.1)
    assert observed(rows[:4], (4 * SECOND + jump, Sample(4_500_000 + jump, at(4.6)))).anchored().offset == at(0.1)
    assert observed(rows).has_settled(2 * SECOND)


@pytest.mark.semantics("C5")
def test_where_the_source_says_its_dates_they_win_over_arrival_also_where_they_jump() -> None:
    arrival = at(100)
    rows = [
        replace(closed(i, 2 * i * SECOND, 2 * (i + 1) * SECOND, arrival), date=at(2 * (i + 1) - HOUR // SECOND))
        for i in range(6)
    ]
    rows[4:] = [replace(row, date=(row.date or 0) + 7 * SECOND) for row in rows[4:]]
    clock = observed(rows[:3]).anchored()
    made, previous = [], None
    for row in rows:
        previous, clock = place(row, previous, clock, target=TARGET, marked=row.index == 4)
        made.append(previous)
    assert [segment.start for segment in made] == [(row.date or 0) - 2 * SECOND for row in rows]
    assert [segment.epoch for segment in made] == [0, 0, 0, 0, 1, 1]
