"""Places a further rendition beside the reference (P4, P7). Pure.

All renditions of a run share its media time, and the reference's segments say which date and which epoch a media time
has: so epochs, and the dates at them, are the same in every rendition. Where one fails, gaps with the reference's
edges stand for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from livedvr.timeline.clock import JUMP
from livedvr.timeline.segment import ClosedSegment, Segment


@dataclass(frozen=True, slots=True)
class Placed:
    """A rendition's next segments, and how many journal rows they settle (a row may never be listed)."""

    segments: list[Segment]
    taken: int


def place_beside(
    rows: Sequence[ClosedSegment],
    previous: Segment | None,
    reference: Sequence[Segment],
    *,
    gaps_until: int,
    final: bool,
) -> Placed:
    """What of a rendition can be placed by now.

    Args:
        rows: its journal rows that wait, in order.
        previous: its last segment on the timeline, of whichever run.
        reference: the reference's segments of this run, as far as there are; those before ``previous`` may be left out.
        gaps_until: up to this instant (UTC microseconds) the rendition has had its time: what is missing is a gap.
        final: the run is over. Else a row waits until the reference has come as far as its middle.
    """
    segments: list[Segment] = []
    taken = position = 0
    follows = previous is not None and rows and previous.run == rows[0].run and not previous.is_gap
    last = previous.media_end if previous and follows else None
    for row in rows:
        found = _beside(row, last, reference, position, final)
        if found is None:
            break
        taken, position, last = taken + 1, found, row.media_end
        anchor = reference[position]
        start = anchor.start + row.media_start - anchor.media_start
        duration = row.media_end - row.media_start
        before = segments[-1] if segments else previous
        if start + duration // 2 < (before.end if before else reference[0].start):
            continue  # it lies before what the reference begins with, or beside what is listed already
        segments += _gaps(before, reference, start)
        before = segments[-1] if segments else previous
        number = before.number + 1 if before else 0
        start = max(start, before.start) if before else start
        segments.append(Segment(number, row.run, row.index, anchor.epoch, start, row.media_start, duration, row.size))
    if taken == len(rows):
        segments += _gaps(segments[-1] if segments else previous, reference, gaps_until)
    return Placed(segments, taken)


def place_text(
    rows: Sequence[ClosedSegment],
    previous: Segment | None,
    reference: Sequence[Segment],
    *,
    gaps_until: int,
) -> Placed:
    """What of a text rendition can be placed by now: it has the reference's own segments, index by index.

    The arguments are those of `place_beside`. Rows of which the reference has listed nothing are not listed either.
    """
    segments: list[Segment] = []
    by_index = {row.index: row for row in rows}
    number = previous.number + 1 if previous else 0
    done = _index(previous) if previous and reference and previous.run == reference[0].run else -1
    for beside in reference:
        if beside.index <= done:
            continue
        row = by_index.get(beside.index)
        if row is None and beside.end > gaps_until:
            break
        index, size = (-1 - beside.index, 0) if row is None else (row.index, row.size)
        segments.append(replace(beside, number=number + len(segments), index=index, size=size))
        done = beside.index
    return Placed(segments, sum(index <= done for index in by_index))


def _index(segment: Segment) -> int:
    """Of the reference's segment that a text's segment, or its gap, stands for."""
    return -1 - segment.index if segment.is_gap else segment.index


def _beside(
    row: ClosedSegment, last: int | None, reference: Sequence[Segment], position: int, final: bool
) -> int | None:
    """Which reference segment the row's middle lies beside, from ``position`` on; None while that cannot be told."""
    middle = (row.media_start + row.media_end) // 2
    if last is not None and row.media_start < last - JUMP:
        # Its time has jumped back: the same media time is meant as of the reference's own next jump.
        jumped = _next_jump(reference, position)
        if jumped is None:
            return None if not final else len(reference) - 1
        position = jumped
    nearest = None
    for index in range(position, len(reference)):
        segment = reference[index]
        if segment.media_start <= middle < segment.media_end:
            return index
        if segment.media_end <= middle:
            nearest = index
    if not reference:
        return None
    if nearest is None:
        return position  # before all of it
    return nearest if final or nearest < len(reference) - 1 else None


def _next_jump(reference: Sequence[Segment], position: int) -> int | None:
    for index in range(position + 1, len(reference)):
        if reference[index].media_start < reference[index - 1].media_end - JUMP:
            return index
    return None


def _gaps(previous: Segment | None, reference: Sequence[Segment], until: int) -> list[Segment]:
    """The reference's segments whose middle lies between ``previous`` and ``until``, as gaps."""
    gaps: list[Segment] = []
    for segment in reference:
        before = gaps[-1] if gaps else previous
        start = max(segment.start, before.end) if before else segment.start
        if not 2 * start < segment.start + segment.end < 2 * until:
            continue
        end = min(segment.end, until)
        gaps.append(
            Segment(
                number=before.number + 1 if before else 0,
                run=segment.run,
                index=-1 - segment.index,
                epoch=segment.epoch,
                start=start,
                media_start=segment.media_start + start - segment.start,
                duration=end - start,
                size=0,
            )
        )
    return gaps
