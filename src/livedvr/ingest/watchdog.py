"""When a run has to end by itself (SEMANTICS I2, I3, P3). Pure: heartbeats come in, a verdict goes out.

The heartbeat is growth of the open segment: any change of (index, size).
"""

from __future__ import annotations

from livedvr.resources.times import SECOND

CONNECT = 15 * SECOND  # a pull may take this long to connect
SILENCE_FLOOR = 5 * SECOND
LONGEST_SEGMENT = 120 * SECOND  # one that is longer has met no keyframe: it would grow until the disk is full
LEARNING = 30 * SECOND  # the longest silence of the first 30 s says what is normal for this source


class Watchdog:
    """Watches one run. Times are UTC microseconds.

    Args:
        started: when the run was started.
        patient: wait for the first byte without limit (a listener, a local source).
        probe: how long ffmpeg may look at the input before it writes anything.
        floor: silence shorter than this is no loss.
        longest: a segment may be open for so long.
    """

    def __init__(
        self,
        started: int,
        *,
        patient: bool,
        probe: int,
        floor: int = SILENCE_FLOOR,
        longest: int = LONGEST_SEGMENT,
    ) -> None:
        self.first_beat: int | None = None
        self.last_beat: int | None = None
        self._started = started
        self._patient = patient
        self._probe = probe
        self._floor = floor
        self._longest_segment = longest
        self._opened = started  # when the open segment was first seen to grow
        self._seen: tuple[int, int] | None = None
        self._longest = 0

    def connected(self, now: int) -> None:
        """Somebody has come: from now on media is due."""
        self._started, self._patient = now, False

    def beat(self, now: int, seen: tuple[int, int]) -> None:
        """What a look at the open segment saw: (index, size)."""
        if seen == self._seen or seen == (0, 0):
            return
        if self._seen is None or seen[0] != self._seen[0]:
            self._opened = now
        if self.first_beat is None or self.last_beat is None:
            self.first_beat = now
        elif now - self.first_beat <= LEARNING:
            self._longest = max(self._longest, now - self.last_beat)
        self._seen, self.last_beat = seen, now

    def verdict(self, now: int) -> str | None:
        """Why the run should end now, or None."""
        if self.last_beat is None:
            waited = now - self._started
            if self._patient or waited <= CONNECT + self._probe:
                return None
            return f"no media within {waited // SECOND} s"
        silent = now - self.last_beat
        return f"silent for {silent // SECOND} s" if silent > self.allowed_silence else None

    def overlong(self, now: int) -> str | None:
        """Why the run should end although media comes, or None: no keyframe has ended the segment that is open."""
        if self.last_beat is None or now - self._opened <= self._longest_segment:
            return None
        return f"no keyframe for {self._longest_segment // SECOND} s"

    @property
    def allowed_silence(self) -> int:
        """max(floor, 3 x the longest silence of the run's first 30 s), microseconds."""
        return max(self._floor, 3 * self._longest)
