"""Date ranges: what SCTE-35 says of the program, on the channel's timeline (RFC 8216bis 4.4.5.1 and 4.4.5.1.2). Pure.

A range is told in tags. A published line never changes (P1), so what becomes known later, its end, is one more tag with
the same ID. Each tag has its place, the segment of each rendition before which it stands: decided once, when the tag is
made, and stored, so that every playlist that is drawn of it, whenever, has the same lines.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Literal

from livedvr.resources.times import HOUR, MINUTE, SECOND
from livedvr.timeline.scte35 import TICKS, WRAP
from livedvr.timeline.segment import Window

FARTHEST = 5 * MINUTE  # from a message to what it is about: what lies beyond tells of a jump that nobody told of
RECENT = 100  # tags

BREAK = "break-"

Carrier = Literal["SCTE35-OUT", "SCTE35-IN", "SCTE35-CMD"]


@dataclass(frozen=True, slots=True)
class Cue:
    """A message as a run brought it.

    ``index`` counts them in the run; ``at``: when it came, ``section``: what it says. ``origin``: what the source's
    clock said at media time 0, None where that is not known. Both times in microseconds, ``at`` media time.
    ``latest``: the last of the run's segments that can have been open then.
    """

    index: int
    at: int
    section: bytes
    origin: int | None
    latest: int = 0

    def media(self, ticks: int) -> int | None:
        """The media time that the source's clock (33 bit, 90 kHz) means by ``ticks``: of all that it may be, the
        nearest to when the message came (C5). None where the two cannot be related."""
        if self.origin is None:
            return None
        here = (self.at + self.origin) * TICKS // SECOND
        ahead = (ticks - here + WRAP // 2) % WRAP - WRAP // 2
        media = (here + ahead) * SECOND // TICKS - self.origin
        return media if abs(media - self.at) <= FARTHEST else None


@dataclass(frozen=True, slots=True)
class BreakOrder:
    """An ad break that is asked for here, and not by the source, at ``at`` (UTC microseconds).

    It waits for the segment before which it can be carried out: the first that begins then or after it. ``event``: its
    splice_event_id. ``duration``: microseconds; None: there the program is returned to, whatever is left of the break.
    """

    event: int
    at: int
    duration: int | None

    @property
    def name(self) -> str:
        """The event as far as an ID goes: no event of a source is called so."""
        return f"{BREAK}{self.event}"


@dataclass(frozen=True, slots=True)
class RangeTag:
    """One EXT-X-DATERANGE.

    Attributes:
        serial: rises with the channel's tags; it is no other kept tag's.
        id: the range's.
        event: the source's name of it.
        start: UTC microseconds; the same in each tag of the range.
        planned: how long the range is to be, microseconds; in its first tag only, as is ``returns``.
        returns: it ends by itself after ``planned``.
        end: UTC microseconds, in the tag that tells it.
        carrier: the attribute that carries ``section``; None: this tag has none.
        places: by mux key, the number of the segment before which the tag stands.
    """

    serial: int
    id: str
    event: str
    start: int
    planned: int | None
    returns: bool
    end: int | None
    carrier: Carrier | None
    section: bytes
    places: Mapping[str, int]

    @property
    def until(self) -> int | None:
        """When the range is over as far as this tag tells; None: it does not."""
        if self.end is not None or self.planned is None:
            return self.end
        return self.start + self.planned

    def place(self, mux: str) -> int:
        """The number of the rendition's segment before which it stands; a rendition added later has it in front."""
        return self.places.get(mux, 0)


class DateRanges:
    """The channel's tags that are kept, by serial; so their places rise, too."""

    def __init__(self, tags: Iterable[RangeTag] = ()) -> None:
        self._tags: list[RangeTag] = []
        self._open: dict[str, RangeTag] = {}  # the first tags of ranges of which no end is told, by ID
        self._next = 0
        self.append(tags)

    def __iter__(self) -> Iterator[RangeTag]:
        return iter(self._tags)

    def append(self, tags: Iterable[RangeTag]) -> None:
        """These come next."""
        for tag in tags:
            self._tags.append(tag)
            self._next = max(self._next, tag.serial + 1)
            if tag.end is None:
                self._open[tag.id] = tag
            else:
                self._open.pop(tag.id, None)

    def forget(self, serials: AbstractSet[int]) -> None:
        """These have gone."""
        kept = [tag for tag in self._tags if tag.serial not in serials]
        self._tags, self._open = [], {}
        self.append(kept)

    @property
    def recent(self) -> list[RangeTag]:
        """What a cue may be about: the ranges that are open, and the last tags of all."""
        tail = self._tags[-RECENT:]
        older = [tag for tag in self._open.values() if not tail or tag.serial < tail[0].serial]
        return [*older, *tail]

    @property
    def next_serial(self) -> int:
        """The serial of the next tag: no tag's that has gone since the channel was opened."""
        return self._next

    @property
    def has_returning(self) -> bool:
        """Whether a range will end by itself."""
        return any(tag.returns for tag in self._open.values())

    def placed(self, mux: str, after: int, upto: int) -> Sequence[RangeTag]:
        """Those that stand before the rendition's segments numbered (after, upto]."""
        low = bisect_right(self._tags, after, key=lambda tag: tag.place(mux))
        high = bisect_right(self._tags, upto, key=lambda tag: tag.place(mux))
        return self._tags[low:high]

    def meeting(self, mux: str, upto: int, since: int) -> Sequence[RangeTag]:
        """Those before the rendition's segments up to ``upto`` whose ranges last longer than ``since`` (UTC)."""
        told = self.placed(mux, -1, upto)
        lasting = {id for id, until in _ends(told).items() if until is None or until > since}
        return [tag for tag in told if tag.id in lasting]

    def may_go(self, until: int, holds: Sequence[Window]) -> set[int]:
        """The serials of ranges that were over by ``until``, and that no window meets (R1, R2).

        An hour more than that: a playlist begins with the whole segment that its window's start lies in.
        """
        ends = _ends(self._tags)
        going = {
            tag.id
            for tag in self._tags
            if (ends[tag.id] or tag.start) + HOUR <= until
            and not any(_meets(w, tag.start, ends[tag.id]) for w in holds)
        }
        return {tag.serial for tag in self._tags if tag.id in going}


def _ends(tags: Iterable[RangeTag]) -> dict[str, int | None]:
    """When each range is over; None: that is not known."""
    ends: dict[str, int | None] = {}
    for tag in tags:  # the last tag that tells it is right
        ends[tag.id] = ends.get(tag.id) if tag.until is None else tag.until
    return ends


def _meets(window: Window, start: int, end: int | None) -> bool:
    begins = window.end is None or start < window.end + HOUR
    return begins and (end is None or end > window.start - HOUR)
