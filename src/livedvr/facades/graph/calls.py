"""Calls and their operations: made, shown, cancelled, ended; and what of them goes when they have ended."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import weakref
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from pydantic import SecretStr

from livedvr.catalog import facade_rows
from livedvr.catalog.facade_rows import FacadeRow
from livedvr.facades.facade import FacadeDesk
from livedvr.facades.graph import requests
from livedvr.facades.graph.dialect import GraphDialect, notification
from livedvr.facades.graph.names import guid, new_id, resource_url
from livedvr.facades.graph.operations import PLAYED, answer
from livedvr.facades.graph.settings import GraphApp, GraphSettings
from livedvr.resources.base import Resource
from livedvr.resources.errors import FailedPrecondition, LiveDvrError, NotFound, PermissionDenied
from livedvr.resources.recording import Notify, Recording, RecordingSpec
from livedvr.resources.times import SECOND

CALL = "call"
AGAIN = 60 * SECOND  # what could not be removed is tried again

Answer = dict[str, Any]


class Call(Resource):
    """A call as it is stored. ``app``: whose it is; ``given``: what it shows of how it was asked for; ``ended``: UTC
    microseconds, or None."""

    call_id: str
    app: str
    channel: str
    callback_uri: str
    given: Mapping[str, Any]
    ended: int | None = None

    def shown(self, state: str) -> Answer:
        """As its client sees it."""
        media = {"@odata.type": "#microsoft.graph.serviceHostedMediaConfig", "preFetchMedia": []}
        return {
            "@odata.type": "#microsoft.graph.call",
            "id": self.call_id,
            "state": state,
            "direction": "outgoing",
            "callbackUri": self.callback_uri,
            "mediaConfig": media,
            **self.given,
        }


class Calls:
    """Those of all apps. `keep_house` is a task."""

    def __init__(self, desk: FacadeDesk, settings: GraphSettings, dialect: GraphDialect) -> None:
        self._desk = desk
        self._settings = settings
        self._dialect = dialect
        self._recordings = desk.dvr.recordings
        self._over = asyncio.Event()  # a call has ended
        self._hanging_up: weakref.WeakValueDictionary[str, asyncio.Event] = weakref.WeakValueDictionary()

    async def create(self, app: GraphApp, given: requests.CreateCall) -> Answer:
        """A call of a channel: who is called stands for it."""
        identity = requests.identity_of(given)
        channel = self._desk.channel(self._settings.channels, identity, field="targets[0].identity")
        echo = requests.echoed(given)
        call = Call(call_id=new_id(), app=app.id, channel=channel, callback_uri=given.callback_uri, given=echo)
        row = FacadeRow(self._desk.facade, CALL, call.call_id, channel, None, self._desk.clock.now(), _json(call))
        url = resource_url(call.call_id)
        told = [
            notification("updated", url, call.shown(state), number)
            for number, state in enumerate(("establishing", "established"), 1)
        ]
        await self._tell(call, told, lambda db: facade_rows.add_facade_row(db, row))
        return call.shown("establishing")

    def get(self, app: GraphApp, name: str) -> Call:
        """One that has not ended. NOT_FOUND, also of another app."""
        call_id = guid(name, what="call")
        call = self._stored(call_id)
        if call is None or call.ended is not None or call.app != app.id:
            raise NotFound(f"there is no call '{call_id}'")
        return call

    async def hang_up(self, call: Call) -> None:
        """It ends, with all that goes on in it."""
        await self._cancel(call)
        ended = call.model_copy(update={"ended": self._desk.clock.now()})
        row = self._desk.find(CALL, call.call_id)
        assert row is not None
        put = FacadeRow(row.facade, row.kind, row.id, row.channel, None, row.created, _json(ended))
        told = [notification("deleted", resource_url(call.call_id), call.shown("terminated"), 3)]
        try:
            await self._tell(call, told, lambda db: facade_rows.put_facade_row(db, put))
        except (NotFound, PermissionDenied):  # its channel has been deleted, or nobody may be told any more
            await self._desk.write(lambda db: facade_rows.put_facade_row(db, put))
        await self._cancel(call)  # what has been begun meanwhile; from now on nothing is
        self._over.set()
        if call.call_id in self._hanging_up:
            self._hanging_up[call.call_id].set()

    async def _tell(self, call: Call, messages: list[tuple[str, bytes]], also: Any) -> None:
        await self._recordings.tell(call.channel, call.call_id, self._notify(call), messages, also)

    def _notify(self, call: Call, context: Mapping[str, str] | None = None) -> Notify:
        secret = SecretStr(call.app)  # the audience of its tokens, see `GraphDialect.headers`
        return Notify(uri=call.callback_uri, dialect=self._desk.facade, secret=secret, context=context or {})

    # operations

    async def begin(self, call: Call, spec: RecordingSpec, **context: str) -> Answer:
        """Record, or play. ``context``: kind, version, clientContext, url."""
        name = new_id()
        folder = await asyncio.to_thread(self._desk.folder, call.channel, call.call_id)
        update = {
            "queue": call.call_id,
            "output_uri": str(folder),
            "notify": (self._notify(call, {"call": call.call_id, **context}),),
        }

        def also(db: sqlite3.Connection, recording: Recording) -> None:
            row = facade_rows.find_facade_row(db, self._desk.facade, CALL, call.call_id)
            if row is None or _call(row).ended is not None:
                raise NotFound(f"call '{call.call_id}' has just ended")
            facade_rows.add_facade_row(db, self._operation_row(call, name, recording.recording_id, ""))

        asked = await self._recordings.start(call.channel, name, spec.model_copy(update=update), also=also)
        return self._dialect.operation(asked)

    async def cancel(self, call: Call, client_context: str) -> Answer:
        """What goes on in the call, and what waits. It is done when it is answered."""
        await self._cancel(call)
        name = new_id()
        shown = answer("cancelMediaProcessing", name, PLAYED.status, client_context, PLAYED)
        row = self._operation_row(call, name, None, json.dumps(shown))
        await self._desk.write(lambda db: facade_rows.add_facade_row(db, row))
        return shown

    async def _cancel(self, call: Call) -> None:
        for row in reversed(self._operations(call)):  # the last first: none of them gets its turn
            if row.recording is not None:
                with contextlib.suppress(FailedPrecondition, NotFound):  # it has ended
                    await self._recordings.cancel(call.channel, row.recording)

    async def operations(self, call: Call) -> list[Answer]:
        """All of a call, by creation."""
        return [await self._shown(call, row) for row in self._operations(call)]

    async def operation(self, call: Call, name: str) -> Answer:
        """One. NOT_FOUND."""
        row = self._desk.find(_kind(call), guid(name, what="operation"))
        if row is None:
            raise NotFound(f"there is no operation '{name}' in this call")
        return await self._shown(call, row)

    async def _shown(self, call: Call, row: FacadeRow) -> Answer:
        if row.recording is None:
            shown: Answer = json.loads(row.resource)
            return shown
        return self._dialect.operation(await self._recordings.get(call.channel, row.recording))

    def _operations(self, call: Call) -> list[FacadeRow]:
        return self._desk.list(_kind(call))

    def _operation_row(self, call: Call, name: str, recording: str | None, resource: str) -> FacadeRow:
        now = self._desk.clock.now()
        return FacadeRow(self._desk.facade, _kind(call), name, call.channel, recording, now, resource)

    async def downlink(self, call: Call) -> AsyncGenerator[bytes, None]:
        """What is heard on it until it ends: a wav."""
        over = self._hanging_up.setdefault(call.call_id, asyncio.Event())
        async with aclosing(self._recordings.downlink(call.channel, call.call_id)) as heard:
            async for block in heard:
                if over.is_set():
                    return
                yield block

    # afterwards

    async def keep_house(self) -> None:
        """What was recorded goes a while after its call has ended, until cancelled."""
        while True:
            self._over.clear()
            ended = [(one, one.ended + self._kept) for one in self._all() if one.ended is not None]
            now = self._desk.clock.now()
            due = [call for call, until in ended if until <= now]
            done = [await self._forget(call) for call in due]
            waits = [until - now for _, until in ended if until > now]
            if not all(done):
                waits.append(AGAIN)
            await self._desk.clock.wait(self._over, min(waits, default=None))

    @property
    def _kept(self) -> int:
        return round(self._settings.keep.total_seconds() * SECOND)

    async def _forget(self, call: Call) -> bool:
        def work(db: sqlite3.Connection) -> None:
            facade_rows.forget_facade_rows(db, self._desk.facade, _kind(call), self._desk.clock.now() + 1)
            facade_rows.delete_facade_row(db, self._desk.facade, CALL, call.call_id)

        try:
            for row in self._operations(call):
                if row.recording is not None:
                    with contextlib.suppress(NotFound):
                        await self._recordings.delete(call.channel, row.recording)
            with contextlib.suppress(NotFound, OSError):  # it is not there, or somebody has put something into it
                await asyncio.to_thread(self._desk.folder(call.channel, call.call_id).rmdir)
            await self._desk.write(work)
        except LiveDvrError:
            return False
        return True

    async def recording(self, call_id: str, name: str) -> Recording:
        """What was recorded, as long as it is kept. NOT_FOUND."""
        call, now = self._stored(call_id), self._desk.clock.now()
        if call is None or (call.ended is not None and now >= call.ended + self._kept):
            raise NotFound(f"there is no recording '{name}'")
        return await self._recordings.get(call.channel, name)

    def _stored(self, call_id: str) -> Call | None:
        row = self._desk.find(CALL, call_id)
        return None if row is None else _call(row)

    def _all(self) -> list[Call]:
        return [_call(row) for row in self._desk.list(CALL)]


def _kind(call: Call) -> str:
    return f"operation of {call.call_id}"


def _call(row: FacadeRow) -> Call:
    return Call.model_validate_json(row.resource)


def _json(call: Call) -> str:
    return call.model_dump_json(by_alias=True)
