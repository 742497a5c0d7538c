"""Lets go what a channel need not keep any longer (SEMANTICS R1-R4; a segment's way, step 8).

Read `Sweeper.sweep` from top to bottom. Every step is durable and can be repeated: a controller that dies after any of
them is followed by one whose first sweep finishes what was begun.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from livedvr.catalog import channel_rows, range_rows, segment_rows, session_rows
from livedvr.catalog.session_rows import RetiredRow, SessionRow
from livedvr.resources.errors import LiveDvrError, StorageError
from livedvr.resources.layout import media_playlist_name, run_folder, segment_name
from livedvr.resources.times import SECOND
from livedvr.sessions.held_channel import HeldChannel
from livedvr.sessions.holding import held_windows, is_ending, may_be_reclaimed, retired_windows, session_expiry
from livedvr.sessions.pressure import Disk, plan_reclaim
from livedvr.storage.base import ObjectStore, ask
from livedvr.timeline.retention import may_go
from livedvr.timeline.segment import Segment, Window

P = ParamSpec("P")
T = TypeVar("T")

MARKED_AT_ONCE = 2000  # segments a transaction: meanwhile no session can grow
DELETED_AT_ONCE = 100  # objects a turn of the worker thread, and rows a transaction


class Sessions(Protocol):
    """What the sweeper asks of the session manager."""

    async def expire(
        self, session_id: str, is_due: Callable[[SessionRow], bool], event: tuple[str, str] | None = None
    ) -> bool:
        """Begin to delete the session if it is still due; it goes by itself from there. Whether it was."""

    def nothing_changes(self) -> AbstractAsyncContextManager[Any]:
        """Inside, no session lists anything, is patched or deleted."""


class Sweeper:
    """Retention of one channel. `run` is a task; `sweep` is one pass of it.

    Args:
        disk: looks at the output's file system; None where there is none to fill (object stores).
        pause: microseconds between two sweeps.
        live: the windows that the channel's own live manifest holds at an instant, None: without a grace (O5).
    """

    def __init__(
        self,
        held: HeldChannel,
        sessions: Sessions,
        disk: Callable[[], Disk] | None = None,
        pause: int = 10 * SECOND,
        live: Callable[[int | None], Sequence[Window]] = lambda now: (),
    ) -> None:
        self._held = held
        self._sessions = sessions
        self._disk = disk
        self._pause = pause
        self._live = live
        self._trouble: StorageError | None = None  # what this sweep met first
        self._told: set[str] = set()  # events that are not repeated until what they tell of is over

    async def run(self) -> None:
        """Sweep for ever, until cancelled. What a sweep cannot do is left for the next one."""
        while True:
            with contextlib.suppress(LiveDvrError):  # of the catalog: then nothing can be noted either
                await self.sweep(self._held.clock.now())
            await self._held.clock.wait(asyncio.Event(), self._pause)

    async def sweep(self, now: int) -> None:
        """Let go what may go at this instant. What storage does not delete stays for the next sweep."""
        self._trouble = None
        await self._expire_sessions(now)
        await self._delete_replaced_playlists(now)
        while await self._mark_some(now):
            pass
        await self._delete_segments()
        await self._delete_runs()
        await self._forget_retired(now)
        if await self._relieve(now):
            await self._delete_segments()
            await self._delete_runs()
        if self._trouble is None:
            self._told.discard("RETENTION_FAILED")
        else:
            await self._tell_once(now, "RETENTION_FAILED", str(self._trouble))

    # the steps

    async def _expire_sessions(self, now: int) -> None:
        """R3: sessions go whole, never segments under them. The manager removes manifest, playlists, row."""

        def is_due(row: SessionRow) -> bool:
            expiry = session_expiry(row, self._held.known.timeline, self._held.channel.retention_micros)
            return expiry is not None and expiry <= now

        for row in self._session_rows():
            if is_due(row):
                await self._sessions.expire(row.id, is_due)

    async def _delete_replaced_playlists(self, now: int) -> None:
        """O6: a replaced edition's playlists have had their grace."""
        for edition in self._retired_rows():
            if edition.playlist_until is None or edition.playlist_until > now:
                continue
            names = [media_playlist_name(edition.session, mux, edition.edition) for mux in self._renditions]
            if len(await self._delete(names)) == len(names):
                await self._write(session_rows.playlist_gone, edition, self._held.clock.now())

    async def _mark_some(self, now: int) -> bool:
        """R1, R2: from the mark on nothing may list these segments. Whether there may be more of them."""
        until = now - self._held.channel.retention_micros
        async with self._sessions.nothing_changes():
            holds = [window for row in self._session_rows() for window in held_windows(row)]
            holds += [*retired_windows(self._retired_rows(), now), *self._live(now)]
            timeline = self._held.known.timeline
            going = {mux: may_go(timeline, mux, until, holds)[:MARKED_AT_ONCE] for mux in self._renditions}
            await self._mark(going)
            await self._forget_ranges(self._held.known.ranges.may_go(until, holds))
        return any(len(segments) == MARKED_AT_ONCE for segments in going.values())

    async def _mark(self, going: Mapping[str, Sequence[Segment]]) -> None:
        """Durable first, then here; between the decision and this nothing may be listed."""
        for mux, segments in going.items():
            numbers = {segment.number for segment in segments}
            if numbers:
                await self._write(segment_rows.mark_leaving, mux, numbers)
                self._held.known.timeline.forget(mux, numbers)

    async def _forget_ranges(self, serials: set[int]) -> None:
        """What is told of a time goes with its segments."""
        if serials:
            await self._write(range_rows.delete_tags, serials)
            self._held.known.ranges.forget(serials)

    async def _delete_segments(self) -> None:
        """R4: the object, then the row, a batch at a time."""
        container, left = {mux.key: mux.container for mux in self._held.channel.mux_streams}, 0
        while not self._storage_is_down:
            leaving = self._read(segment_rows.list_leaving, left + DELETED_AT_ONCE)[left:]
            if not leaving:
                return
            names = {segment_name(mux, s.run, s.index, container[mux]): (mux, s.number) for mux, s in leaving}
            gone = [names[name] for name in await self._delete(list(names))]
            if gone:
                await self._write(segment_rows.delete_segments, gone)
            left += len(leaving) - len(gone)

    async def _delete_runs(self) -> None:
        """Of a run that is over and of which no segment is left: its init segment, then its row."""
        for run in self._read(segment_rows.list_emptied_runs):
            names = await self._names_of(run)
            if names is None or len(await self._delete(names)) < len(names):
                continue
            await self._write(segment_rows.delete_run, run)
            self._held.known.media.pop(run, None)
            self._held.known.run_ends.pop(run, None)

    async def _forget_retired(self, now: int) -> None:
        """R4: editions whose grace is over hold nothing any more."""
        if any(is_ending(row) and (row.segments_until or 0) <= now for row in self._retired_rows()):
            await self._write(session_rows.forget_retired, now)

    async def _relieve(self, now: int) -> bool:
        """R5: when the disk is nearly full, more goes than retention asks for. Whether segments do."""
        disk = await self._look_at_disk()
        if disk is None or disk.deficit <= 0:
            if disk is not None and disk.is_calm:
                self._told -= {"DISK_PRESSURE", "SEGMENTS_RECLAIMED"}
            return False
        deficit = disk.deficit - self._read(segment_rows.leaving_bytes)
        async with self._sessions.nothing_changes():
            found = plan_reclaim(
                self._held.known.timeline,
                self._session_rows(),
                self._retired_rows(),
                deficit,
                now=now,
                retention=self._held.channel.retention_micros,
                dire=disk.is_dire,
                live=self._live(None),
            )
            await self._mark(found.segments)
        left = f"{disk.free >> 20} MiB are left at {self._held.channel.output.uri}"
        for session, size in found.sessions:
            text = f"{left}: session '{session}' is removed, {size >> 20} MiB ({size} bytes) go with it"
            await self._sessions.expire(session, may_be_reclaimed, ("SESSION_RECLAIMED", text))
        if found.segments:
            await self._tell_once(now, "SEGMENTS_RECLAIMED", f"{left}: segments that no session lists go early")
        if found.missing:
            await self._tell_once(
                now, "DISK_PRESSURE", f"{left}, and nothing more can be removed: sessions hold it; free some space"
            )
        return bool(found.segments)

    # what the steps are made of

    @property
    def _renditions(self) -> list[str]:
        return list(self._held.known.timeline.renditions())

    @property
    def _storage_is_down(self) -> bool:
        """It refused for the time being: whatever comes next would be refused too."""
        return self._trouble is not None and self._trouble.passing

    def _session_rows(self) -> list[SessionRow]:
        return self._read(session_rows.list_sessions)

    def _retired_rows(self) -> list[RetiredRow]:
        return self._read(session_rows.list_retired)

    def _read(self, query: Callable[Concatenate[sqlite3.Connection, str, P], T], *args: P.args, **kw: P.kwargs) -> T:
        return self._held.catalog.read(lambda db: query(db, self._held.channel.channel_id, *args, **kw))

    async def _write(
        self, work: Callable[Concatenate[sqlite3.Connection, str, P], None], *args: P.args, **kw: P.kwargs
    ) -> None:
        await self._held.write(lambda db: work(db, self._held.channel.channel_id, *args, **kw))

    async def _delete(self, names: Sequence[str]) -> list[str]:
        """Delete objects; those that have gone. The others are for the next sweep."""
        gone, trouble = await ask(self._held.store, delete_objects, self._held.store, names)
        self._trouble = self._trouble or trouble
        return gone

    async def _names_of(self, run: str) -> list[str] | None:
        """What lies in the run's folders, also segments that never came to be listed; None: storage does not say."""
        try:
            return await asyncio.to_thread(
                lambda: [name for mux in self._renditions for name in self._held.store.list(f"{run_folder(mux, run)}/")]
            )
        except StorageError as error:
            self._trouble = self._trouble or error
            return None

    async def _look_at_disk(self) -> Disk | None:
        if self._disk is None:
            return None
        try:
            return await asyncio.to_thread(self._disk)
        except OSError as error:
            trouble = StorageError(error.strerror or str(error), field=self._held.channel.output.uri)
            self._trouble = self._trouble or trouble
            return None

    async def _tell_once(self, now: int, kind: str, text: str) -> None:
        if kind not in self._told:
            self._told.add(kind)
            await self._write(channel_rows.add_event, now, kind, text)


def delete_objects(store: ObjectStore, names: Sequence[str]) -> tuple[list[str], StorageError | None]:
    """Blocking. The names that have gone, and what storage said first of the others."""
    gone: list[str] = []
    trouble: StorageError | None = None
    for name in names:
        try:
            store.delete(name)
        except StorageError as error:
            trouble = trouble or error
            if error.passing:
                break
        else:
            gone.append(name)
    return gone, trouble
