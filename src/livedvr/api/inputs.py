"""Inputs: an address to push to, or a source that is pulled."""

from __future__ import annotations

import asyncio
import sqlite3
import uuid
from typing import Any

from google.cloud.video.live_stream_v1 import types
from google.protobuf import empty_pb2

from livedvr.api.call import Call
from livedvr.api.desk import Desk
from livedvr.api.ingest_ports import port_of
from livedvr.api.listing import page
from livedvr.api.messages import from_row, to_row
from livedvr.api.refusing import at, refuse
from livedvr.catalog import api_rows
from livedvr.resources.errors import FailedPrecondition, PermissionDenied, Unimplemented

InputMessage = types.Input.pb()
_TYPE = types.Input.Type


class Inputs:
    """The collection ``inputs``."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._choosing = asyncio.Lock()  # two must not get one port
        desk.operations.register({"inputs.delete": self._delete})

    async def create_input(self, call: Call) -> Any:
        """A push input gets its address here; what is pulled has one already (ours: a ``uri`` without a ``type``)."""
        asked = call.request.input
        refuse(asked, ["preprocessing_config"], "input")
        name = self._desk.new_name(f"{call.request.parent}/inputs", call.request.input_id, field="input_id")
        stored = InputMessage(name=name, labels=asked.labels, type_=asked.type_, tier=asked.tier or types.Input.Tier.HD)
        stored.security_rules.CopyFrom(asked.security_rules)
        if not asked.HasField("security_rules"):
            stored.ClearField("security_rules")
        async with self._choosing:
            stored.uri = await self._uri(asked)
            with at("input.security_rules"):
                self._desk.ports.to_domain(stored)

            def work(db: sqlite3.Connection) -> Any:
                row = to_row(stored, call.now, call.now)
                api_rows.put_resource(db, row)
                return self._desk.operations.accept(db, call, name, "create", from_row(row, InputMessage))

            return await self._desk.catalog.write(work)

    async def _uri(self, asked: Any) -> str:
        if asked.type_ == _TYPE.TYPE_UNSPECIFIED:
            if asked.uri == "testsrc":
                return "testsrc"
            raise PermissionDenied(
                "this server pulls nothing",
                field="input.uri",
                hint="set a type, or let the operator allow it: --allow-pull",
            )
        if asked.type_ == _TYPE.SRT_PUSH and asked.security_rules.ip_ranges:
            raise Unimplemented(
                "over SRT nobody tells who publishes",
                field="input.security_rules.ip_ranges",
                hint="the passphrase in the uri is what lets a publisher in",
            )
        taken = {port_of(row_uri) for row_uri in await asyncio.to_thread(self._uris)}
        stream_id = str(uuid.uuid4())
        return await asyncio.to_thread(self._desk.ports.uri_for, asked.type_, stream_id, taken)

    def _uris(self) -> list[str]:
        rows = self._desk.catalog.read(lambda db: api_rows.list_everywhere(db, "inputs"))
        return [from_row(row, InputMessage).uri for row in rows]

    async def get_input(self, call: Call) -> Any:
        """The input with the address to push to."""
        return self._desk.get(call.request.name, InputMessage)

    async def list_inputs(self, call: Call) -> Any:
        """A location's inputs."""
        return page(call, "inputs", self._desk.list(f"{call.request.parent}/inputs", InputMessage))

    async def update_input(self, call: Call) -> Any:
        """Not yet."""
        raise Unimplemented("inputs are not updated", field="input")

    async def delete_input(self, call: Call) -> Any:
        """Refused while a channel has it attached."""
        name = self._desk.row(call.request.name).name
        for channel in self._desk.list(f"{name.rpartition('/inputs/')[0]}/channels", types.Channel.pb()):
            if any(attached.input == name for attached in channel.input_attachments):
                raise FailedPrecondition(
                    f"'{channel.name}' has it attached", field="name", hint="delete that one first"
                )
        return await self._desk.operations.begin(call, name, "delete")

    async def _delete(self, name: str) -> Any:
        await self._desk.catalog.write(lambda db: api_rows.delete_resource(db, name))
        return empty_pb2.Empty()

    async def preview_input(self, call: Call) -> Any:
        """What is being pushed is not shown here."""
        raise Unimplemented("livedvr previews no inputs", field="name")
