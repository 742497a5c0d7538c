"""What the timeline is made of."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class ClosedSegment:
    """A finished file of a run, as the journal and the file system tell it. Times in microseconds.

    ``media_start`` and ``media_end`` are on the run's own media timeline; ``arrival`` is the UTC instant at which
    the last byte was written, which is when the next segment's first frame had come. ``date``: what the source says of
    its end, where that wins over arrival (C5).
    """

    run: str
    index: int
    media_start: int
    media_end: int
    size: int
    arrival: int
    date: int | None = None

    @property
    def instant(self) -> int:
        """The UTC instant of its end as far as it is known: the source's date, else its arrival."""
        return self.arrival if self.date is None else self.date


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment with its place on the channel's timeline: computed once, at append, never again (C3).

    ``number`` counts the rendition's segments for ever; ``epoch`` rises at each discontinuity (P4), so it has one run;
    ``start`` is UTC, ``duration`` media time, both in microseconds; ``size`` in bytes. ``index`` counts the files of
    the run; where a rendition has failed it is negative, and nothing but the reference's edges stands there (P7).
    """

    number: int
    run: str
    index: int
    epoch: int
    start: int
    media_start: int
    duration: int
    size: int

    @property
    def is_gap(self) -> bool:
        """Whether no file is there: EXT-X-GAP (P7)."""
        return self.index < 0

    @property
    def end(self) -> int:
        """UTC microseconds at which the segment ends."""
        return self.start + self.duration

    @property
    def media_end(self) -> int:
        """Where the segment ends on its run's media timeline."""
        return self.media_start + self.duration


@dataclass(frozen=True, slots=True)
class RunMedia:
    """What a run's media is in one rendition: for the multivariant playlist (P6) and for people (``text``).

    ``channels``: how many the audio has, None without audio.
    """

    codecs: tuple[str, ...]
    resolution: tuple[int, int] | None
    frame_rate: Fraction | None
    text: str
    channels: int | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of stream time [start, end) in UTC microseconds; ``end`` None is open (W3)."""

    start: int
    end: int | None

    def meets(self, segment: Segment) -> bool:
        """Whether [start, start+duration) of the segment meets the window (W5)."""
        return segment.end > self.start and (self.end is None or segment.start < self.end)
