"""Whether an ad break that is asked for can be carried out, and which are under way (P9). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from livedvr.resources.errors import AlreadyExists, FailedPrecondition
from livedvr.resources.times import format_time
from livedvr.timeline.ranges import BREAK, BreakOrder, RangeTag


def breaks_of(tags: Iterable[RangeTag]) -> dict[int, RangeTag]:
    """The first tags of breaks that were asked for here and of which no end is told, by event."""
    begun: dict[int, RangeTag] = {}
    for tag in tags:
        if not tag.event.startswith(BREAK):
            continue
        event = int(tag.event.removeprefix(BREAK))
        if tag.end is None:
            begun[event] = tag
        else:
            begun.pop(event, None)
    return begun


def free_event(tags: Iterable[RangeTag], waiting: Sequence[BreakOrder]) -> int:
    """An event number that no break has that is known."""
    told = [int(tag.event.removeprefix(BREAK)) for tag in tags if tag.event.startswith(BREAK)]
    return max([0, *told, *(order.event for order in waiting)]) + 1


def check_order(order: BreakOrder, tags: Sequence[RangeTag], waiting: Sequence[BreakOrder], listed: int | None) -> None:
    """Whether a break can be carried out as it is asked for.

    ALREADY_EXISTS when its event has a break that is under way or waits; FAILED_PRECONDITION when it meets another one,
    or when a segment that begins there is listed: ``listed`` is the start of the newest one.
    """
    begun = breaks_of(tags)
    if order.event in begun or any(one.event == order.event for one in waiting):
        raise AlreadyExists(f"there is a break {order.event} already", field="eventId", hint="use another id")
    if listed is not None and order.at <= listed:
        raise FailedPrecondition(
            f"the segment that begins at {format_time(listed)} is listed already",
            field="at",
            hint="a published line never changes: use a later time, or none for what is live now",
        )
    assert order.duration is not None
    spans = [(tag.start, tag.until, event) for event, tag in begun.items()]
    spans += [(one.at, one.at + one.duration, one.event) for one in waiting if one.duration is not None]
    for start, until, event in spans:
        if order.at < (until or start) and start < order.at + order.duration:
            raise FailedPrecondition(
                f"break {event} is from {format_time(start)} to {format_time(until or start)}",
                field="at",
                hint="wait for its end, or return to the program first",
            )
