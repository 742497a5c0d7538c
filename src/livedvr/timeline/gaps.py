"""The gap ledger of a session (P8): which stretches of its windows have no media, and why. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from livedvr.timeline.clock import JUMP
from livedvr.timeline.segment import Segment, Window
from livedvr.timeline.segments import Segments

SOURCE_LOST = "source lost"
NO_INPUT_YET = "no input yet"
INGEST_RESTARTED = "ingest restarted"
TIMESTAMPS_JUMPED = "timestamps jumped"
OUTSIDE_KEPT_RANGE = "outside kept range"
UPLOAD_GIVEN_UP = "upload given up"
CHANNEL_STOPPED = "channel stopped"
NO_KEYFRAME = "no keyframe"
PUBLISHER_REFUSED = "publisher refused"
SOURCE_CHANGED = "source changed"


@dataclass(frozen=True, slots=True)
class Hole:
    """[start, end) in UTC microseconds without media."""

    start: int
    end: int
    reason: str


class GapLedger:
    """The holes of a session's windows, found as the reference rendition's segments are listed. O(1) a segment."""

    def __init__(self, windows: Sequence[Window]) -> None:
        self.holes: list[Hole] = []
        self._windows = windows
        self._covered = windows[0].start

    def extend(
        self, segments: Segments, before: Segment | None, reason: Callable[[Segment, Segment | None], str]
    ) -> None:
        """``segments`` are listed next.

        ``reason`` tells what a hole before a segment is due to, given the timeline's previous one: ``before`` is that
        of the first.
        """
        columns = zip(segments.column("start"), segments.column("duration"), strict=True)
        for position, (start, duration) in enumerate(columns):
            if start - self._covered > JUMP:
                self._uncovered_until(start, reason(segments[position], segments[position - 1] if position else before))
            if start + duration > self._covered:
                self._covered = start + duration

    def close(self, until: int, reason: str) -> None:
        """Nothing more will be listed; what the windows ask for up to ``until`` is missing for ``reason``."""
        self._uncovered_until(until, reason)
        self._covered = max(self._covered, until)

    def _uncovered_until(self, until: int, reason: str) -> None:
        for window in self._windows:
            start = max(window.start, self._covered)
            end = until if window.end is None else min(window.end, until)
            if end - start > JUMP:
                self.holes.append(Hole(start, end, reason))


def reason_before(segment: Segment, predecessor: Segment | None, predecessor_run_end: str | None) -> str:
    """Why there may be a hole before ``segment``, given the timeline's previous one and how that one's run ended."""
    if predecessor is None:
        return OUTSIDE_KEPT_RANGE if segment.number else NO_INPUT_YET
    if predecessor.run == segment.run:
        return TIMESTAMPS_JUMPED
    return predecessor_run_end or INGEST_RESTARTED
