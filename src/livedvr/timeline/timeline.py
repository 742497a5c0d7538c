"""The channel's timeline in memory: what was appended, in order, and windows over it (W4-W6). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from livedvr.timeline.gaps import UPLOAD_GIVEN_UP, reason_before
from livedvr.timeline.ranges import BreakOrder, DateRanges
from livedvr.timeline.segment import RunMedia, Segment, Window
from livedvr.timeline.segments import Segments

_AT_ONCE = 1000  # segments that are taken together: who draws a day of them does not ask for each


@dataclass(frozen=True, slots=True)
class Listed:
    """A segment as a playlist lists it; ``discontinuity`` says whether EXT-X-DISCONTINUITY stands before it.

    ``joined``: it follows a hole between two windows.
    """

    segment: Segment
    discontinuity: bool
    joined: bool = False


@dataclass(slots=True)
class Passage:
    """Segments that a playlist lists one behind the other, of one kind (`Segments.alike`), as `Listed` has one.

    What the flags say is of ``first``; between it and ``last`` nothing has to stand but dates. ``count``: how many.
    """

    segments: Segments
    discontinuity: bool = False
    joined: bool = False
    count: int = field(init=False)
    first: Segment = field(init=False)
    last: Segment = field(init=False)

    def __post_init__(self) -> None:
        self.count = len(self.segments)
        self.first = self.segments[0]
        self.last = self.segments[-1] if self.count > 1 else self.first

    def follow(self, previous: Segment, join: int) -> None:
        """It is listed behind ``previous``; ``join``: the last one up to it (`Timeline.passages`)."""
        over_hole = previous.number + 1 != self.first.number
        self.joined = over_hole or previous.start + previous.end < 2 * join
        self.discontinuity = self.joined or previous.epoch != self.first.epoch

    def cut(self, at: int) -> tuple[Passage, Passage]:
        """What stands in front of a position, and what from there on."""
        return Passage(self.segments[:at], self.discontinuity, self.joined), Passage(self.segments[at:])


class Timeline:
    """Segments of each rendition (mux key), ordered by number and by start.

    The first mux key is the reference rendition: it carries the first video, else the first audio (W5). Numbers are
    missing where retention has let segments go: at the front, and between what sessions hold. ``taken``: bytes of all
    that was appended here.
    """

    def __init__(self, mux_keys: Sequence[str]) -> None:
        self.reference = mux_keys[0]
        self._renditions = {key: Segments() for key in mux_keys}
        self._sizes = dict.fromkeys(mux_keys, 0)
        self.taken = 0

    def append(self, mux: str, segment: Segment) -> None:
        """Add the rendition's next segment. Numbers rise by one; dates never go backwards (C3)."""
        segments = self._renditions[mux]
        if segments and (segment.number != segments[-1].number + 1 or segment.start < segments[-1].start):
            raise ValueError(f"{mux} segment {segment.number} does not follow {segments[-1].number}")
        segments.append(segment)
        self._sizes[mux] += segment.size
        self.taken += segment.size

    def restore(self, mux: str, segments: Iterable[Segment]) -> None:
        """What the catalog has kept of the rendition, by number; there may be holes."""
        self._renditions[mux] = segments if isinstance(segments, Segments) else Segments(segments)
        self._sizes[mux] = sum(self._renditions[mux].column("size"))

    def forget(self, mux: str, numbers: AbstractSet[int]) -> None:
        """These segments have gone. Looks at what lies between the first and the last."""
        if not numbers:
            return
        segments = self._renditions[mux]
        low, high = segments.position(min(numbers)), segments.position(max(numbers) + 1)
        self._sizes[mux] -= sum(segment.size for segment in segments[low:high] if segment.number in numbers)
        segments.forget(low, high, numbers)

    def segments(self, mux: str) -> Segments:
        """The rendition's kept segments by number. They are the timeline's own: look, do not keep."""
        return self._renditions[mux]

    @property
    def size(self) -> int:
        """What is kept of all renditions, in bytes."""
        return sum(self._sizes.values())

    def last(self, mux: str) -> Segment | None:
        """The rendition's newest segment."""
        segments = self._renditions[mux]
        return segments[-1] if segments else None

    def first(self, mux: str) -> Segment | None:
        """The rendition's oldest kept segment (W4)."""
        segments = self._renditions[mux]
        return segments[0] if segments else None

    def of_run(self, mux: str, run: str, since: int = 0) -> list[Segment]:
        """The rendition's newest segments as far as they are of this run and end after ``since`` (UTC microseconds)."""
        segments = self._renditions[mux]
        first = len(segments)
        while first and segments[first - 1].run == run and segments[first - 1].end > since:
            first -= 1
        return list(segments[first:])

    def before(self, mux: str, segment: Segment) -> Segment | None:
        """The rendition's segment right before this one, if it is kept."""
        segments = self._renditions[mux]
        position = segments.position(segment.number) - 1
        before = segments[position] if position >= 0 else None
        return before if before is not None and before.number == segment.number - 1 else None

    def following(self, mux: str, segment: Segment | None) -> Segment | None:
        """The rendition's next kept segment after this one (None: its oldest kept one), if there is one yet."""
        segments = self._renditions[mux]
        position = segments.position(segment.number + 1) if segment else 0
        return segments[position] if position < len(segments) else None

    def renditions(self) -> Iterator[str]:
        """The mux keys, the reference first."""
        return iter(self._renditions)

    def listing(self, mux: str, windows: Iterable[Window], after: Segment | None = None) -> Iterator[Listed]:
        """What a session's playlist of this rendition lists behind ``after``, in order; only what is decided.

        A segment that meets two windows is listed once; a discontinuity stands at each new epoch (P4) and where
        the next listed segment is not the timeline's next one (W6): in every rendition where the reference has one,
        also when the hole is too narrow for the rendition to miss a segment.
        """
        for passage in self.passages(mux, windows, after):
            discontinuity, joined = passage.discontinuity, passage.joined
            for segment in passage.segments:
                yield Listed(segment, discontinuity, joined)
                discontinuity = joined = False

    def passages(
        self, mux: str, windows: Iterable[Window], after: Segment | None = None, most: int | None = None
    ) -> Iterator[Passage]:
        """The same in passages; at most so many segments.

        A join is where the reference's listing goes on behind a hole between two windows, UTC microseconds: there, each
        rendition has a discontinuity.
        """
        segments, previous = self._renditions[mux], after
        left = len(segments) if most is None else most
        for low, high, join in self._spans(mux, windows, after):
            if previous is not None:
                low = max(low, segments.position(previous.number + 1))
            while low < high and left > 0:
                passage = Passage(segments.alike(low, min(high, low + left, low + _AT_ONCE)))
                if previous is not None:
                    passage.follow(previous, join)
                yield passage
                previous, low, left = passage.last, low + passage.count, left - passage.count

    def _spans(self, mux: str, windows: Iterable[Window], after: Segment | None) -> Iterator[tuple[int, int, int]]:
        """Of each window that has media: its `span`, and the last join up to it."""
        reference, until = self._renditions[self.reference], self._until()
        join = before = 0
        for window in windows:
            if window.start >= until:
                return  # windows are sorted (W3): neither this one nor a later one has begun
            if mux == self.reference and after and window.end is not None and window.end <= after.start:
                continue  # it was listed long ago; with a hundred windows looking again costs more than all the rest
            low, high = self.meeting(self.reference, window)
            if low < high:
                if before and low > before:
                    join = reference[low].start
                before = high
                yield *self._span(mux, low, high), join

    def span(self, mux: str, window: Window) -> tuple[int, int]:
        """Positions [low, high) among `segments` of what a playlist of this window lists (W5)."""
        low, high = self.meeting(self.reference, window)
        return self._span(mux, low, high) if low < high else (0, 0)

    def _span(self, mux: str, low: int, high: int) -> tuple[int, int]:
        """The same of a window whose actual edges are those of the reference's segments [low, high)."""
        if mux == self.reference:
            return low, high
        # W5: another rendition's segment belongs if its midpoint lies in [S, E). A midpoint at or behind E is
        # decided only when E is (the reference has passed the window's end), and until then it is not listed.
        segments, reference = self._renditions[mux], self._renditions[self.reference]
        first = segments.first_centred(2 * reference[low].start)
        return first, max(first, segments.first_centred(2 * reference[high - 1].end))

    def meeting(self, mux: str, window: Window) -> tuple[int, int]:
        """Positions [low, high) among `segments` of those whose [start, end) meets the window."""
        segments = self._renditions[mux]
        low = segments.first_beyond(window.start)
        high = len(segments) if window.end is None else segments.first_from(window.end)
        return low, max(low, high)

    def edges(self, window: Window) -> tuple[int, int] | None:
        """The actual edges [S, E) in UTC microseconds: the reference's whole segments (W5); None without media."""
        segments = self._renditions[self.reference]
        low, high = self.meeting(self.reference, window)
        return (segments[low].start, segments[high - 1].end) if low < high else None

    def has_media(self, windows: Iterable[Window]) -> bool:
        """Whether a segment of any window exists (S3)."""
        until = self._until()
        return any(window.start < until and self.edges(window) is not None for window in windows)

    def _until(self) -> int:
        """Where the reference's newest segment ends, UTC microseconds; 0: there is none."""
        segments = self._renditions[self.reference]
        return segments.column("start")[-1] + segments.column("duration")[-1] if segments else 0


