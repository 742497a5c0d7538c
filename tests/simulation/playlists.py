"""What readers of a session's media playlist see, checked line by line as it grows (P1-P5, W5, W6, C3)."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field

from livedvr.resources.layout import Container, init_name, segment_name
from livedvr.resources.times import SECOND
from livedvr.timeline.ranges import RangeTag
from livedvr.timeline.segment import Segment, Window
from simulation.dates import parse_date
from simulation.storage import Bucket
from simulation.world import World

MUX = "av"
_DISCONTINUITY, _ENDLIST = "#EXT-X-DISCONTINUITY", "#EXT-X-ENDLIST"
_MAP, _DATE, _EXTINF = '#EXT-X-MAP:URI="../../../', "#EXT-X-PROGRAM-DATE-TIME:", "#EXTINF:"
_RANGE = "#EXT-X-DATERANGE:"
_MILLISECOND = 1_000


@dataclass
class Truth:
    """The segments that the catalog has committed: the oracle's own copy, by number and by object name."""

    container: Container
    segments: list[Segment] = field(default_factory=list)
    by_name: dict[str, Segment] = field(default_factory=dict)
    left: set[int] = field(default_factory=set)  # numbers that retention has marked: nothing may list them any more
    tags: list[RangeTag] = field(default_factory=list)  # of date ranges, in their order
    tag_lines: dict[str, RangeTag] = field(default_factory=dict)
    ranges: dict[str, list[RangeTag]] = field(default_factory=dict)  # by ID
    announced: int = 0  # the largest target duration that an event has announced, seconds

    def add(self, segment: Segment) -> None:
        self.segments.append(segment)
        self.by_name[segment_name(MUX, segment.run, segment.index, self.container)] = segment

    def add_tag(self, tag: RangeTag, line: str) -> None:
        self.tags.append(tag)
        self.tag_lines[line] = tag
        self.ranges.setdefault(tag.id, []).append(tag)

    def tags_at(self, after: int, number: int) -> list[RangeTag]:
        """Those whose place is behind number ``after``, up to ``number``."""
        low = bisect_right(self.tags, after, key=lambda tag: tag.places[MUX])
        return self.tags[low : bisect_right(self.tags, number, key=lambda tag: tag.places[MUX])]

    def is_over(self, tag: RangeTag, number: int, by: int) -> bool:
        """Whether the tag's range is over by an instant, as far as is told up to ``number``."""
        told = [other for other in self.ranges[tag.id] if other.places[MUX] <= number]
        end = next((other.end for other in told if other.end is not None), None)
        if end is None and told[0].planned is not None:
            end = told[0].start + told[0].planned
        return end is not None and end <= by

    def starting_at(self, start: int) -> Segment:
        """The segment with this start."""
        return self.segments[bisect_left(self.segments, start, key=lambda segment: segment.start)]

    def first_meeting(self, windows: tuple[Window, ...], after: int) -> Segment | None:
        """The oldest kept segment behind number ``after`` that meets a window."""
        low, high = after + 1, len(self.segments)
        if after < 0:  # nothing is listed yet: pass over what ended before the first window at once
            while low < high:
                middle = (low + high) // 2
                if self.segments[middle].end > windows[0].start:
                    high = middle
                else:
                    low = middle + 1
        for number in range(low, len(self.segments)):
            segment = self.segments[number]
            if number not in self.left and any(window.meets(segment) for window in windows):
                return segment
        return None

    def meeting(self, windows: tuple[Window, ...], until: int) -> list[int]:
        """The numbers of all kept segments below ``until`` that meet a window (W5)."""
        return [
            s.number
            for s in self.segments[:until]
            if s.number not in self.left and any(window.meets(s) for window in windows)
        ]


