"""Ad breaks that somebody asks for: checked, stored, and carried out where segments are placed (P9)."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta

from livedvr.catalog import break_rows
from livedvr.catalog.catalog import Catalog, Owner
from livedvr.resources.errors import FailedPrecondition, InvalidArgument, LiveDvrError
from livedvr.resources.models import AdBreak, to_datetime, to_micros
from livedvr.resources.times import MINUTE
from livedvr.timeline.breaks import breaks_of, check_order, free_event
from livedvr.timeline.ranges import BreakOrder
from livedvr.timeline.scte35_section import LARGEST_EVENT, LONGEST
from livedvr.timeline.timeline import ChannelTimeline
from livedvr.wallclock import WallClock

SHORTEST = timedelta(milliseconds=100)
FARTHEST = 24 * 60 * MINUTE  # ahead: what lies beyond is a slip of the pen


class AdBreaks:
    """The orders of one channel."""

    def __init__(self, channel: str, known: ChannelTimeline, catalog: Catalog, owner: Owner, clock: WallClock) -> None:
        self._channel = channel
        self._known = known
        self._catalog = catalog
        self._owner = owner
        self._clock = clock

    async def begin(self, duration: timedelta, at: datetime | None, event: int | None) -> AdBreak:
        """A break from the first segment's start at or after ``at`` on; None: of what is live now."""
        order = self._order(duration, at, event)
        check_order(order, list(self._known.ranges), self._known.orders, self._newest())
        await self._add([order])
        return AdBreak(
            event_id=order.event, time=to_datetime(order.at), duration=timedelta(microseconds=order.duration or 0)
        )

    def _order(self, duration: timedelta, at: datetime | None, event: int | None) -> BreakOrder:
        now = self._clock.now()
        length = duration // timedelta(milliseconds=1) * 1000
        if duration < SHORTEST or length > LONGEST:
            raise InvalidArgument(f"a break of {duration.total_seconds():g} s", field="duration", hint="0.1 s to 26 h")
        if at is not None and at.tzinfo is None:
            raise InvalidArgument("the time has no zone", field="at", hint="use an aware datetime, e.g. in UTC")
        instant = now if at is None else to_micros(at)
        if instant > now + FARTHEST:
            raise InvalidArgument("it is more than a day ahead", field="at", hint="ask for it later")
        if event is not None and not 0 <= event <= LARGEST_EVENT:
            raise InvalidArgument(f"{event} is no splice_event_id", field="eventId", hint=f"0 to {LARGEST_EVENT}")
        if event is None:
            event = free_event(self._known.ranges, self._known.orders)
        return BreakOrder(event, instant, length)

    def _newest(self) -> int | None:
        last = self._known.timeline.last(self._known.timeline.reference)
        return last.start if last else None

    async def end(self) -> None:
        """Return to the program at the next segment's start; breaks that have not begun are off."""
        off = [order for order in self._known.orders if order.duration is not None]
        if not off and not breaks_of(self._known.ranges):
            raise FailedPrecondition("no ad break is under way", field="channel", hint="begin one first")
        await self._take_off(off)
        returning = {order.event for order in self._known.orders}
        begun = [event for event in breaks_of(self._known.ranges) if event not in returning]  # one of them may be new
        await self._add([BreakOrder(event, self._clock.now(), None) for event in begun])

    async def _add(self, orders: list[BreakOrder]) -> None:
        """In memory first: what asks or places segments meanwhile knows them; its own writes come behind this one."""
        self._known.orders += orders

        def work(db: sqlite3.Connection) -> None:
            for order in orders:
                break_rows.add_order(db, self._channel, order)

        try:
            await self._catalog.write(work, self._owner)
        except LiveDvrError:
            self._known.orders = [order for order in self._known.orders if order not in orders]
            raise

    async def _take_off(self, orders: list[BreakOrder]) -> None:
        self._known.orders = [order for order in self._known.orders if order not in orders]
        try:
            await self._catalog.write(lambda db: break_rows.delete_orders(db, self._channel, orders), self._owner)
        except LiveDvrError:
            self._known.orders += orders
            raise
