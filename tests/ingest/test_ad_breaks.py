"""Orders of ad breaks over a real catalog, as the channel's timeline and the next controller see them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from builders import FakeClock, at, chain, channel
from livedvr.catalog import break_rows, channel_rows, range_rows, segment_rows
from livedvr.catalog.catalog import Catalog, Owner
from livedvr.ingest.ad_breaks import AdBreaks
from livedvr.resources.errors import Aborted, FailedPrecondition, InvalidArgument
from livedvr.resources.models import to_datetime
from livedvr.resources.times import SECOND
from livedvr.timeline.cue_reading import CueReading
from livedvr.timeline.ranges import BreakOrder

pytestmark = pytest.mark.semantics("P9", "S16")

FIVE = timedelta(seconds=5)


class Desk:
    """Who orders breaks, on a channel with five segments of 2 s."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.catalog = FakeClock(at(10.5)), Catalog(folder / "catalog.sqlite3")
        self.listed = 5

    async def open(self) -> Desk:
        """The next controller takes the channel."""
        await self.catalog.write(lambda db: channel_rows.put_channel(db, channel()))
        self.owner = Owner("live", await self.catalog.write(lambda db: channel_rows.raise_owner_epoch(db, "live")))
        row = self.catalog.read(lambda db: channel_rows.get_channel(db, "live"))
        assert row is not None
        self.known = self.catalog.read(lambda db: segment_rows.load_timeline(db, row))
        for one in chain([2 * SECOND] * self.listed):
            self.known.timeline.append("av", one)
        self.breaks = AdBreaks("live", self.known, self.catalog, self.owner, self.clock)
        return self

    @property
    def stored(self) -> list[BreakOrder]:
        return self.catalog.read(lambda db: break_rows.list_orders(db, "live"))

    async def place(self, count: int) -> None:
        """The intake has placed and committed further segments."""
        first, self.listed = self.listed, self.listed + count
        reading = CueReading(self.known.ranges, [], {"av": first}, self.known.orders)
        for one in chain([2 * SECOND] * count, start=at(2 * first), first=first):
            reading.append(one, {"av": one.number}, [])
            self.known.timeline.append("av", one)
        told = reading.told
        self.known.ranges.append(told.tags)
        self.known.orders = [order for order in self.known.orders if order not in told.carried]
        await self.catalog.write(lambda db: range_rows.commit_tags(db, "live", told.tags))
        await self.catalog.write(lambda db: break_rows.delete_orders(db, "live", told.carried))


@pytest.fixture
async def desk(tmp_path: Path) -> Iterator[Desk]:  # type: ignore[misc]
    made = await Desk(tmp_path).open()
    yield made
    made.catalog.close()


async def test_a_break_waits_over_a_restart_and_is_told_once(desk: Desk) -> None:
    asked = await desk.breaks.begin(FIVE, None, None)
    assert (asked.event_id, asked.time, asked.duration) == (1, to_datetime(at(10.5)), FIVE)
    assert desk.known.orders == desk.stored == [BreakOrder(1, at(10.5), 5 * SECOND)]
    await desk.open()
    assert desk.known.orders == desk.stored
    await desk.place(2)
    assert desk.known.orders == desk.stored == []
    assert [(tag.event, tag.start, tag.places) for tag in desk.known.ranges] == [("break-1", at(12), {"av": 6})]
    await desk.open()
    again = await desk.breaks.begin(FIVE, to_datetime(at(40)), 77)
    assert again.event_id == 77


async def test_the_way_back_ends_what_has_begun_and_takes_off_what_waits(desk: Desk) -> None:
    with pytest.raises(FailedPrecondition, match="no ad break is under way"):
        await desk.breaks.end()
    await desk.breaks.begin(timedelta(seconds=60), None, 3)
    await desk.breaks.begin(FIVE, to_datetime(at(90)), 4)
    await desk.place(2)
    desk.clock.advance(3 * SECOND)
    await desk.breaks.end()
    assert desk.known.orders == desk.stored == [BreakOrder(3, at(13.5), None)]
    await desk.breaks.end()
    assert len(desk.stored) == 1, "it is on its way already"
    await desk.open()
    await desk.place(1)
    assert [(tag.event, tag.end) for tag in desk.known.ranges][1:] == [("break-3", at(14))]
    with pytest.raises(FailedPrecondition):
        await desk.breaks.end()


async def test_of_two_that_are_asked_for_at_once_on_the_same_stretch_one_is_refused(desk: Desk) -> None:
    both = [desk.breaks.begin(FIVE, None, None) for _ in range(2)]
    answers = await asyncio.gather(*both, return_exceptions=True)
    assert [type(answer) for answer in answers if isinstance(answer, Exception)] == [FailedPrecondition]
    assert len(desk.stored) == 1


async def test_what_the_catalog_does_not_take_is_not_carried_out(desk: Desk) -> None:
    await desk.breaks.begin(FIVE, to_datetime(at(60)), None)
    await desk.catalog.write(lambda db: channel_rows.raise_owner_epoch(db, "live"))  # somebody else has the channel
    with pytest.raises(Aborted):
        await desk.breaks.begin(FIVE, to_datetime(at(30)), None)
    with pytest.raises(Aborted):
        await desk.breaks.end()
    assert desk.known.orders == desk.stored == [BreakOrder(1, at(60), 5 * SECOND)]


@pytest.mark.parametrize(
    ("duration", "moment", "event", "field"),
    [
        (timedelta(0), None, None, "duration"),
        (timedelta(seconds=-5), None, None, "duration"),
        (timedelta(hours=27), None, None, "duration"),
        (FIVE, datetime(2026, 11, 21, 2, 1), None, "at"),
        (FIVE, to_datetime(at(25 * 3600)), None, "at"),
        (FIVE, None, -1, "eventId"),
        (FIVE, None, 1 << 32, "eventId"),
    ],
)
async def test_what_can_never_be_a_break_is_refused(
    desk: Desk, duration: timedelta, moment: datetime | None, event: int | None, field: str
) -> None:
    with pytest.raises(InvalidArgument) as refused:
        await desk.breaks.begin(duration, moment, event)
    assert refused.value.field == field and desk.stored == []


async def test_what_is_listed_already_is_refused(desk: Desk) -> None:
    with pytest.raises(FailedPrecondition, match="is listed already"):
        await desk.breaks.begin(FIVE, to_datetime(at(8)), None)
    await desk.breaks.begin(FIVE, to_datetime(at(8.1)), None)


async def test_a_channel_s_orders_go_with_it(desk: Desk) -> None:
    await desk.breaks.begin(FIVE, None, None)
    await desk.catalog.write(lambda db: channel_rows.delete_channel(db, "live"))
    assert desk.stored == []