@dataclass
class Published:
    """One address and what has been published there. Only what is new is read."""

    world: World
    bucket: Bucket
    truth: Truth
    address: str
    data: bytes = b""
    sealed: bool = False
    sealed_at: int = 0
    deleted_at: int | None = None
    target: int = 0
    numbers: list[int] = field(default_factory=list)
    duration: int = 0
    _date: int = 0  # what a client extrapolates to
    _exact: int = 0  # the start of the segment with the last date line, and the durations since
    _last: Segment | None = None
    _ranges: set[str] = field(default_factory=set)

    def replaced(self, data: bytes, windows: tuple[Window, ...]) -> None:
        """The object has been written again."""
        check = self.world.check
        check("O6 a deleted address is not used again", self.deleted_at is None, lambda: self.address)
        check("P1 prefix", data.startswith(self.data), lambda: self._other_bytes(data))
        check("P2 sealed", not self.sealed or data == self.data, lambda: f"{self.address} changed after ENDLIST")
        tail = data[len(self.data) :].decode()
        if not self.data:
            tail = self._header(tail)
        self.data = data
        if tail:
            self._read(tail, windows)

    def lists(self, number: int) -> bool:
        """Whether it has ever listed the segment."""
        position = bisect_left(self.numbers, number)
        return position < len(self.numbers) and self.numbers[position] == number

    def _other_bytes(self, data: bytes) -> str:
        same = next((i for i, (a, b) in enumerate(zip(self.data, data, strict=False)) if a != b), len(data))
        return (
            f"{self.address}: {len(self.data)} bytes were published, now {len(data)}, other from byte {same}: "
            f"was {self.data[same : same + 120]!r}, is {data[same : same + 120]!r}"
        )

    def _header(self, text: str) -> str:
        version = {"ts": 3, "fmp4": 6}[self.truth.container]
        head = re.match(
            rf"#EXTM3U\n#EXT-X-VERSION:{version}\n#EXT-X-TARGETDURATION:(\d+)\n#EXT-X-MEDIA-SEQUENCE:0\n"
            r"#EXT-X-DISCONTINUITY-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:EVENT\n",
            text,
        )
        self.world.check("P1 header", head is not None, lambda: f"{self.address} begins with {text[:200]!r}")
        if head is None:
            return ""
        self.target = int(head[1])
        return text[head.end() :]

    def _read(self, text: str, windows: tuple[Window, ...]) -> None:
        tags: list[str] = []
        duration = 0
        for line in text.removesuffix("\n").split("\n"):
            if line == _ENDLIST:
                self.world.check("P2 nothing behind ENDLIST", text.endswith(_ENDLIST + "\n"), lambda: self.address)
                self.sealed, self.sealed_at = True, self.world.now
            elif line.startswith(_EXTINF):
                whole, _, fraction = line.removeprefix(_EXTINF).removesuffix(",").partition(".")
                duration = int(whole) * SECOND + int(fraction)
            elif line.startswith("#"):
                tags.append(line)
            else:
                self._segment(line, tags, duration, windows)
                tags = []

    def _segment(self, uri: str, tags: list[str], duration: int, windows: tuple[Window, ...]) -> None:
        check, name = self.world.check, uri.removeprefix("../../../")
        segment = self.truth.by_name.get(name)
        check("step 5 listed is committed", segment is not None, lambda: f"{self.address} lists {name}")
        check("step 3 listed can be fetched", self.bucket.has(name), lambda: f"{self.address} lists {name}: no object")
        if segment is None:
            return
        last, self._last = self._last, segment
        wanted = self.truth.first_meeting(windows, last.number if last else -1)
        check(
            "W5 exactly what meets the windows, in order",
            wanted is not None and wanted.number == segment.number,
            lambda: (
                f"{self.address} lists number {segment.number} behind {last and last.number}; "
                f"wanted {wanted and wanted.number} for {windows}"
            ),
        )
        broken = last is not None and (last.number + 1 != segment.number or last.epoch != segment.epoch)
        ranges = [tag for tag in tags if tag.startswith(_RANGE)]
        self._check_ranges(segment, ranges, last)
        self._check_tags(segment, tags[len(ranges) :], broken, last is None)
        check(
            "P3 EXTINF is the duration", duration == segment.duration, lambda: f"{name}: {duration} {segment.duration}"
        )
        rounded = (2 * duration + SECOND) // (2 * SECOND)
        check(
            "P3 within the target",
            rounded <= max(self.target, self.truth.announced),
            lambda: f"{self.address}: {name} lasts {duration} us, target {self.target} s, and no event says so",
        )
        if last is not None:
            check("C3 dates never go backwards", segment.start >= last.start, lambda: f"{name} in {self.address}")
        self.numbers.append(segment.number)
        self.duration += duration

    def _check_ranges(self, segment: Segment, lines: list[str], last: Segment | None) -> None:
        """P9: each tag at its place, once; where the listing begins anew, what is not over by then."""
        check, truth, number = self.world.check, self.truth, segment.number
        told = [truth.tag_lines.get(line) for line in lines]
        check("P9 a tag is one that is stored", None not in told, lambda: f"{self.address}: {lines}")
        if last is not None and last.number + 1 == number:
            wanted = truth.tags_at(last.number, number)
            check(
                "P9 exactly what has its place here",
                told == wanted,
                lambda: f"{self.address} {number}: {told}\nwanted {wanted}",
            )
        else:
            lasts = all(tag is not None and not truth.is_over(tag, number, segment.start) for tag in told)
            check("P9 what is over is not told", lasts, lambda: f"{self.address} {number}: {lines}")
        again = set(lines) & self._ranges
        check("P9 once", not again and len(set(lines)) == len(lines), lambda: f"{self.address}: {again}")
        self._ranges.update(lines)

    def _check_tags(self, segment: Segment, tags: list[str], broken: bool, first: bool) -> None:
        check, where = self.world.check, (self.address, segment.number, tags)
        kinds = [tag.partition(":")[0] for tag in tags]
        check("W6 P4 discontinuity exactly there", (_DISCONTINUITY in kinds) == broken, lambda: f"{where}")
        if self.truth.container == "fmp4":
            has_map = f'{_MAP}{init_name(MUX, segment.run)}"' in tags
            check("P4 MAP", has_map == (first or broken) == ("#EXT-X-MAP" in kinds), lambda: f"{where}")
            check("P4 MAP can be fetched", self.bucket.has(init_name(MUX, segment.run)), lambda: f"{where}")
        dates = [tag.removeprefix(_DATE) for tag in tags if tag.startswith(_DATE)]
        check(
            "P5 a date at the first and after a discontinuity", bool(dates) or not (first or broken), lambda: str(where)
        )
        if dates:
            self._date = parse_date(dates[0])
        off = abs(self._date - segment.start)
        # A client extrapolates from a line in whole milliseconds: half of one may come on top of P5's.
        check("P5 dates", off <= (_MILLISECOND // 2 if dates else _MILLISECOND), lambda: f"{where}: off by {off} us")
        self._date += segment.duration
        known = [_DISCONTINUITY, "#EXT-X-MAP", "#EXT-X-PROGRAM-DATE-TIME"]
        order = [known.index(kind) if kind in known else -1 for kind in kinds]
        check("RFC 8216 tags", -1 not in order and order == sorted(set(order)), lambda: f"{where}")
