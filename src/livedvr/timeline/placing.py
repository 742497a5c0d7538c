"""Gives a closed segment its place: number, epoch, UTC start (a segment's way, step 4). Pure."""

from __future__ import annotations

from dataclasses import replace

from livedvr.resources.times import round_half_up
from livedvr.timeline.clock import JUMP, PATIENCE, REANCHOR, RunClock, Sample
from livedvr.timeline.segment import ClosedSegment, Segment


def place(
    closed: ClosedSegment, previous: Segment | None, clock: RunClock, *, target: int, marked: bool = False
) -> tuple[Segment, RunClock]:
    """The segment on the timeline after ``previous`` and the clock after it.

    Args:
        closed: the journal row.
        previous: the rendition's last segment, of whichever run.
        clock: the run's anchored clock.
        target: the channel's target duration in microseconds.
        marked: ffmpeg logged a timestamp discontinuity inside this segment (C4).
    """
    patience = max(PATIENCE, 3 * target)
    jump = closed.media_start - previous.media_end if previous and previous.run == closed.run else 0
    broken, clock = _observe(closed, previous, clock, jump, marked, patience)
    new_epoch = broken or previous is None or previous.run != closed.run
    start = clock.utc(closed.media_start)
    if previous and start < previous.end and (new_epoch or jump < 0):
        # Dates never go backwards (C3): the epoch begins where the last one ended and slews from there.
        start = previous.end
        clock = replace(clock, offset=start - closed.media_start)
    segment = Segment(
        number=previous.number + 1 if previous else 0,
        run=closed.run,
        index=closed.index,
        epoch=(previous.epoch if previous else -1) + int(new_epoch),
        start=start,
        media_start=closed.media_start,
        duration=closed.media_end - closed.media_start,
        size=closed.size,
    )
    return segment, clock.slewed(segment.duration, patience)


def _observe(
    closed: ClosedSegment, previous: Segment | None, clock: RunClock, jump: int, marked: bool, patience: int
) -> tuple[bool, RunClock]:
    """Whether time breaks before this segment (C3, C4), and the clock that has seen it arrive."""
    sample = Sample(closed.media_end, closed.arrival)
    if marked or abs(jump) > JUMP:
        return True, clock.rebased(sample, jump if abs(jump) > JUMP else 0)
    clock = clock.observe(sample)
    if abs(clock.error(patience)) > REANCHOR:
        anchored = clock.reanchored(patience)
        # An anchor before what is dated already would be undone right away (C3: dates never go backwards): then the
        # clock can only slew.
        if anchored.utc(closed.media_start) >= (previous.end if previous else 0):
            return True, anchored
    return False, clock


def target_seconds(*, setting: int, copied: bool, keyframe_distance: int, wanted: int | None) -> int:
    """The channel's target duration in whole seconds (P3), fixed at its first settled run.

    ``setting`` is the segment setting and ``keyframe_distance`` the longest distance of two keyframes seen while
    settling, both in microseconds. A copied stream can be cut only at its own keyframes, so a segment spans the
    first multiple of the keyframe distance that reaches the setting.
    """
    if wanted is not None:
        return wanted
    if not copied:
        return max(1, round_half_up(setting))
    cut = -(-setting // keyframe_distance) * keyframe_distance if keyframe_distance else setting
    return max(round_half_up(setting), round_half_up(cut), round_half_up(keyframe_distance * 3 // 2), 6)
