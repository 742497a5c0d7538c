"""A run's clock: media time -> UTC (SEMANTICS C1-C4). Pure: arrival times come in, dates go out.

Every sample says "media time m had come by UTC instant a". Networks and muxers only ever delay, so the truth is
the lower envelope of a - m. Until the clock has *settled* nothing of the run is dated; then it is anchored once
and only slews.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from livedvr.resources.times import MINUTE, SECOND

SLEW_PPM = 500  # C3: the most a date may be bent
REANCHOR = 1 * SECOND  # C3: a larger error is a new epoch
TOLERANCE = SECOND // 4  # C1: where time breaks anyway, arrival decides from here on
DEADBAND = 20_000  # below this the envelope is noise, and each correction would cost a date line (P5)
MEMORY = 1 * MINUTE  # the envelope spans the arrivals of the last minute
PATIENCE = 10 * SECOND  # media that comes later than dated for this long has really shifted
JUMP = 50_000  # C4: more than one frame between two journal rows


def max_slew(duration: int) -> int:
    """By how much a date may be bent after a segment of ``duration`` (C3), microseconds."""
    return duration * SLEW_PPM // 1_000_000


@dataclass(frozen=True, slots=True)
class Sample:
    """Media time ``media`` of the run had arrived at UTC ``arrival`` (both microseconds)."""

    media: int
    arrival: int

    @property
    def lag(self) -> int:
        """arrival - media: an upper bound of the run's true offset."""
        return self.arrival - self.media


@dataclass(frozen=True, slots=True)
class RunClock:
    """The clock of one run. ``offset`` is None until anchored; UTC = media time + offset.

    ``samples``: before the anchor all of them; after it those that can still be the minimum of the last minute
    (arrival and lag both rise from first to last).
    """

    samples: tuple[Sample, ...] = ()
    offset: int | None = None

    def observe(self, sample: Sample) -> RunClock:
        """The clock after one more sample. One that arrived before the newest known is known already."""
        if self.samples and sample.arrival < self.samples[-1].arrival:
            return self
        if self.offset is None:
            return replace(self, samples=(*self.samples, sample))
        kept = [s for s in self.samples if s.arrival > sample.arrival - MEMORY and s.lag < sample.lag]
        return replace(self, samples=(*kept, sample))

    def has_settled(self, target: int) -> bool:
        """C2: no faster than 1.1 x real time for one target duration, or three have passed (``target`` in us)."""
        if self.offset is not None:
            return True
        if not self.samples:
            return False
        newest = self.samples[-1]
        if newest.arrival - self.samples[0].arrival >= 3 * target:
            return True
        before = [s for s in self.samples if s.arrival <= newest.arrival - target]
        if not before:
            return False
        passed = newest.arrival - before[-1].arrival
        return 10 * (newest.media - before[-1].media) <= 11 * passed

    def anchored(self) -> RunClock:
        """The clock anchored at the lower envelope of what has been observed (at least one sample)."""
        if self.offset is not None:
            return self
        clock = RunClock(offset=min(s.lag for s in self.samples))
        for sample in self.samples:
            clock = clock.observe(sample)
        return clock

    def utc(self, media: int) -> int:
        """The date of a media time: UTC microseconds."""
        assert self.offset is not None
        return media + self.offset

    def error(self, patience: int) -> int:
        """How far the envelope lies from the dates given out: positive when media comes later than dated.

        Earlier media shows at once (lag only ever adds); later media only when nothing faster came for ``patience``.
        """
        assert self.offset is not None
        newest = self.samples[-1].arrival
        recent = next(s for s in self.samples if s.arrival > newest - patience)
        if recent.lag - self.offset > REANCHOR and self.samples[0].arrival <= newest - patience:
            return recent.lag - self.offset
        return self.samples[0].lag - self.offset

    def rebased(self, sample: Sample, jump: int) -> RunClock:
        """After media time jumped by ``jump`` (C4), judged by when it arrived."""
        assert self.offset is not None
        # Either the timestamps jumped and nothing is missing, or media is missing and the timestamps are right.
        likely = min(self.offset - jump, self.offset, key=lambda offset: abs(sample.lag - offset))
        return RunClock((sample,), likely if abs(sample.lag - likely) <= TOLERANCE else sample.lag)

    def slewed(self, duration: int, patience: int) -> RunClock:
        """After a segment of ``duration`` has been dated: bent towards the envelope by at most SLEW_PPM (C3)."""
        assert self.offset is not None
        error = self.error(patience)
        if abs(error) <= DEADBAND:
            return self
        most = max_slew(duration)
        return replace(self, offset=self.offset + max(-most, min(most, error)))

    def reanchored(self, patience: int) -> RunClock:
        """A new anchor where the envelope is (C3: the error was above one second)."""
        assert self.offset is not None
        offset = self.offset + self.error(patience)
        # What was sampled before the shift says nothing about the time after it.
        return RunClock(tuple(s for s in self.samples if s.lag >= offset), offset)
