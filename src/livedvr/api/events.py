"""Events of a channel: what is to be done with its stream, now or at a time."""

from __future__ import annotations

import sqlite3
from typing import Any

from google.cloud.video.live_stream_v1 import types

from livedvr.api.call import Call
from livedvr.api.channel_mapping import attachment_keys
from livedvr.api.desk import Desk
from livedvr.api.event_runner import EventMessage, EventRunner
from livedvr.api.listing import page
from livedvr.api.messages import from_row, micros_of, to_row
from livedvr.catalog import api_rows
from livedvr.ingest.channel_ingest import StreamingState
from livedvr.resources.errors import FailedPrecondition, InvalidArgument, Unimplemented
from livedvr.resources.times import SECOND, format_time

_DONE = ("input_switch", "ad_break", "return_to_program")
_AHEAD = 10 * SECOND  # an execution time lies at least so far in the future (the API's rule)
_State = types.Event.State


class Events:
    """The collection ``events`` of a channel."""

    def __init__(self, desk: Desk, runner: EventRunner) -> None:
        self._desk = desk
        self._runner = runner

    async def create_event(self, call: Call) -> Any:
        """PENDING or SCHEDULED; what has become of it the event itself says later."""
        asked, parent = call.request.event, call.request.parent
        channel = self._desk.get(parent, types.Channel.pb(), field="parent")
        name = self._desk.new_name(f"{parent}/events", call.request.event_id, field="event_id")
        _check_task(asked, channel)
        _check_time(asked, call.now)
        state, _ = await self._desk.dvr.channels.state(self._desk.domain_id(parent))
        if state in (StreamingState.STOPPED, StreamingState.STREAMING_ERROR):
            raise FailedPrecondition(f"the channel is {state}", field="parent", hint="start it first")
        stored = EventMessage()
        stored.CopyFrom(asked)
        stored.name, stored.state = name, _State.PENDING if asked.execute_now else _State.SCHEDULED
        stored.ClearField("error")
        row = to_row(stored, call.now, call.now)
        answer = from_row(row, EventMessage)

        def work(db: sqlite3.Connection) -> None:
            self._desk.add(db, row, field="event_id")
            call.sign(db, answer)

        await self._desk.catalog.write(work)
        self._runner.wake()
        return answer

    async def get_event(self, call: Call) -> Any:
        """The event."""
        return self._desk.get(call.request.name, EventMessage)

    async def list_events(self, call: Call) -> Any:
        """A channel's events."""
        self._desk.row(call.request.parent, field="parent")
        return page(call, "events", self._desk.list(f"{call.request.parent}/events", EventMessage))

    async def delete_event(self, call: Call) -> Any:
        """Its record goes; one that is to come does not come."""
        self._desk.row(call.request.name)
        answer = call.method.response()

        def work(db: sqlite3.Connection) -> None:
            api_rows.delete_resource(db, call.request.name)
            call.sign(db, answer)

        await self._desk.catalog.write(work)
        return answer


def _check_task(asked: Any, channel: Any) -> None:
    task = asked.WhichOneof("task")
    if task is None:
        raise InvalidArgument("which task?", field="event")
    if task not in _DONE:
        raise Unimplemented(f"livedvr does not do '{task}'", field=f"event.{task}", hint=f"it does {', '.join(_DONE)}")
    if task == "ad_break" and micros_of(asked.ad_break.duration) <= 0:
        raise InvalidArgument("a break is longer than zero", field="event.ad_break.duration")
    if task == "input_switch":
        keys, key = attachment_keys(channel), asked.input_switch.input_key
        if key not in keys:
            raise InvalidArgument(
                f"the channel has no input '{key}'",
                field="event.input_switch.input_key",
                hint=f"it has {', '.join(keys)}",
            )


def _check_time(asked: Any, now: int) -> None:
    timed = asked.HasField("execution_time")
    if timed == asked.execute_now:
        raise InvalidArgument("when? either now or at a time", field="event.execute_now", hint="or executionTime")
    if timed and micros_of(asked.execution_time) < now + _AHEAD:
        raise InvalidArgument(
            f"{format_time(micros_of(asked.execution_time))} is less than {_AHEAD // SECOND} s ahead",
            field="event.execution_time",
        )
