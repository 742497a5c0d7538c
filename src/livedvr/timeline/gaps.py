"""The gap ledger of a session (P8): which stretches of its windows have no media, and why. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from livedvr.timeline.clock import JUMP
from livedvr.timeline.segment import Segment, Window

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

    def append(self, segment: Segment, reason: str) -> None:
        """``segment`` is listed next; ``reason`` tells what any hole before it is due to."""
        self._uncovered_until(segment.start, reason)
        self._covered = max(self._covered, segment.end)

    def close(self, until: int, reason: str) -> None:
        """Nothing more will be listed; what the windows ask for up to ``until`` is missing for ``reason``."""
        self._uncovered_until(until, reason)
        self._covered = max(self._covered, until)

    def _uncovered_until(self, until: int, reason: str) -> None:
        if until - self._covered <= JUMP:
            return
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
