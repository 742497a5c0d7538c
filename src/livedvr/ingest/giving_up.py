"""What of a full spool is given up (SEMANTICS P8): the oldest that waits and no pinned session asks for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from livedvr.ingest.open_run import OpenRun
from livedvr.timeline.clock import JUMP
from livedvr.timeline.segment import ClosedSegment, Window

SPOOL_BYTES = 20 << 30  # what of a channel may wait for the store: 5 h of 8 Mbit/s
MARGIN = 10  # a tenth of it goes at once: not an event for each segment


def waiting_bytes(open_run: OpenRun) -> int:
    """What of a run waits in the spool."""
    return sum(row.size for track in open_run.tracks for row in [*track.pending, *track.undated])


def choose(open_run: OpenRun, excess: int, pinned: Sequence[Window]) -> list[ClosedSegment]:
    """The rows of the reference that go for ``excess`` bytes, oldest first; what stands beside them goes with them."""
    gone: list[ClosedSegment] = []
    share = excess * sum(row.size for row in open_run.reference.pending) / max(waiting_bytes(open_run), 1)
    for row in open_run.reference.pending:
        if share <= 0:
            break
        start, end = open_run.clock.utc(row.media_start), open_run.clock.utc(row.media_end)
        if not any(end > window.start and (window.end is None or start < window.end) for window in pinned):
            gone.append(row)
            share -= row.size
    return gone


def stretches(open_run: OpenRun, rows: Iterable[ClosedSegment]) -> list[Window]:
    """When the rows were, adjacent ones as one."""
    found: list[tuple[int, int]] = []
    for row in rows:
        if found and row.media_start - found[-1][1] <= JUMP:
            found[-1] = (found[-1][0], row.media_end)
        else:
            found.append((row.media_start, row.media_end))
    return [Window(open_run.clock.utc(start), open_run.clock.utc(end)) for start, end in found]


def drop(open_run: OpenRun, rows: Sequence[ClosedSegment]) -> None:
    """They leave the spool, in all renditions: they will never be listed."""
    for track in open_run.tracks:
        for row in list(track.pending):
            middle = (row.media_start + row.media_end) // 2
            if any(one.media_start <= middle < one.media_end for one in rows):
                track.pending.remove(row)
                track.unlisted.append(row.index)
                open_run.segment_path(track, row.index).unlink(missing_ok=True)
