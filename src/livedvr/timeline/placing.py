"""Gives a closed segment its place: number, epoch, UTC start (a segment's way, step 4). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from livedvr.resources.times import MINUTE, round_half_up
from livedvr.timeline.clock import JUMP, PATIENCE, REANCHOR, RunClock, Sample, max_slew
from livedvr.timeline.segment import ClosedSegment, Segment

# The most by which a date may stand before the end of the segment listed before it: a clock that was late is put right
# in such steps. RFC 8216bis 6.2.1 allows overlaps of less than a second.
OVERLAP = 900_000
# What lies further back than this is no late clock but a wall clock that was set back: the dates just go on.
REWIND = MINUTE


def is_resent(closed: ClosedSegment, previous: Segment | None, clock: RunClock) -> bool:
    """Whether a new run begins with what is listed already: a relay sends its buffer to whoever connects.

    There is no true date left for it (C1, C3), so it is not listed again. It came after what is listed had ended: a
    wall clock that was set back dates media early, too, but then it also came early, and nothing is passed over.
    """
    if previous is None or previous.run == closed.run:
        return False
    return clock.utc(closed.media_end) <= previous.end < closed.arrival


def earliest_after(previous: Segment) -> int:
    """No segment after ``previous`` starts before this (UTC microseconds): starts and ends rise (C3)."""
    return previous.end - min(OVERLAP, previous.duration // 2)


def place(
    closed: ClosedSegment, previous: Segment | None, clock: RunClock, *, target: int, marked: bool = False
) -> tuple[Segment, RunClock]:
    """The segment on the timeline after ``previous`` and the clock after it.

    Args:
        closed: the journal row.
        previous: the rendition's last segment, of whichever run.
        clock: the run's anchored clock.
        target: the channel's target duration in microseconds.
        marked: ffmpeg's log says that timestamps were discontinuous before this segment (C4).
    """
    patience = max(PATIENCE, 3 * target)
    duration = closed.media_end - closed.media_start
    jump = closed.media_start - previous.media_end if previous and previous.run == closed.run else 0
    broken, clock = _observe(closed, previous, clock, jump, marked, patience)
    start = clock.utc(closed.media_start)
    if previous and start < previous.end - REWIND:
        start = previous.end  # dates never go backwards (C3): they go on from there and slew
        clock = replace(clock, offset=start - closed.media_start)
    elif previous:
        # The clock stays true; what is listed catches up with it, an epoch a step.
        start = max(start, earliest_after(previous), previous.end - duration // 2)
    continues = previous is not None and previous.run == closed.run and not broken
    if previous and abs(start - previous.end - jump) > max_slew(previous.duration):
        continues = False
    segment = Segment(
        number=previous.number + 1 if previous else 0,
        run=closed.run,
        index=closed.index,
        epoch=(previous.epoch if previous else -1) + int(not continues),
        start=start,
        media_start=closed.media_start,
        duration=duration,
        size=closed.size,
    )
    return segment, clock.slewed(segment.duration, patience)


def _observe(
    closed: ClosedSegment, previous: Segment | None, clock: RunClock, jump: int, marked: bool, patience: int
) -> tuple[bool, RunClock]:
    """Whether time breaks before this segment (C3, C4), and the clock that has seen it arrive."""
    sample = Sample(closed.media_end, closed.instant)
    if marked or abs(jump) > JUMP:
        return True, clock.rebased(sample, jump if abs(jump) > JUMP else 0)
    clock = clock.observe(sample)
    if abs(clock.error(patience)) > REANCHOR:
        anchored = clock.reanchored(patience)
        # An anchor too far before what is dated already would be undone right away: then the clock can only slew.
        if previous is None or anchored.utc(closed.media_start) >= previous.end - REWIND:
            return True, anchored
    return False, clock


def observed(closed: Sequence[ClosedSegment], growing: tuple[int, Sample] | None = None) -> RunClock:
    """The clock of a run that settles (C2), on the media time of its first segment.

    Jumps of the timestamps are taken out: what comes behind one says nothing of when the media before it was made.

    Args:
        closed: the rows so far, at least one.
        growing: where the segment that is being written begins, and how far it has come.
    """
    clock, shift, end = RunClock(), 0, closed[0].media_start
    for row in closed:
        if abs(row.media_start - end) > JUMP:
            shift += row.media_start - end
        clock, end = clock.observe(Sample(row.media_end - shift, row.instant)), row.media_end
    if growing is not None:
        start, sample = growing
        if abs(start - end) > REANCHOR:  # its first picture is not always where the row will say that it begins
            shift += start - end
        clock = clock.observe(Sample(sample.media - shift, sample.arrival))
    return clock


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
