"""Peak and average segment bit rate, as RFC 8216bis defines them (section 4.1). Pure arithmetic on integers."""

from __future__ import annotations

from collections import deque

_BITS_AND_MICROSECONDS = 8 * 1_000_000


class BitrateMeter:
    """Measures a media playlist segment by segment; what BANDWIDTH and AVERAGE-BANDWIDTH say of it (4.4.6.2).

    Args:
        target_us: the target duration, microseconds.

    Attributes:
        average: bits per second over all segments, rounded up; 0 before the first.
    """

    def __init__(self, target_us: int) -> None:
        self._target = target_us
        self._recent: deque[tuple[int, int]] = deque()  # the newest segments, as many as make no set that is too long
        self._recent_duration = 0
        self._size = 0
        self._duration = 0
        self._set_peak = 0
        self._segment_peak = 0

    def add(self, size: int, duration: int) -> None:
        """One more segment: bytes and microseconds. Costs a step for each segment of the last 1.5 targets."""
        self._size += size
        self._duration += duration
        self._recent.append((size, duration))
        self._recent_duration += duration
        while 2 * self._recent_duration > 3 * self._target:
            _, dropped = self._recent.popleft()
            self._recent_duration -= dropped
        if not self._recent:  # this segment is longer than any set may be
            self._segment_peak = max(self._segment_peak, _rate(size, duration))
        self._measure_sets()

    @property
    def peak(self) -> int:
        """Bits per second, rounded up: the largest rate of a contiguous set of segments of 0.5 to 1.5 target durations.

        While no set is that long, nor short enough: the rate of all that is there, or of the fastest segment that is
        longer than 1.5 target durations, whichever is more.
        """
        return self._set_peak or max(self._segment_peak, self.average)

    @property
    def average(self) -> int:
        """Bits per second over all segments, rounded up; 0 before the first."""
        return _rate(self._size, self._duration)

    def _measure_sets(self) -> None:
        """All sets that end with the newest segment: earlier ones were measured when their last segment came."""
        size = duration = 0
        for more_size, more_duration in reversed(self._recent):
            size += more_size
            duration += more_duration
            if 2 * duration >= self._target:
                self._set_peak = max(self._set_peak, _rate(size, duration))


def _rate(size: int, duration: int) -> int:
    """Bits per second, rounded up, so that a declared bandwidth is never too small; 0 for no time at all."""
    return -(-size * _BITS_AND_MICROSECONDS // duration) if duration else 0
