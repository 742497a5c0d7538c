"""The spans of a recording: what of its channel's stream it takes. Pure; UTC microseconds, sorted, apart.

The last one is open (``end`` None) while it records; a pause closes it, resuming opens the next.
"""

from __future__ import annotations

from livedvr.timeline.segment import Window

Spans = tuple[Window, ...]


def is_open(spans: Spans) -> bool:
    """Whether it records."""
    return bool(spans) and spans[-1].end is None


def begin(spans: Spans, at: int) -> Spans:
    """As they are when the first media of them begins at ``at``: the time before it is not recorded."""
    left = (one for one in spans if one.end is None or one.end > at)
    return tuple(Window(max(one.start, at), one.end) for one in left)


def close(spans: Spans, at: int) -> Spans:
    """As they are when it pauses, or has ended, at ``at``: nothing of them lies behind it, and none is empty."""
    closed = (Window(one.start, at if one.end is None else min(at, one.end)) for one in spans)
    return tuple(one for one in closed if (one.end or 0) > one.start)


def resume(spans: Spans, at: int) -> Spans:
    """As they are when it goes on at ``at``."""
    return (*spans, Window(at, None))


def recorded(spans: Spans, until: int) -> int:
    """How much of them lies before ``until``, microseconds."""
    return sum(max(0, min(until, until if one.end is None else one.end) - one.start) for one in spans)


def position(spans: Spans, amount: int) -> int | None:
    """The instant at which so much is recorded; None: as they stand it never is."""
    for one in spans:
        if one.end is None or one.end - one.start >= amount:
            return one.start + amount
        amount -= one.end - one.start
    return None


def within(spans: Spans, start: int, end: int) -> Spans:
    """What of [start, end) they take."""
    return tuple(
        Window(max(one.start, start), min(end, end if one.end is None else one.end))
        for one in spans
        if one.start < end and (one.end is None or one.end > start)
    )