@dataclass(slots=True)
class ChannelTimeline:
    """What is known of a channel's media: its timeline and the facts that go with it.

    ``target``: the target duration in seconds, None before the first settled run (P3). ``run_ends``: why each ended
    run ended, for the gap ledger (P8). ``media``: what each run carries in each rendition: run -> mux key -> it (P6).
    ``ranges``: what is told of the program beside it (P9); ``orders``: the ad breaks that are asked for and wait.
    ``given_up``: what was recorded and will never be stored (P8).
    ``closed``: when the reference's newest segment had been written, UTC microseconds; None: before a restart.
    """

    timeline: Timeline
    target: int | None = None
    run_ends: dict[str, str] = field(default_factory=dict)
    media: dict[str, dict[str, RunMedia]] = field(default_factory=dict)
    ranges: DateRanges = field(default_factory=DateRanges)
    orders: list[BreakOrder] = field(default_factory=list)
    given_up: list[Window] = field(default_factory=list)
    closed: int | None = None

    def reason_before(self, segment: Segment, before: Segment | None) -> str:
        """Why there may be a hole between ``before``, the timeline's previous one, and ``segment`` (P8)."""
        if before is not None and any(
            one.start < segment.start and (one.end or 0) > before.end for one in self.given_up
        ):
            return UPLOAD_GIVEN_UP
        return reason_before(segment, before, self.run_ends.get(before.run) if before else None)
