"""Channels: stored as they were accepted, recorded by the domain."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Sequence
from typing import Any

from google.cloud.video.live_stream_v1 import types
from google.protobuf import empty_pb2
from google.rpc import code_pb2

from livedvr.api.aip.mask import apply_mask
from livedvr.api.call import Call
from livedvr.api.channel_mapping import attachment_keys, to_domain, with_defaults
from livedvr.api.desk import Desk
from livedvr.api.inputs import InputMessage
from livedvr.api.listing import page
from livedvr.api.messages import from_row, to_row
from livedvr.api.names import location_of
from livedvr.api.operations import Acceptance
from livedvr.api.refusing import placed, renamed
from livedvr.catalog import api_rows
from livedvr.ingest.channel_ingest import StreamingState
from livedvr.resources.errors import FailedPrecondition, InvalidArgument, LiveDvrError, NotFound, Unimplemented
from livedvr.resources.models import Channel, Input

ChannelMessage = types.Channel.pb()
_OUTPUT_ONLY = ("create_time", "update_time", "active_input", "streaming_state", "streaming_error")
_PATCHABLE = (  # the API's list, and what is ours: retention and labels
    "input_attachments",
    "input_config",
    "output",
    "elementary_streams",
    "mux_streams",
    "manifests",
    "sprite_sheets",
    "log_config",
    "timecode_config",
    "encryptions",
    "retention_config",
    "labels",
)
_FIELDS = {
    "channel": "name",
    "channelId": "channel_id",
    "output.uri": "channel.output.uri",
    "manifests": "channel.manifests",
}


class Channels:
    """The collection ``channels``."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        desk.operations.register(
            {"channels.start": self._start, "channels.stop": self._stop, "channels.delete": self._delete}
        )

    async def create_channel(self, call: Call) -> Any:
        """A new channel, STOPPED."""
        async with self._desk.attaching:
            return await self._create(call)

    async def _create(self, call: Call) -> Any:
        name = self._desk.new_name(f"{call.request.parent}/channels", call.request.channel_id, field="channel_id")
        stored = with_defaults(call.request.channel)
        for field in _OUTPUT_ONLY:
            stored.ClearField(field)
        stored.name = name
        domain = self._to_domain(stored, self._desk.new_domain_id(call.request.channel_id))

        def store(db: sqlite3.Connection, channel: Channel) -> Any:
            row = to_row(stored, call.now, call.now, channel.channel_id)
            self._desk.add(db, row, field="channel_id")
            return _set_state(from_row(row, ChannelMessage), StreamingState.STOPPED, None, "primary")

        accepted = Acceptance(self._desk.operations, call, name, "create", store)
        with renamed(_FIELDS), placed("channel.output.uri"):
            await self._desk.dvr.channels.create(domain, also=accepted)
        return accepted.answer

    def _to_domain(self, message: Any, domain_id: str, changed: Any = None) -> Channel:
        if not message.output.uri:
            raise InvalidArgument("where to?", field="channel.output.uri", hint="gs://bucket/path")
        output = self._desk.outputs.place(message.output.uri, field="channel.output.uri")

        def input_of(name: str, field: str) -> Input:
            if not name.startswith(f"{location_of(message.name)}/inputs/"):
                raise InvalidArgument(f"'{name}' is no input of this location", field=field)
            is_changed = changed is not None and changed.name == name
            given = changed if is_changed else self._desk.get(name, InputMessage, field=field)
            return self._desk.ports.to_domain(given)

        return to_domain(message, domain_id, output, input_of)

    async def get_channel(self, call: Call) -> Any:
        """The channel and what it is doing."""
        return await self._with_state(self._desk.get(call.request.name, ChannelMessage))

    async def list_channels(self, call: Call) -> Any:
        """A location's channels."""
        channels = self._desk.list(f"{call.request.parent}/channels", ChannelMessage)
        return page(call, "channels", [await self._with_state(channel) for channel in channels])

    async def _with_state(self, message: Any) -> Any:
        return _set_state(message, *await self._state(self._desk.domain_id(message.name)))

    async def _state(self, domain: str) -> tuple[StreamingState, LiveDvrError | None, str]:
        """What the channel is doing. Its output may be away, or another controller have it: it is shown anyhow."""
        try:
            state, error = await self._desk.dvr.channels.state(domain)
            return state, error, await self._desk.dvr.channels.active_input(domain)
        except LiveDvrError as trouble:
            return StreamingState.STREAMING_ERROR, trouble, "primary"

    async def update_channel(self, call: Call) -> Any:
        """Another setting of a channel at rest; what has been recorded stays."""
        async with self._desk.attaching:
            return await self._update(call)

    async def _update(self, call: Call) -> Any:
        asked = call.request.channel
        row = self._desk.row(asked.name)
        assert row.domain is not None  # each channel has one
        current, paths = from_row(row, ChannelMessage), call.request.update_mask.paths
        stored = with_defaults(apply_mask(current, asked, paths, patchable=_PATCHABLE, output_only=_OUTPUT_ONLY))
        domain = self._to_domain(stored, row.domain)
        doing = await self._state(row.domain)  # labels can be changed while it runs, what is recorded cannot

        def store(db: sqlite3.Connection, _: Channel) -> Any:
            new = to_row(stored, row.created, call.now)
            self._desk.replace(db, row, new)
            return _set_state(from_row(new, ChannelMessage), *doing)

        accepted = Acceptance(self._desk.operations, call, asked.name, "update", store)
        with renamed(_FIELDS):
            await self._desk.dvr.channels.update(domain, also=accepted)
        return accepted.answer

    async def rebuild(self, messages: Sequence[Any], changed: Any) -> None:
        """Channels follow an input that is attached to them and will be ``changed``: all of them, or none.

        Nobody attaches it meanwhile, see `Desk`.
        """
        domains = [self._to_domain(one, self._desk.domain_id(one.name), changed) for one in messages]
        with renamed(_FIELDS):
            for domain in domains:
                await self._desk.dvr.channels.check_update(domain)
            for domain in domains:
                await self._desk.dvr.channels.update(domain)

    async def start_channel(self, call: Call) -> Any:
        """Ingest begins; AWAITING_INPUT, and its ports are open, when the operation is done."""
        message = self._desk.get(call.request.name, ChannelMessage)
        await self._check_inputs(message)
        return await self._desk.operations.begin(call, call.request.name, "start")

    async def _check_inputs(self, message: Any) -> None:
        """FAILED_PRECONDITION when another channel takes one of its inputs: who pushes there is in one place only."""
        mine = {attached.input for attached in message.input_attachments}
        for other in self._desk.list(f"{location_of(message.name)}/channels", ChannelMessage):
            shared = next((one.input for one in other.input_attachments if one.input in mine), None)
            if shared is None or other.name == message.name:
                continue
            state, _, _ = await self._state(self._desk.domain_id(other.name))
            if state not in (StreamingState.STOPPED, StreamingState.STREAMING_ERROR):
                raise FailedPrecondition(
                    f"'{shared}' is in use by '{other.name}'",
                    field="name",
                    hint="stop that one, or use another input",
                )

    async def stop_channel(self, call: Call) -> Any:
        """Ingest ends; what runs is sealed when the operation is done (S11)."""
        self._desk.row(call.request.name)
        return await self._desk.operations.begin(call, call.request.name, "stop")

    async def delete_channel(self, call: Call) -> Any:
        """A stopped channel with its segments goes; with ``force`` also its events and sessions."""
        name = self._desk.row(call.request.name).name
        events = self._desk.list(f"{name}/events", types.Event.pb())
        if events and not call.request.force:
            raise FailedPrecondition(
                f"it has events, as '{events[0].name}'",
                field="name",
                hint="delete them first, or with it by --force (force=true)",
            )
        promise = self._desk.operations.promise(call, name, "delete")
        try:
            with renamed(_FIELDS):
                domain = self._desk.domain_id(name)
                await self._desk.dvr.channels.begin_delete(domain, force=call.request.force, also=promise)
        except NotFound:  # it has been deleted without the API: what is left is our record of it
            await self._desk.catalog.write(promise)
        return self._desk.operations.keep(promise)

    async def start_distribution(self, call: Call) -> Any:
        """Not done."""
        raise Unimplemented("livedvr distributes nothing", field="distribution_keys")

    async def stop_distribution(self, call: Call) -> Any:
        """Not done."""
        raise Unimplemented("livedvr distributes nothing", field="distribution_keys")

    # carried out by operations

    async def _start(self, name: str) -> Any:
        domain = self._desk.domain_id(name)
        await self._desk.dvr.channels.start(domain)
        await self._desk.dvr.channels.awaiting(domain)
        return types.ChannelOperationResponse.pb()()

    async def _stop(self, name: str) -> Any:
        await self._desk.dvr.channels.stop(self._desk.domain_id(name))
        return types.ChannelOperationResponse.pb()()

    async def _delete(self, name: str) -> Any:
        row = self._desk.find(name)
        if row is not None and row.domain is not None:
            with contextlib.suppress(NotFound):  # an earlier controller has come as far as this
                await self._desk.dvr.channels.delete(row.domain)
            await self._desk.catalog.write(lambda db: api_rows.delete_resource(db, name))
        return empty_pb2.Empty()


def _set_state(message: Any, state: StreamingState, error: LiveDvrError | None, active: str) -> Any:
    keys = attachment_keys(message)
    message.active_input = keys[-1 if active == "backup" else 0]
    message.streaming_state = ChannelMessage.StreamingState.Value(state)
    if state is StreamingState.STREAMING_ERROR:
        code = code_pb2.Code.Value(error.code) if error else code_pb2.INTERNAL
        message.streaming_error.code, message.streaming_error.message = code, str(error or "it has ended with an error")
    return message
