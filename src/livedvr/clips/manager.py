"""Makes the clips of one channel, one after another, and says how they stand.

What is decided here is durable before it is done, and everything that is done can be done again: after a crash the next
start carries an unfinished clip on.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

from livedvr.catalog import channel_rows, clip_rows
from livedvr.catalog.catalog import Also
from livedvr.catalog.clip_rows import ClipRow
from livedvr.clips.making import make, unmake
from livedvr.clips.place import absolute, check_free, check_place, file_name
from livedvr.clips.slices import check_kept, resolve_slices
from livedvr.clips.states import ENDED, Event, State, advance, what_happened
from livedvr.clips.view import to_resource
from livedvr.resources.clip import Clip, OutputType, TimeSlice
from livedvr.resources.errors import AlreadyExists, InvalidArgument, LiveDvrError, NotFound, StorageError
from livedvr.resources.layout import check_id
from livedvr.resources.times import SECOND
from livedvr.sessions.back_off import BackOff
from livedvr.sessions.changes import Changes
from livedvr.sessions.held_channel import HeldChannel
from livedvr.sessions.plan import Facts
from livedvr.sessions.windows import check_keeps
from livedvr.timeline.segment import Window

LOOK_AGAIN = SECOND  # for media that is still on its way, and storage that refuses for the time being


class ClipManager:
    """The clips of one channel. `run` is a task.

    Args:
        facts: what is so in the channel's ingest at an instant.
        nothing_goes: inside it, retention lets nothing go.
        private: the channel's folder of this machine, see `Place.private`.
    """

    def __init__(
        self,
        held: HeldChannel,
        facts: Callable[[int], Facts],
        nothing_goes: Callable[[], AbstractAsyncContextManager[Any]],
        private: Path,
    ) -> None:
        self._held = held
        self._facts = facts
        self._nothing_goes = nothing_goes
        self._private = private
        self._wake = asyncio.Event()
        self._changes = Changes()
        self._accepting = asyncio.Lock()  # two clips at once must not find the same folder free
        self._refused: dict[str, tuple[BackOff, int]] = {}  # clips that storage refuses, and when it is asked again
        self._making: tuple[str, asyncio.Task[dict[str, Any]]] | None = None
        rows = held.catalog.read(lambda db: clip_rows.unfinished_clips(db, held.channel.channel_id))
        self._open = {row.id: row for row in rows}

    async def run(self) -> None:
        """Make every clip that is to be made, until cancelled."""
        while True:
            self._wake.clear()
            for clip_id in list(self._open):
                if row := self._open.get(clip_id):
                    await self._advance(row)
            await self._held.clock.wait(self._wake, LOOK_AGAIN if self._open else None)

    def held(self) -> list[Window]:
        """The windows whose segments retention may not touch: those of clips that are still to be made."""
        return [window for row in self._open.values() for window in row.windows]

    def manifests_in_use(self) -> set[str]:
        """The keys of the manifests of clips that are still to be made."""
        return {row.manifest_key for row in self._open.values()}

    # requests

    async def create(
        self,
        clip_id: str,
        slices: Sequence[TimeSlice],
        *,
        output_uri: str,
        manifest_key: str | None,
        output_type: OutputType,
        exact: bool,
        labels: Mapping[str, str],
        also: Also[Clip] | None = None,
    ) -> Clip:
        """Accept a clip: checked, stored, and taken up by `run`. ``also`` is stored with it, or neither is."""
        check_id(clip_id, field="clipId")
        if output_type not in ("MANIFEST", "MP4"):
            raise InvalidArgument(f"'{output_type}' is no output type", field="outputType", hint="MANIFEST or MP4")
        if exact and output_type != "MP4":
            raise InvalidArgument(
                "a manifest lists whole segments", field="exact", hint="outputType MP4 is cut exactly"
            )
        key = manifest_key or next(iter(self._held.channel.manifest_keys()), "main")
        manifest = self._held.channel.manifest(key)
        check_keeps(self._held.channel.retention_micros)
        now = self._held.clock.now()
        row = ClipRow(
            channel=self._held.channel.channel_id,
            id=clip_id,
            output_uri=absolute(output_uri),
            manifest_key=key,
            file_name=file_name(manifest, output_type),
            output_type=output_type,
            exact=exact,
            windows=resolve_slices(slices, now),
            labels=labels,
            state=State.PENDING,
            created=now,
            updated=now,
        )
        async with self._accepting:
            return await self._accept(row, also)

    async def _accept(self, row: ClipRow, also: Also[Clip] | None) -> Clip:
        if self._find(row.id) is not None:
            raise AlreadyExists(f"clip '{row.id}' exists already", field="clipId", hint="use another id")
        if any(one.output_uri == row.output_uri and one.output_type == row.output_type for one in self._open.values()):
            raise AlreadyExists("another clip is being made there", field="outputUri", hint="use another folder")
        channels = [one.channel for one in self._held.catalog.read(channel_rows.list_channels)]
        await asyncio.to_thread(check_place, row.output_uri, channels)
        await asyncio.to_thread(check_free, row.output_uri, self._held.channel, row.manifest_key, row.output_type)

        def work(db: sqlite3.Connection) -> None:
            clip_rows.add_clip(db, row)
            if also is not None:
                also(db, to_resource(row))

        async with self._nothing_goes():  # from the look on its media is held
            check_kept(row.windows, self._held.known.timeline, self._arrived())
            self._open[row.id] = row
            try:
                await self._held.write(work)
            except BaseException:
                del self._open[row.id]
                raise
        self._wake.set()
        return to_resource(row)

    def get(self, clip_id: str) -> Clip:
        """The clip as it stands, or NOT_FOUND."""
        found = self._find(clip_id)
        if found is None:
            raise NotFound(f"there is no clip '{clip_id}' on channel '{self._held.channel.channel_id}'", field="clip")
        return to_resource(found)

    def list(self) -> list[Clip]:
        """The channel's clips by creation."""
        rows = self._held.catalog.read(lambda db: clip_rows.list_clips(db, self._held.channel.channel_id))
        return [to_resource(self._open.get(row.id, row)) for row in rows]

    async def delete(self, clip_id: str) -> None:
        """Delete the record; what has been made stays. One that is being made is given up."""
        self.get(clip_id)
        row = self._open.pop(clip_id, None)
        self._refused.pop(clip_id, None)
        if self._making is not None and self._making[0] == clip_id:
            self._making[1].cancel()
            await asyncio.wait([self._making[1]])
        if row is not None:
            await asyncio.to_thread(unmake, row, self._held.channel, self._held.known)
        await self._held.write(lambda db: clip_rows.delete_clip(db, self._held.channel.channel_id, clip_id))
        self._changes.tell(clip_id)

    def watch(self, clip_id: str) -> AsyncGenerator[Clip, None]:
        """The clip now and after each change, until it has SUCCEEDED, FAILED or gone. NOT_FOUND."""

        def find(clip_id: str) -> Clip | None:
            found = self._find(clip_id)
            return to_resource(found) if found else None

        return self._changes.watch(clip_id, self.get(clip_id), find, lambda clip: State(clip.state) in ENDED)

    def close(self) -> None:
        """Nothing will change any more: whoever waits for a change is told."""
        self._changes.close()

    # making them

    async def _advance(self, row: ClipRow) -> None:
        if row.state == State.PENDING:
            refused = self._facts(self._held.clock.now()).storage_error
            if refused is not None:
                await self._fail(row, StorageError(refused))
                return
            event = what_happened(row.windows, self._held.known.timeline, self._arrived())
            if event is Event.EMPTY:
                await self._fail(row, NotFound("no media in the slices"), event)
            if event is not Event.COMPLETE:
                return
            row = await self._put(row, event, started=self._held.clock.now())
        await self._make(row)

    def _arrived(self) -> int | None:
        """Up to which instant all media is on the timeline, as far as that can be told."""
        now = self._held.clock.now()
        facts = self._facts(now)
        return now if facts.drained else facts.frontier  # where nothing is recorded, nothing is on its way

    async def _make(self, row: ClipRow) -> None:
        back_off, not_before = self._refused.get(row.id, (BackOff(), 0))
        if self._held.clock.now() < not_before:
            return
        making = make(row, self._held.channel, self._held.known, self._held.store, self._private)
        task = asyncio.create_task(making, name=f"clip {row.id}")
        self._making = (row.id, task)
        try:
            await asyncio.wait([task])
        finally:
            self._making = None
            if not task.done():  # where we are cancelled, so is it
                task.cancel()
                await asyncio.wait([task])
        self._refused.pop(row.id, None)
        if row.id not in self._open:
            return  # it has been deleted meanwhile
        error = task.exception()
        if error is None:
            await self._put(row, Event.MADE, made=task.result(), error=None)
        elif isinstance(error, StorageError) and error.passing:
            self._refused[row.id] = back_off, self._held.clock.now() + back_off.refused()
            await self._put(row, None, error=f"{error.code}: {error}")  # shown, and tried again
        elif isinstance(error, LiveDvrError):
            await asyncio.to_thread(unmake, row, self._held.channel, self._held.known)
            await self._fail(row, error)
        else:
            raise error

    async def _fail(self, row: ClipRow, error: LiveDvrError, event: Event = Event.REFUSED) -> None:
        await self._put(row, event, error=f"{error.code}: {error}")

    async def _put(self, row: ClipRow, event: Event | None, **changes: Any) -> ClipRow:
        """The clip's row with what has happened: in the catalog first, then here."""
        if event is not None:
            changes |= {"state": advance(State(row.state), event), "updated": self._held.clock.now()}
        elif all(getattr(row, name) == value for name, value in changes.items()):
            return row
        row = replace(row, **changes)
        await self._held.write(lambda db: clip_rows.put_clip(db, row))
        if row.state in ENDED:
            self._open.pop(row.id, None)
        elif row.id in self._open:
            self._open[row.id] = row
        self._changes.tell(row.id)
        return row

    def _find(self, clip_id: str) -> ClipRow | None:
        if clip_id in self._open:
            return self._open[clip_id]
        return self._held.catalog.read(lambda db: clip_rows.find_clip(db, self._held.channel.channel_id, clip_id))
