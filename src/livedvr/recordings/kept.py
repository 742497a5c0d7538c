"""The recordings of one channel as they stand: changed in the catalog first, then here, then it is told."""

from __future__ import annotations

import asyncio
import builtins
import sqlite3
from collections.abc import AsyncGenerator, Callable
from typing import Any

from livedvr.catalog import recording_rows
from livedvr.catalog.catalog import Also
from livedvr.recordings.outbox import Outbox
from livedvr.recordings.spans import Spans
from livedvr.recordings.states import ENDED, Event, Notice, State, advance
from livedvr.recordings.view import interval_of
from livedvr.resources.errors import NotFound
from livedvr.resources.models import to_datetime
from livedvr.resources.recording import Recording
from livedvr.sessions.changes import Changes
from livedvr.sessions.held_channel import HeldChannel


class Kept:
    """``open``: those that have not ended, by creation."""

    def __init__(self, held: HeldChannel, outbox: Outbox) -> None:
        self._held = held
        self._channel = held.channel.channel_id
        self._outbox = outbox
        self._changes = Changes()
        rows = held.catalog.read(lambda db: recording_rows.unfinished_recordings(db, self._channel))
        self.open = {row.recording_id: row for row in rows}

    def find(self, recording_id: str) -> Recording | None:
        """As it stands, ended or not."""
        if recording_id in self.open:
            return self.open[recording_id]
        return self._held.catalog.read(lambda db: recording_rows.find_recording(db, self._channel, recording_id))

    def get(self, recording_id: str) -> Recording:
        """As it stands, or NOT_FOUND."""
        found = self.find(recording_id)
        if found is None:
            raise NotFound(f"there is no recording '{recording_id}' on channel '{self._channel}'", field="recording")
        return found

    def list(self) -> builtins.list[Recording]:
        """All by creation."""
        rows = self._held.catalog.read(lambda db: recording_rows.list_recordings(db, self._channel))
        return [self.open.get(row.recording_id, row) for row in rows]

    async def add(self, row: Recording, also: Also[Recording] | None) -> None:
        """A new one. ``also`` is stored with it, or neither is."""

        def work(db: sqlite3.Connection) -> None:
            recording_rows.add_recording(db, row)
            self._outbox.tell(db, row)
            if also is not None:
                also(db, row)

        def lost() -> None:
            del self.open[row.recording_id]

        self.open[row.recording_id] = row  # from now on its media is held
        await self._write(row.recording_id, work, lambda: None, lost)

    async def put(
        self, row: Recording, event: Event | None, *, spans: Spans | None = None, **changes: Any
    ) -> Recording:
        """The recording with what has happened, or changed; FAILED_PRECONDITION: that cannot happen to it."""
        if event is not None:
            now = to_datetime(self._held.clock.now())
            changes |= {"state": advance(State(row.state), event), "update_time": now}
        if spans is not None:
            changes["spans"] = tuple(interval_of(one) for one in spans)
        if all(getattr(row, name) == value for name, value in changes.items()):
            return row
        row = row.model_copy(update=changes)

        def work(db: sqlite3.Connection) -> None:
            recording_rows.put_recording(db, row)
            if event is not None:
                self._outbox.tell(db, row, event)

        def done() -> None:
            if row.state in ENDED:
                self.open.pop(row.recording_id, None)
            else:
                self.open[row.recording_id] = row

        await self._write(row.recording_id, work, done)
        return row

    async def notice(self, row: Recording, notice: Notice) -> None:
        """Something to be told of it that changes nothing."""
        await self._held.write(lambda db: self._outbox.tell(db, row, notice))
        self._outbox.wake()

    async def remove(self, recording_id: str) -> None:
        """There is no such recording any more."""
        await self._write(
            recording_id,
            lambda db: recording_rows.delete_recording(db, self._channel, recording_id),
            lambda: self.open.pop(recording_id, None),
        )

    def watch(self, recording_id: str) -> AsyncGenerator[Recording, None]:
        """It now and after each change, until it has ended or gone. NOT_FOUND."""
        first = self.get(recording_id)
        return self._changes.watch(recording_id, first, self.find, lambda row: State(row.state) in ENDED)

    def close(self) -> None:
        """Nothing will change any more: whoever waits for a change is told."""
        self._changes.close()

    async def _write(
        self,
        recording_id: str,
        work: Callable[[sqlite3.Connection], None],
        done: Callable[[], object],
        lost: Callable[[], object] = lambda: None,
    ) -> None:
        """In the catalog, then here; who is cancelled meanwhile is so when both agree."""
        writing = asyncio.ensure_future(self._held.write(work))
        try:
            await asyncio.shield(writing)
        finally:
            await asyncio.wait([writing])
            if writing.cancelled() or writing.exception() is not None:
                lost()
            else:
                done()
                self._outbox.wake()
                self._changes.tell(recording_id)
