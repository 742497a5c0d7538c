"""Events of a channel: what is to be done with its stream, now or at a time."""

from __future__ import annotations

import sqlite3
from typing import Any

from google.cloud.video.live_stream_v1 import types

from livedvr.api.call import Call
from livedvr.api.channel_mapping import attachment_keys
from livedvr.api.desk import Desk
from livedvr.api.listing import page
from livedvr.api.messages import from_row, to_row
from livedvr.catalog import api_rows
from livedvr.resources.errors import InvalidArgument, Unimplemented
from livedvr.resources.models import InputKey

EventMessage = types.Event.pb()
_DONE = ("input_switch",)


class Events:
    """The collection ``events`` of a channel."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def create_event(self, call: Call) -> Any:
        """Carried out when it is accepted."""
        asked, parent = call.request.event, call.request.parent
        channel = self._desk.get(parent, types.Channel.pb(), field="parent")
        name = self._desk.new_name(f"{parent}/events", call.request.event_id, field="event_id")
        task = asked.WhichOneof("task")
        if task is None:
            raise InvalidArgument("which task?", field="event")
        if task not in _DONE:
            raise Unimplemented(f"livedvr does not do '{task}'", field=f"event.{task}")
        if not asked.execute_now:
            raise Unimplemented("only at once", field="event.execution_time", hint="executeNow")
        keys = attachment_keys(channel)
        if asked.input_switch.input_key not in keys:
            raise InvalidArgument(
                f"the channel has no input '{asked.input_switch.input_key}'",
                field="event.input_switch.input_key",
                hint=f"it has {', '.join(keys)}",
            )
        wanted: InputKey = "primary" if asked.input_switch.input_key == keys[0] else "backup"
        await self._desk.dvr.channels.switch_input(self._desk.domain_id(parent), wanted)
        stored = EventMessage()
        stored.CopyFrom(asked)
        stored.name, stored.state = name, types.Event.State.SUCCEEDED

        def work(db: sqlite3.Connection) -> Any:
            row = to_row(stored, call.now, call.now)
            api_rows.put_resource(db, row)
            answer = from_row(row, EventMessage)
            call.sign(db, answer)
            return answer

        return await self._desk.catalog.write(work)

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
