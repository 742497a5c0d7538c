"""The channel's timeline in memory: what was appended, in order, and windows over it (W4-W6). Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from livedvr.timeline.segment import RunMedia, Segment, Window


@dataclass(frozen=True, slots=True)
class Listed:
    """A segment as a playlist lists it; ``discontinuity`` says whether EXT-X-DISCONTINUITY stands before it."""

    segment: Segment
    discontinuity: bool


class Timeline:
    """Segments of each rendition (mux key), ordered by number and by start.

    The first mux key is the reference rendition: it carries the first video, else the first audio (W5).
    """

    def __init__(self, mux_keys: Sequence[str]) -> None:
        self.reference = mux_keys[0]
        self._renditions: dict[str, list[Segment]] = {key: [] for key in mux_keys}

    def append(self, mux: str, segment: Segment) -> None:
        """Add the rendition's next segment. Numbers rise by one; dates never go backwards (C3)."""
        segments = self._renditions[mux]
        if segments and (segment.number != segments[-1].number + 1 or segment.start < segments[-1].start):
            raise ValueError(f"{mux} segment {segment.number} does not follow {segments[-1].number}")
        segments.append(segment)

    def last(self, mux: str) -> Segment | None:
        """The rendition's newest segment."""
        segments = self._renditions[mux]
        return segments[-1] if segments else None

    def first(self, mux: str) -> Segment | None:
        """The rendition's oldest kept segment (W4)."""
        segments = self._renditions[mux]
        return segments[0] if segments else None

    def before(self, mux: str, segment: Segment) -> Segment | None:
        """The rendition's kept segment right before this one."""
        segments = self._renditions[mux]
        position = segment.number - segments[0].number - 1
        return segments[position] if position >= 0 else None

    def following(self, mux: str, segment: Segment | None) -> Segment | None:
        """The rendition's next segment after this one (None: its oldest kept one), if there is one yet."""
        segments = self._renditions[mux]
        position = segment.number - segments[0].number + 1 if segment and segments else 0
        return segments[position] if position < len(segments) else None

    def renditions(self) -> Iterator[str]:
        """The mux keys, the reference first."""
        return iter(self._renditions)

    def listing(self, mux: str, windows: Iterable[Window], after: Segment | None = None) -> Iterator[Listed]:
        """What a session's playlist of this rendition lists behind ``after``, in order; only what is decided.

        A segment that meets two windows is listed once; a discontinuity stands at each new epoch (P4) and where
        the next listed segment is not the timeline's next one (W6).
        """
        newest, previous = self.last(self.reference), after
        until = newest.end if newest else 0
        for window in windows:
            if window.start >= until:
                return  # windows are sorted (W3): neither this one nor a later one has begun
            if mux == self.reference and previous and window.end is not None and window.end <= previous.start:
                continue  # it was listed long ago; with a hundred windows looking again costs more than all the rest
            for segment in self._in_window(mux, window, previous):
                joined = previous is not None and previous.number + 1 != segment.number
                new_epoch = previous is not None and previous.epoch != segment.epoch
                yield Listed(segment, joined or new_epoch)
                previous = segment

    def _in_window(self, mux: str, window: Window, after: Segment | None) -> Iterator[Segment]:
        segments = self._renditions[mux]
        if mux == self.reference:
            low, high = self._span(segments, window)
        else:
            edges = self.edges(window)
            if edges is None:
                return
            # W5: another rendition's segment belongs if its midpoint lies in [S, E). A midpoint at or behind E is
            # decided only when E is (the reference has passed the window's end), and until then it is not listed.
            low = bisect_left(segments, 2 * edges[0], key=_twice_midpoint)
            high = bisect_left(segments, 2 * edges[1], key=_twice_midpoint)
        if after is not None and segments:
            low = max(low, after.number + 1 - segments[0].number)
        for position in range(low, high):
            yield segments[position]

    @staticmethod
    def _span(segments: list[Segment], window: Window) -> tuple[int, int]:
        """Positions [low, high) of the segments whose [start, end) meets the window."""
        low = bisect_right(segments, window.start, key=lambda s: s.end)
        high = len(segments) if window.end is None else bisect_left(segments, window.end, key=lambda s: s.start)
        return low, max(low, high)

    def edges(self, window: Window) -> tuple[int, int] | None:
        """The actual edges [S, E) in UTC microseconds: the reference's whole segments (W5); None without media."""
        segments = self._renditions[self.reference]
        low, high = self._span(segments, window)
        return (segments[low].start, segments[high - 1].end) if low < high else None

    def has_media(self, windows: Iterable[Window]) -> bool:
        """Whether a segment of any window exists (S3)."""
        newest = self.last(self.reference)
        until = newest.end if newest else 0
        return any(window.start < until and self.edges(window) is not None for window in windows)


def _twice_midpoint(segment: Segment) -> int:
    return segment.start + segment.end


@dataclass(slots=True)
class ChannelTimeline:
    """What is known of a channel's media: its timeline and the facts that go with it.

    ``target``: the target duration in seconds, None before the first settled run (P3). ``run_ends``: why each ended
    run ended, for the gap ledger (P8). ``media``: what each run carries (P6).
    """

    timeline: Timeline
    target: int | None = None
    run_ends: dict[str, str] = field(default_factory=dict)
    media: dict[str, RunMedia] = field(default_factory=dict)
