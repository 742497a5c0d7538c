"""A rendition's segments in columns: what days of them cost in memory, and how fast they are read (pure)."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import compress, islice
from operator import attrgetter
from sys import intern
from typing import Any, overload

from livedvr.timeline.segment import Segment

_COLUMNS = ("number", "run", "index", "epoch", "start", "media_start", "duration", "size")  # as `Segment` has them
_NUMBER, _RUN, _SIZE = map(_COLUMNS.index, ("number", "run", "size"))
_POSITIONS = {name: position for position, name in enumerate(_COLUMNS)}
_values = attrgetter(*_COLUMNS)
_ROWS_AT_ONCE = 256


class Segments(Sequence[Segment]):
    """Segments by number, each made anew when it is looked at: equal ones, never the same object.

    A segment takes 64 bytes (2.8 MB a day of 2 s segments), where an object with its numbers takes 273 and keeps the
    garbage collector busy. A search by number or start costs no object at all.
    """

    __slots__ = ("_columns",)

    def __init__(self, segments: Iterable[Segment] = ()) -> None:
        self._columns: tuple[Any, ...] = tuple([] if name == "run" else array("q") for name in _COLUMNS)
        self.extend(map(_values, segments))

    def append(self, segment: Segment) -> None:
        """One more."""
        self.extend((_values(segment),))

    def extend(self, rows: Iterable[tuple[int, str, int, int, int, int, int, int]]) -> None:
        """Rows of what `Segment` has, in its order."""
        rows = iter(rows)
        while some := tuple(islice(rows, _ROWS_AT_ONCE)):
            values: list[Iterable[Any]] = list(zip(*some, strict=True))
            values[_RUN] = map(intern, values[_RUN])  # one name for all its segments, gone with the last of them
            for column, new in zip(self._columns, values, strict=True):
                column.extend(new)

    def forget(self, low: int, high: int, gone: AbstractSet[int]) -> None:
        """Those in positions [low, high) whose number is among ``gone``, for other threads all of them at once."""
        stays = [number not in gone for number in self._columns[_NUMBER][low:high]]
        columns = []
        for column in self._columns:
            kept = column[:low]
            kept.extend(compress(column[low:high], stays))
            kept.extend(column[high:])
            columns.append(kept)
        self._columns = tuple(columns)

    def column(self, name: str) -> Sequence[int]:
        """Of each what `Segment` calls so: the segments' own, to be looked at."""
        column: Sequence[int] = self._columns[_POSITIONS[name]]
        return column

    def alike(self, low: int, high: int) -> Segments:
        """Those from position ``low`` on, up to ``high``, as far as they are of one kind.

        Numbered without a hole, of one epoch, and all of them media or all gaps.
        """
        if high - low > 1:
            numbers, epochs, indexes = self.column("number"), self.column("epoch"), self.column("index")
            kind, is_gap = (numbers[low] - low, epochs[low]), indexes[low] < 0
            high = low + bisect_right(range(low, high), kind, key=lambda i: (numbers[i] - i, epochs[i]))  # both rise
            high = next((i for i in range(low, high) if (indexes[i] < 0) is not is_gap), high)
        return self[low:high]

    def position(self, number: int) -> int:
        """Where the first segment with this number or a later one stands."""
        return bisect_left(self._columns[_NUMBER], number)

    def first_from(self, time: int) -> int:
        """Where the first one stands that starts at ``time`` (UTC microseconds) or later."""
        return bisect_left(self.column("start"), time)

    def first_beyond(self, time: int) -> int:
        """Where the first one stands that ends after ``time`` (UTC microseconds)."""
        starts, durations = self.column("start"), self.column("duration")
        return bisect_right(range(len(self)), time, key=lambda i: starts[i] + durations[i])

    def first_centred(self, twice: int) -> int:
        """Where the first one stands whose midpoint, times two to be whole, is ``twice`` or later."""
        starts, durations = self.column("start"), self.column("duration")
        return bisect_left(range(len(self)), twice, key=lambda i: 2 * starts[i] + durations[i])

    def __len__(self) -> int:
        return len(self._columns[_SIZE])  # it is extended last: what it has, all have, whichever thread looks

    @overload
    def __getitem__(self, at: int) -> Segment: ...
    @overload
    def __getitem__(self, at: slice) -> Segments: ...
    def __getitem__(self, at: int | slice) -> Segment | Segments:
        columns, length = self._columns, len(self)
        if isinstance(at, slice):
            part, (start, stop, step) = Segments.__new__(Segments), at.indices(length)
            part._columns = tuple([column[start:stop:step] for column in columns])
            return part
        position = range(length)[at]
        return Segment(*[column[position] for column in columns])

    def __iter__(self) -> Iterator[Segment]:
        return map(Segment, *self._columns)
