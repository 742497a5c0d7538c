"""What the product computes as it goes, computed the slow way from the whole: the gap ledger (P8), the peak (P6)."""

from __future__ import annotations

from collections.abc import Sequence

from livedvr.timeline.segment import Segment, Window

FRAME = 50_000  # a hole is longer than one frame


def holes_of(windows: Sequence[Window], listed: Sequence[Segment]) -> list[tuple[int, int]]:
    """The stretches of the windows that no listed segment covers; an open window asks for no more than it has."""
    holes = []
    for window in windows:
        end = window.end if window.end is not None else (listed[-1].end if listed else window.start)
        covered = window.start
        for segment in listed:
            if segment.end <= covered:
                continue
            if segment.start >= end:
                break
            if segment.start - covered > FRAME:
                holes.append((covered, segment.start))
            covered = segment.end
        if end - covered > FRAME:
            holes.append((covered, end))
    return holes


def peak_of(listed: Sequence[Segment], target: int) -> int:
    """The peak segment bit rate as RFC 8216bis 4.1 defines it, rounded up, and never below the average."""
    peak = -(-sum(s.size for s in listed) * 8_000_000 // sum(s.duration for s in listed))
    for first in range(len(listed)):
        size = duration = 0
        for segment in listed[first:]:
            size += segment.size
            duration += segment.duration
            if 2 * duration > 3 * target * 1_000_000:
                break
            if 2 * duration >= target * 1_000_000:
                peak = max(peak, -(-size * 8_000_000 // duration))
    return peak
