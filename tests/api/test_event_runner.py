from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from google.cloud.video.live_stream_v1 import types
from google.rpc import code_pb2

from builders import T0, FakeClock, at
from livedvr.api.desk import Desk
from livedvr.api.event_runner import EventMessage, EventRunner
from livedvr.api.messages import from_row, set_time, to_row
from livedvr.catalog import api_rows
from livedvr.catalog.catalog import Catalog
from livedvr.resources.errors import FailedPrecondition
from livedvr.resources.times import SECOND

CHANNEL = "projects/p/locations/l/channels/c"
NAME = f"{CHANNEL}/events/e"
State = EventMessage.State


class Air:
    """The DVR's channels: notes what is asked of them, or refuses."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.error: Exception | None = None

    async def _note(self, *asked: Any) -> None:
        if self.error is not None:
            raise self.error
        self.asked.append(asked)

    async def switch_input(self, channel: str, key: str) -> None:
        await self._note("switch", channel, key)

    async def ad_break(self, channel: str, duration: timedelta) -> None:
        await self._note("break", channel, duration)

    async def return_to_program(self, channel: str) -> None:
        await self._note("return", channel)


class Studio:
    """A channel ``c`` with two inputs, and a runner."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog, self.clock, self.air = catalog, FakeClock(), Air()
        dvr: Any = SimpleNamespace(channels=self.air)
        none: Any = None
        self.runner = EventRunner(Desk(dvr, catalog, none, none, none), self.clock)

    async def store(self, message: Any, domain: str | None = None) -> None:
        await self.catalog.write(lambda db: api_rows.add_resource(db, to_row(message, T0, T0, domain)))

    async def event(self, **task: Any) -> None:
        """An event ``e``; ``when`` in seconds after T0, None for now."""
        when = task.pop("when", None)
        message = EventMessage(name=NAME, state=State.PENDING if when is None else State.SCHEDULED, **task)
        if when is None:
            message.execute_now = True
        else:
            set_time(message.execution_time, at(when))
        await self.store(message)
        self.runner.wake()

    def seen(self) -> Any:
        row = self.catalog.read(lambda db: api_rows.get_resource(db, NAME))
        assert row is not None
        return from_row(row, EventMessage)

    async def rest(self) -> None:
        """Return when the runner waits."""
        await self.clock.asleep()


@pytest.fixture
async def studio(tmp_path: Path) -> AsyncIterator[Studio]:
    catalog = Catalog(tmp_path / "catalog.sqlite3")
    studio = Studio(catalog)
    attached = [types.InputAttachment.pb()(key="first"), types.InputAttachment.pb()(key="second")]
    await studio.store(types.Channel.pb()(name=CHANNEL, input_attachments=attached), "domain-c")
    running = asyncio.create_task(studio.runner.run())
    yield studio
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    catalog.close()


def ad_break(seconds: int) -> Any:
    message = types.Event.AdBreakTask.pb()()
    message.duration.seconds = seconds
    return message


@pytest.mark.parametrize(("key", "wanted"), [("first", "primary"), ("second", "backup")])
async def test_an_input_is_switched_at_once(studio: Studio, key: str, wanted: str) -> None:
    await studio.event(input_switch=types.Event.InputSwitchTask.pb()(input_key=key))
    await studio.rest()
    assert studio.air.asked == [("switch", "domain-c", wanted)]
    assert studio.seen().state == State.SUCCEEDED


async def test_a_break_runs_for_as_long_as_it_takes(studio: Studio) -> None:
    await studio.event(ad_break=ad_break(30))
    await studio.rest()
    assert studio.air.asked == [("break", "domain-c", timedelta(seconds=30))]
    assert studio.seen().state == State.RUNNING
    studio.clock.advance(30 * SECOND)
    await studio.rest()
    assert studio.seen().state == State.SUCCEEDED
    assert len(studio.air.asked) == 1


async def test_an_event_waits_for_its_time(studio: Studio) -> None:
    await studio.event(when=60, return_to_program=types.Event.ReturnToProgramTask.pb()())
    await studio.rest()
    assert (studio.air.asked, studio.seen().state) == ([], State.SCHEDULED)
    studio.clock.advance(60 * SECOND)
    await studio.rest()
    assert (studio.air.asked, studio.seen().state) == ([("return", "domain-c")], State.SUCCEEDED)


async def test_what_is_refused_says_why(studio: Studio) -> None:
    studio.air.error = FailedPrecondition("it is STOPPED", hint="start it first")
    await studio.event(ad_break=ad_break(30))
    await studio.rest()
    found = studio.seen()
    assert (found.state, found.error.code) == (State.FAILED, code_pb2.FAILED_PRECONDITION)
    assert found.error.message == "it is STOPPED (start it first)"


async def test_an_event_that_is_deleted_does_not_come(studio: Studio) -> None:
    await studio.event(when=60, ad_break=ad_break(30))
    await studio.rest()
    await studio.catalog.write(lambda db: api_rows.delete_resource(db, NAME))
    studio.clock.advance(60 * SECOND)
    await studio.rest()
    assert studio.air.asked == []


async def test_after_a_crash_what_had_begun_is_not_done_again(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.sqlite3")
    studio = Studio(catalog)
    begun = EventMessage(name=NAME, state=State.RUNNING, execute_now=True, ad_break=ad_break(30))
    await studio.store(begun)
    running = asyncio.create_task(studio.runner.run())
    await studio.rest()
    assert studio.seen().state == State.RUNNING
    studio.clock.advance(30 * SECOND)
    await studio.rest()
    assert (studio.air.asked, studio.seen().state) == ([], State.SUCCEEDED)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    catalog.close()


async def test_what_is_late_is_done_in_its_order_and_no_break_that_is_over(studio: Studio) -> None:
    """The server was away when they were due."""
    await studio.rest()
    studio.clock.advance(600 * SECOND)  # nobody has woken the runner
    first, second = (types.Event.InputSwitchTask.pb()(input_key=key) for key in ("second", "first"))
    await studio.store(_scheduled("z", 100, input_switch=first))
    await studio.store(_scheduled("a", 200, input_switch=second))
    await studio.store(_scheduled("over", 300, ad_break=ad_break(30)))
    await studio.store(_scheduled("running", 590, ad_break=ad_break(30)))
    studio.runner.wake()
    await studio.rest()
    assert studio.air.asked == [
        ("switch", "domain-c", "backup"),
        ("switch", "domain-c", "primary"),
        ("break", "domain-c", timedelta(seconds=30)),
    ]
    row = studio.catalog.read(lambda db: api_rows.get_resource(db, f"{CHANNEL}/events/over"))
    assert row is not None
    over = from_row(row, EventMessage)
    assert over.state == State.FAILED and over.error.code == code_pb2.FAILED_PRECONDITION


def _scheduled(event_id: str, when: int, **task: Any) -> Any:
    message = EventMessage(name=f"{CHANNEL}/events/{event_id}", state=State.SCHEDULED, **task)
    set_time(message.execution_time, at(when))
    return message
