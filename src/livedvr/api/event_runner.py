"""Carries events out when their time has come, those that are late in the order of their times.

At most once: after a crash what had begun counts as done. A break that was over before anybody was there is not made.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

from google.cloud.video.live_stream_v1 import types

from livedvr.api.channel_mapping import attachment_keys
from livedvr.api.desk import Desk
from livedvr.api.insisting import insist
from livedvr.api.messages import from_row, micros_of, to_row, to_timedelta
from livedvr.api.names import parent_of
from livedvr.api.status import to_status
from livedvr.catalog import api_rows
from livedvr.catalog.api_rows import ResourceRow
from livedvr.resources.errors import FailedPrecondition, LiveDvrError
from livedvr.wallclock import WallClock

EventMessage = types.Event.pb()
_State = types.Event.State

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Due:
    """``at``: when the event's next step is to be taken, UTC microseconds."""

    at: int
    row: ResourceRow
    event: Any


class EventRunner:
    """The events of all channels. `run` is a task; `wake` tells it of a new one."""

    def __init__(self, desk: Desk, clock: WallClock) -> None:
        self._desk = desk
        self._clock = clock
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """There is something new."""
        self._wake.set()

    async def run(self) -> None:
        """Take each event's steps as they come due, until cancelled."""
        while True:
            self._wake.clear()
            waiting = self._waiting()
            now = self._clock.now()
            for due in waiting:
                if due.at <= now:
                    await self._step(due, now)
            later = [due.at for due in waiting if due.at > now]
            if len(later) == len(waiting):
                await self._clock.wait(self._wake, min(later) - now if later else None)

    def _waiting(self) -> list[_Due]:
        events = [(row, from_row(row, EventMessage)) for row in self._desk.catalog.read(api_rows.open_events)]
        return sorted((_Due(_next_step(event, row), row, event) for row, event in events), key=lambda due: due.at)

    async def _step(self, due: _Due, now: int) -> None:
        event = due.event
        if event.state == _State.RUNNING:
            await self._put(due, _State.SUCCEEDED, now)
            return
        if not await self._put(due, _State.RUNNING, now):
            return
        try:
            _check_time(due, now)
            await self._carry_out(event)
        except LiveDvrError as error:
            status = to_status(error)
            event.error.code, event.error.message = status.code, status.message
            await self._put(due, _State.FAILED, now)
        except Exception:  # noqa: BLE001 - a defect in one event must not end the server
            _log.exception("%s", event.name)
            await self._put(due, _State.FAILED, now)

    async def _put(self, due: _Due, state: int, now: int) -> bool:
        """Say how it stands; False: it has been deleted meanwhile."""
        due.event.state = state
        old, due.row = due.row, to_row(due.event, due.row.created, now)
        return await insist(self._desk.catalog, self._clock, lambda db: api_rows.replace_resource(db, old, due.row))

    async def _carry_out(self, event: Any) -> None:
        channels, channel = self._desk.dvr.channels, parent_of(event.name)
        domain = self._desk.domain_id(channel)
        match event.WhichOneof("task"):
            case "input_switch":
                keys = attachment_keys(self._desk.get(channel, types.Channel.pb()))
                wanted = event.input_switch.input_key
                await channels.switch_input(domain, "primary" if wanted == keys[0] else "backup")
            case "ad_break":
                await channels.ad_break(domain, to_timedelta(event.ad_break.duration))
            case "return_to_program":
                await channels.return_to_program(domain)


def _check_time(due: _Due, now: int) -> None:
    duration = micros_of(due.event.ad_break.duration)
    if duration and due.at + duration <= now:
        raise FailedPrecondition("the break's time had passed before it could be made", field="execution_time")


def _next_step(event: Any, row: ResourceRow) -> int:
    """When an event begins, or when what has begun ends: a break after its duration, everything else at once."""
    if event.state == _State.RUNNING:
        return row.updated + micros_of(event.ad_break.duration)
    return micros_of(event.execution_time) if event.HasField("execution_time") else row.created
