"""What a run's messages, and the breaks that are asked for, say: in the tags of date ranges (P9). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from livedvr.resources.times import SECOND, format_time
from livedvr.timeline.ranges import BreakOrder, Carrier, Cue, DateRanges, RangeTag
from livedvr.timeline.scte35 import SectionError, Signal, parse_section
from livedvr.timeline.scte35_section import splice_in, splice_out
from livedvr.timeline.segment import Segment

EARLY = 5 * SECOND  # the program clock runs before the pictures, and what is listed may begin with the first of them
SAME = SECOND // 2  # what an encoder sends of an event again says the same time, to what our clock may have been bent


@dataclass(slots=True)
class Told:
    """What a run's cues have come to: tags, ``taken`` cues, and what is to be said of those that are no use.

    ``carried``: the orders that wait no more; ``missed``: those of them that came to nothing, no media came in time.
    """

    tags: list[RangeTag] = field(default_factory=list)
    taken: int = 0
    refused: list[str] = field(default_factory=list)
    carried: list[BreakOrder] = field(default_factory=list)
    missed: list[BreakOrder] = field(default_factory=list)


class CueReading:
    """Turns cues into tags while segments are appended.

    Args:
        known: the channel's tags so far.
        run: the run's reference segments that are listed already, as far as a cue may be about them.
        places: by mux key, the numbers of the segments that come next.
        orders: the breaks that wait, by their instants.
    """

    def __init__(
        self,
        known: DateRanges,
        run: Sequence[Segment],
        places: Mapping[str, int],
        orders: Sequence[BreakOrder] = (),
    ) -> None:
        self._serial = known.next_serial
        self._run = list(run)
        self._places = dict(places)
        self._orders = list(orders)
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
        for order in [order for order in self._orders if order.at <= segment.start]:
            self._carry_out(order, segment.start)
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

    def _carry_out(self, order: BreakOrder, edge: int) -> None:
        """At the edge where a segment begins, before which its tag stands."""
        self._orders.remove(order)
        self.told.carried.append(order)
        time = _whole_millis(edge)
        if order.duration is None:
            under_way = [tag for tag in self._open() if tag.event == order.name and tag.until and time < tag.until]
            for tag in under_way:  # one that was to be over by now ends when it was to
                self._end(tag, time, "SCTE35-IN", splice_in(order.event))
        elif order.at + order.duration <= edge:
            self.told.missed.append(order)
        else:
            out = splice_out(order.event, order.duration)
            tag = RangeTag(
                serial=self._serial,
                id=_id(order.name, time),
                event=order.name,
                start=time,
                planned=order.duration,
                returns=True,
                end=None,
                carrier="SCTE35-OUT",
                section=out,
                places=self._places,
            )
            self._add(tag)

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
        return _whole_millis(at.start + media - at.media_start)

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
        self._add(
            RangeTag(
                serial=self._serial,
                id=_id(signal.event, time),
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


def _whole_millis(micros: int) -> int:
    """What a playlist says of an instant: whole milliseconds."""
    return (micros + 500) // 1000 * 1000


def _id(event: str, start: int) -> str:
    """An event id may be used again, and a range's ID not."""
    return f"{event}-{format_time(start).replace('-', '').replace(':', '')}"


def _family(event: str) -> str:
    """Events of a kind: ``splice``, ``segmentation-34``."""
    return event.rpartition("-")[0]


def _is_of(event: str, cancelled: str) -> bool:
    """Whether a cancellation, which tells only the event's number, is of this event."""
    return event.split("-")[0] == cancelled.split("-")[0] and event.rpartition("-")[2] == cancelled.rpartition("-")[2]
