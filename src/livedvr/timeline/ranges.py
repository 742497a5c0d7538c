"""Date ranges: what SCTE-35 says of the program, on the channel's timeline (RFC 8216bis 4.4.5.1 and 4.4.5.1.2). Pure.

A range is told in tags. A published line never changes (P1), so what becomes known later, its end, is one more tag with
the same ID. Each tag has its place, the segment of each rendition before which it stands: decided once, when the tag is
made, and stored, so that every playlist that is drawn of it, whenever, has the same lines.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Literal

from livedvr.resources.times import HOUR, MINUTE, SECOND, format_time
from livedvr.timeline.scte35 import TICKS, WRAP, SectionError, Signal, parse_section
from livedvr.timeline.segment import Segment, Window

FARTHEST = 5 * MINUTE  # from a message to what it is about: what lies beyond tells of a jump that nobody told of
RECENT = 100  # tags
EARLY = 5 * SECOND  # the program clock runs before the pictures, and what is listed may begin with the first of them
SAME = SECOND // 2  # what an encoder sends of an event again says the same time, to what our clock may have been bent

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


@dataclass(slots=True)
class Told:
    """What a run's cues have come to: tags, ``taken`` cues, and what is to be said of those that are no use."""

    tags: list[RangeTag] = field(default_factory=list)
    taken: int = 0
    refused: list[str] = field(default_factory=list)


class CueReading:
    """Turns cues into tags while segments are appended.

    Args:
        known: the channel's tags so far.
        run: the run's reference segments that are listed already, as far as a cue may be about them.
        places: by mux key, the numbers of the segments that come next.
    """

    def __init__(self, known: DateRanges, run: Sequence[Segment], places: Mapping[str, int]) -> None:
        self._serial = known.next_serial
        self._run = list(run)
        self._places = dict(places)
        self._first: dict[str, RangeTag] = {}  # of each range, by ID
        self._ended: dict[str, int] = {}
        self.told = Told()
        for tag in known.recent:
            self._note(tag)

    def append(self, segment: Segment, places: Mapping[str, int], cues: Sequence[Cue]) -> None:
        """``segment`` is appended next, the reference's; ``places``: what the renditions' next numbers are.

        Of ``cues`` (those not taken yet) it takes those that came while it was made. Where timestamps have jumped, that
        is not told by the time alone.
        """
        self._run.append(segment)
        self._places = dict(places)
        for cue in cues:
            if not segment.media_start - EARLY <= cue.at < segment.media_end and segment.index < cue.latest:
                break
            self._take(cue)
        for tag in self._open():
            if tag.returns and tag.until is not None and tag.until <= segment.end:
                self._end(tag, tag.until, None, b"")

    def finish(self, places: Mapping[str, int], cues: Iterable[Cue]) -> None:
        """The run is over: what came after its last segment stands before the next run's first."""
        self._places = dict(places)
        for cue in cues:
            self._take(cue)

    def _take(self, cue: Cue) -> None:
        self.told.taken += 1
        try:
            signals = parse_section(cue.section)
        except SectionError as error:
            self.told.refused.append(str(error))
            return
        for signal in signals:
            media = cue.at if signal.time is None else cue.media(signal.time)
            if media is None:
                self.told.refused.append("its time is not one of this stream")
            elif self._run:
                self._tell(signal, self._utc(media), self._utc(cue.at), cue.section)

    def _utc(self, media: int) -> int:
        """The date of a media time: what the segment there says; where none is listed (yet), the nearest one.

        Timestamps may have jumped back: of two segments with that time the later one is meant.
        """
        at = min(reversed(self._run), key=lambda s: max(s.media_start - media, media - s.media_end, 0))
        return (at.start + media - at.media_start + 500) // 1000 * 1000  # what a playlist says, whole milliseconds

    def _tell(self, signal: Signal, time: int, now: int, section: bytes) -> None:
        match signal.kind:
            case "cancel":
                for tag in [tag for tag in self._open() if _is_of(tag.event, signal.event)]:
                    self._end(tag, max(tag.start, min(now, tag.until or now)), None, b"")
            case "out" | "start" | "mark":
                self._begin(signal, time, now, section)
            case "in":
                self._return(signal, time, section)
            case "end":
                self._return(signal, time, b"")
                number = signal.event.rpartition("-")[2]
                kind = int(signal.event.split("-")[1], 16) + 1
                mark = replace(signal, kind="mark", event=f"segmentation-{kind:02x}-{number}")
                self._begin(mark, time, now, section)  # it is no way in: the end is a message of its own

    def _begin(self, signal: Signal, time: int, now: int, section: bytes) -> None:
        same = [tag for tag in self._first.values() if tag.event == signal.event]
        if any(abs(tag.start - time) <= SAME for tag in same):
            return  # sent again
        for tag in self._open():
            if tag.event == signal.event and now < tag.start:
                self._end(tag, tag.start, None, b"")  # it has been put off
            elif tag.until is None and tag.start < time and _family(tag.event) == _family(signal.event):
                self._end(tag, time, None, b"")  # nobody said when it would end: the next one says that it has
        stamp = format_time(time).replace("-", "").replace(":", "")
        self._add(
            RangeTag(
                serial=self._serial,
                id=f"{signal.event}-{stamp}",
                event=signal.event,
                start=time,
                planned=None if signal.duration is None else (signal.duration + 45) // 90 * 1000,
                returns=signal.returns,
                end=time if signal.kind == "mark" else None,
                carrier="SCTE35-OUT" if signal.kind == "out" else "SCTE35-CMD",
                section=section,
                places=self._places,
            )
        )

    def _return(self, signal: Signal, time: int, section: bytes) -> None:
        """Back in. Without the way out there is nothing to be said."""
        tag = next((tag for tag in reversed(self._open()) if tag.event == signal.event), None)
        if tag is not None:
            self._end(tag, max(time, tag.start), "SCTE35-IN" if section else None, section)

    def _end(self, first: RangeTag, end: int, carrier: Carrier | None, section: bytes) -> None:
        self._add(
            replace(
                first,
                serial=self._serial,
                planned=None,
                returns=False,
                end=end,
                carrier=carrier,
                section=section,
                places=self._places,
            )
        )

    def _open(self) -> list[RangeTag]:
        """The first tags of ranges of which no end is told."""
        return [tag for id, tag in self._first.items() if id not in self._ended]

    def _add(self, tag: RangeTag) -> None:
        self.told.tags.append(tag)
        self._note(tag)

    def _note(self, tag: RangeTag) -> None:
        self._first.setdefault(tag.id, tag)
        if tag.end is not None:
            self._ended[tag.id] = tag.end
        self._serial = max(self._serial, tag.serial + 1)


def _family(event: str) -> str:
    """Events of a kind: ``splice``, ``segmentation-34``."""
    return event.rpartition("-")[0]


def _is_of(event: str, cancelled: str) -> bool:
    """Whether a cancellation, which tells only the event's number, is of this event."""
    return event.split("-")[0] == cancelled.split("-")[0] and event.rpartition("-")[2] == cancelled.rpartition("-")[2]
