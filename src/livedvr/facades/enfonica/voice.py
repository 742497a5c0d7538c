"""Enfonica's methods, answered: recordings that are read and deleted, calls that are made and read."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from google.protobuf import json_format

from livedvr.api.aip.filter_match import compile_filter
from livedvr.api.aip.values import printable
from livedvr.api.methods import Method
from livedvr.api.refusing import renamed
from livedvr.catalog import facade_rows, recording_rows
from livedvr.catalog.facade_rows import FacadeRow
from livedvr.facades.enfonica import found
from livedvr.facades.enfonica.asked import fields_of, spec_of
from livedvr.facades.enfonica.audio_uris import AudioUris
from livedvr.facades.enfonica.found import CALL, FACADE, Found
from livedvr.facades.enfonica.messages import Call, ListCallsResponse, ListRecordingsResponse
from livedvr.facades.enfonica.pages import page
from livedvr.facades.enfonica.settings import EnfonicaSettings
from livedvr.facades.enfonica.shown import call_message, recording_message
from livedvr.facades.facade import FacadeDesk
from livedvr.resources.errors import NotFound

_BASIC, _FULL = 1, 2  # RecordingView


class Voice:
    """The project's calls and recordings. Each of `METHODS` has a function by its name; requests name the project's."""

    def __init__(self, settings: EnfonicaSettings, desk: FacadeDesk) -> None:
        self._settings = settings
        self._desk = desk
        self._catalog = desk.dvr.catalog
        self._uris = AudioUris.of(settings)

    async def answer(self, method: Method, request: Any) -> Any:
        """The response."""
        return await getattr(self, method.handler)(request)

    async def get_recording(self, request: Any) -> Any:
        """In the view FULL unless another is asked for."""
        return self._recording(self._found(request.name), is_full=request.view != _BASIC)

    async def list_recordings(self, request: Any) -> Any:
        """Of a call, or of the project; in the view BASIC unless another is asked for."""
        _, _, *call = request.parent.split("/")
        name, is_full = call[1] if call else "-", request.view == _FULL

        def read(before: int, count: int) -> list[tuple[int, Any]]:
            rows = self._catalog.read(lambda db: found.newest(db, name, before, count))
            return [(place, one and self._recording(one, is_full=is_full)) for place, one in rows]

        items, token = page(request, read)
        return ListRecordingsResponse(recordings=items, next_page_token=token)

    async def delete_recording(self, request: Any) -> Any:
        """It goes with its files; one that has not ended is given up. As it was, but for its URIs."""
        one = self._found(request.name)
        await self._desk.dvr.recordings.delete(one.recording.channel_id, one.recording.recording_id)
        return self._recording(one, is_full=False)

    async def create_call(self, request: Any) -> Any:
        """Record the channel that is called, from its first media on."""
        call, call_id, recording_id, now = request.call, uuid4().hex, uuid4().hex, self._desk.clock.now()
        spec = spec_of(call, call_id)
        channel = self._desk.channel(self._settings.channels, call.to, field="call.to")
        given = Call(to=call.to, is_private=call.is_private, labels=call.labels, options=call.options)
        given.MergeFrom(Call(**{"from": getattr(call, "from")}))
        text = json_format.MessageToJson(given, indent=None)
        row = FacadeRow(FACADE, CALL, call_id, channel, recording_id, now, text)
        with renamed(fields_of(call)):
            await self._desk.dvr.recordings.start(
                channel, recording_id, spec, also=lambda db, _: facade_rows.add_facade_row(db, row)
            )
        made = self._call(row)
        made.state = "QUEUED"  # calls.proto, CreateCall
        return made

    async def get_call(self, request: Any) -> Any:
        """One that was made here."""
        row = self._desk.find(CALL, request.name.split("/")[3])
        if row is None:
            raise NotFound(f"there is no '{printable(request.name)}'", field="name")
        return self._call(row)

    async def list_calls(self, request: Any) -> Any:
        """Those that were made here; ``filter``: as AIP-160 has it."""
        is_meant = compile_filter(request.filter, Call.DESCRIPTOR)

        def read(before: int, count: int) -> list[tuple[int, Any]]:
            rows = self._catalog.read(lambda db: facade_rows.newest_facade_rows(db, FACADE, CALL, before, count))
            calls = [(row.serial, self._call(row)) for row in rows]
            return [(place, call if is_meant(call) else None) for place, call in calls]

        items, token = page(request, read)
        return ListCallsResponse(calls=items, next_page_token=token)

    def _found(self, name: str) -> Found:
        _, _, _, call, _, recording = name.split("/")
        one = self._catalog.read(lambda db: found.find(db, call, recording))
        if one is None:
            raise NotFound(f"there is no '{printable(name)}'", field="name")
        return one

    def _recording(self, one: Found, *, is_full: bool) -> Any:
        uris, now = self._uris if is_full else None, self._desk.clock.now()
        project = self._settings.project
        return recording_message(one.recording, project, one.call, is_call=one.is_call, uris=uris, now=now)

    def _call(self, row: FacadeRow) -> Any:
        channel, recording_id = row.channel or "", row.recording or ""
        recording = self._catalog.read(lambda db: recording_rows.find_recording(db, channel, recording_id))
        given = json_format.Parse(row.resource, Call())
        return call_message(given, f"projects/{self._settings.project}/calls/{row.id}", row.created, recording)
