"""What a timeline tells of a channel's health; cheap enough to be asked each second. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from livedvr.resources.times import MINUTE
from livedvr.timeline.clock import JUMP
from livedvr.timeline.segment import Segment
from livedvr.timeline.timeline import Timeline

RECENT = 600  # segments over which drift is told


class GapCount:
    """The holes of the reference rendition. Each look costs what has been appended since the last one.

    Attributes:
        count: how many there have been.
        micros: how long they were together.
    """

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._last: Segment | None = None
        self.count = 0
        self.micros = 0

    def look(self) -> None:
        """Take what is new."""
        segments = self._timeline.segments(self._timeline.reference)
        new = len(segments) if self._last is None else self._since(segments, self._last.number)
        for segment in segments[len(segments) - new :]:
            before, self._last = self._last, segment
            if before is None or segment.number != before.number + 1:
                continue  # what was between has been let go: it was media
            hole = segment.start - before.end
            if hole > JUMP:
                self.count, self.micros = self.count + 1, self.micros + hole

    @staticmethod
    def _since(segments: Sequence[Segment], number: int) -> int:
        """How many are newer."""
        count = 0
        while count < len(segments) and segments[-1 - count].number > number:
            count += 1
        return count


def drift_ppm(segments: Sequence[Segment]) -> float | None:
    """By how much the dates of a rendition's last segments run away from their media time; None: within a minute."""
    recent = segments[-RECENT:]
    same = [segment for segment in recent if segment.epoch == recent[-1].epoch and not segment.is_gap]
    if not same or same[-1].media_start - same[0].media_start < MINUTE:
        return None
    first, last = same[0], same[-1]
    media = last.media_start - first.media_start
    return (last.start - first.start - media) / media * 1_000_000
