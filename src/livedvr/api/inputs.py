"""Inputs: an address to push to, or a source that is pulled."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from google.cloud.video.live_stream_v1 import types
from google.protobuf import empty_pb2

from livedvr.api.aip.mask import apply_mask
from livedvr.api.call import Call
from livedvr.api.desk import Desk
from livedvr.api.ingest_ports import port_of
from livedvr.api.listing import page
from livedvr.api.messages import from_row
from livedvr.api.names import location_of
from livedvr.api.refusing import refuse
from livedvr.api.stream_property import fill_streams
from livedvr.catalog import api_rows
from livedvr.ingest.source import check_pull, parse_source
from livedvr.resources.errors import FailedPrecondition, InvalidArgument, LiveDvrError, Unimplemented
from livedvr.resources.models import Input, InputKey

InputMessage = types.Input.pb()
_TYPE = types.Input.Type
_PATCHABLE = ("tier", "preprocessing_config", "security_rules", "labels")  # labels are ours
_OUTPUT_ONLY = ("create_time", "update_time", "uri", "input_stream_property")


class Inputs:
    """The collection ``inputs``. ``rebuild``: has channels follow their input (the channels, how it will be)."""

    def __init__(self, desk: Desk, rebuild: Callable[[list[Any], Any], Awaitable[None]]) -> None:
        self._desk = desk
        self._rebuild = rebuild
        self._choosing = asyncio.Lock()  # two must not get one port
        desk.operations.register({"inputs.delete": self._delete})

    async def create_input(self, call: Call) -> Any:
        """A push input gets its address here; what is pulled has one already (ours: a ``uri`` without a ``type``)."""
        asked = call.request.input
        name = self._desk.new_name(f"{call.request.parent}/inputs", call.request.input_id, field="input_id")
        stored = InputMessage()
        stored.CopyFrom(asked)
        for field in _OUTPUT_ONLY:
            stored.ClearField(field)
        stored.name, stored.tier = name, asked.tier or types.Input.Tier.HD
        _check(stored)
        async with self._choosing:
            stored.uri = await self._uri(asked)
            self._desk.ports.to_domain(stored)
            return await self._desk.accept(call, "create", stored, None, field="input_id")

    async def _uri(self, asked: Any) -> str:
        if asked.type_ == _TYPE.TYPE_UNSPECIFIED:
            return self._pulled(asked.uri)
        taken = {port_of(uri) for uri in await asyncio.to_thread(self._uris)}
        stream_id = str(uuid.uuid4())
        return await asyncio.to_thread(self._desk.ports.uri_for, asked.type_, stream_id, taken)

    def _pulled(self, uri: str) -> str:
        """What is pulled, from a host that the operator allows (I6); or ``testsrc``."""
        if not uri:
            raise InvalidArgument(
                "which type?", field="input.type", hint="RTMP_PUSH, SRT_PUSH, or none and a uri to pull"
            )
        source = parse_source(Input(uri=uri))
        if not source.pulls and source.kind != "testsrc":
            raise InvalidArgument(
                "nothing is pulled from there", field="input.uri", hint="a type makes an address to push to"
            )
        check_pull(source, self._desk.dvr.pull, field="input.uri")
        return str(uri)

    def _uris(self) -> list[str]:
        rows = self._desk.catalog.read(lambda db: api_rows.list_everywhere(db, "inputs"))
        return [from_row(row, InputMessage).uri for row in rows]

    async def get_input(self, call: Call) -> Any:
        """The input with the address to push to, and what it brings."""
        name = call.request.name
        return await self._with_streams(self._desk.get(name, InputMessage), self._attached_to(name))

    async def list_inputs(self, call: Call) -> Any:
        """A location's inputs."""
        inputs = self._desk.list(f"{call.request.parent}/inputs", InputMessage)
        attached: defaultdict[str, list[Any]] = defaultdict(list)
        for channel in self._desk.list(f"{call.request.parent}/channels", types.Channel.pb()):
            for name in {one.input for one in channel.input_attachments}:
                attached[name].append(channel)
        return page(call, "inputs", [await self._with_streams(one, attached[one.name]) for one in inputs])

    async def _with_streams(self, message: Any, attached: Sequence[Any]) -> Any:
        for channel in attached:
            key: InputKey = "primary" if channel.input_attachments[0].input == message.name else "backup"
            with contextlib.suppress(LiveDvrError):  # its output is away: the input can be looked at all the same
                streams = await self._desk.dvr.channels.streams(self._desk.domain_id(channel.name), key)
                fill_streams(message.input_stream_property, streams)
        return message

    async def update_input(self, call: Call) -> Any:
        """Who may publish, how the picture is framed. The channels that have it attached are at rest meanwhile."""
        async with self._desk.attaching:
            return await self._update(call)

    async def _update(self, call: Call) -> Any:
        asked = call.request.input
        row = self._desk.row(asked.name)
        paths = call.request.update_mask.paths
        stored = apply_mask(from_row(row, InputMessage), asked, paths, patchable=_PATCHABLE, output_only=_OUTPUT_ONLY)
        _check(stored)
        self._desk.ports.to_domain(stored)
        await self._rebuild(self._attached_to(asked.name), stored)
        return await self._desk.accept(call, "update", stored, row)

    async def delete_input(self, call: Call) -> Any:
        """Refused while a channel has it attached."""
        name = self._desk.row(call.request.name).name
        self._check_free(name)
        return await self._desk.operations.begin(call, name, "delete")

    def _attached_to(self, name: str) -> list[Any]:
        channels = self._desk.list(f"{location_of(name)}/channels", types.Channel.pb())
        return [channel for channel in channels if any(one.input == name for one in channel.input_attachments)]

    def _check_free(self, name: str) -> None:
        for channel in self._attached_to(name):
            raise FailedPrecondition(f"'{channel.name}' has it attached", field="name", hint="delete that one first")

    async def _delete(self, name: str) -> Any:
        async with self._desk.attaching:  # since it was promised it may have been attached
            self._check_free(name)
            await self._desk.catalog.write(lambda db: api_rows.delete_resource(db, name))
        return empty_pb2.Empty()

    async def preview_input(self, call: Call) -> Any:
        """What is being pushed is not shown here."""
        raise Unimplemented("livedvr previews no inputs", field="name")


def _check(message: Any) -> None:
    refuse(message.preprocessing_config, ["audio"], "input.preprocessing_config")
    if message.type_ == _TYPE.SRT_PUSH and message.security_rules.ip_ranges:
        raise Unimplemented(
            "over SRT nobody tells who publishes",
            field="input.security_rules.ip_ranges",
            hint="the passphrase in the uri is what lets a publisher in",
        )
