"""Peak and average segment bit rate, as RFC 8216bis defines them (section 4.1). Pure arithmetic on integers."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

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

    def add(self, sizes: Sequence[int], durations: Sequence[int]) -> None:
        """More segments: bytes and microseconds. Each costs a step for each segment of the last 1.5 targets."""
        self._size += sum(sizes)
        self._duration += sum(durations)
        recent, together, peak, least = self._recent, self._recent_duration, self._set_peak, -(-self._target // 2)
        for newest in zip(sizes, durations, strict=True):
            recent.append(newest)
            together += newest[1]
            while 2 * together > 3 * self._target:
                together -= recent.popleft()[1]
            if not recent:  # this segment is longer than any set may be
                self._segment_peak = max(self._segment_peak, _rate(*newest))
            # All sets that end with it: earlier ones were measured when their last segment came.
            size = duration = 0
            for more_size, more_duration in reversed(recent):
                size += more_size
                duration += more_duration
                if duration >= least and size * _BITS_AND_MICROSECONDS > peak * duration:
                    peak = max(peak, _rate(size, duration))
        self._recent_duration, self._set_peak = together, peak

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


def _rate(size: int, duration: int) -> int:
    """Bits per second, rounded up, so that a declared bandwidth is never too small; 0 for no time at all."""
    return -(-size * _BITS_AND_MICROSECONDS // duration) if duration else 0
