"""What is asked of one channel's sessions: each request is stored before it is answered, and then carried out."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from livedvr.catalog import channel_rows, session_rows
from livedvr.catalog.catalog import Also
from livedvr.catalog.session_rows import SessionRow
from livedvr.resources.errors import Aborted, AlreadyExists, StorageError
from livedvr.resources.layout import check_id, session_folder
from livedvr.resources.models import DvrSession, TimeInterval
from livedvr.sessions.held_channel import HeldChannel
from livedvr.sessions.maker import SessionMaker
from livedvr.sessions.patch import check_patchable, judge_patch
from livedvr.sessions.plan import Facts
from livedvr.sessions.states import Event, State, advance
from livedvr.sessions.windows import check_keeps, resolve_windows
from livedvr.storage.base import ask

T = TypeVar("T")


class SessionManager(SessionMaker):
    """The sessions of one channel. `run` is a task; `wake` tells it that something has happened."""

    def __init__(
        self,
        held: HeldChannel,
        facts: Callable[[int], Facts],
        on_state: Callable[[DvrSession], None] = lambda _: None,
        on_published: Callable[[int], None] = lambda _: None,
    ) -> None:
        super().__init__(held, facts, on_state, on_published)
        self._updating: set[str] = set()
        self._requests: set[asyncio.Task[Any]] = set()  # whose steps are being carried out

    async def create(
        self,
        session_id: str,
        intervals: Sequence[TimeInterval],
        manifest_key: str | None,
        labels: Mapping[str, str],
        also: Also[DvrSession] | None = None,
    ) -> DvrSession:
        """Accept a session (S1): checked, stored, and taken up by `run`. ``also`` is stored with it, or neither is."""
        check_id(session_id, field="dvrSessionId")
        manifest_key = manifest_key or next(iter(self.channel.manifest_keys()), "main")
        self.channel.manifest(manifest_key)  # W1: there is one
        check_keeps(self.channel.retention_micros)
        now = self._held.clock.now()
        windows = resolve_windows(intervals, now, now - self.channel.retention_micros)
        row = SessionRow(
            channel=self.channel.channel_id,
            id=session_id,
            manifest_key=manifest_key,
            windows=windows,
            edition_windows=windows,
            labels=labels,
            state=State.PENDING,
            error=None,
            edition=0,
            target=None,
            summary=None,
            created=now,
            updated=now,
        )
        if await ask(self._held.store, lambda: any(self._held.store.list(f"{session_folder(session_id)}/"))):
            found = self.find(session_id)
            raise AlreadyExists(
                f"session '{session_id}' exists already" + ("" if found else ", made by another catalog"),
                field="dvrSessionId",
                hint="use another id, or --resume" if found else "use another id, or remove its folder",
            )
        return await self._whole(self._add(row, also))

    async def _add(self, row: SessionRow, also: Also[DvrSession] | None) -> DvrSession:
        accepted = self._resource(row)

        def work(db: sqlite3.Connection) -> SessionRow:
            stored = session_rows.add_session(db, row)
            if also is not None:
                also(db, accepted)
            return stored

        stored = await self._held.write(work)
        self._reopen(stored, before="")
        self.wake()
        return self._resource(stored)

    async def update(
        self,
        session_id: str,
        *,
        intervals: Sequence[TimeInterval] | None = None,
        labels: Mapping[str, str] | None = None,
        also: Also[DvrSession] | None = None,
    ) -> DvrSession:
        """Patch a session's windows, its labels, or both (S6-S10); what is None stays.

        A first window without a start keeps the start that the session has. Labels alone change no state. ``also`` is
        stored with the patch, or neither is; what the manifest holds it is told as it was before.
        ABORTED while another update of the same session is under way (S17).
        """
        if session_id in self._updating:
            raise Aborted(
                f"another update of session '{session_id}' is under way", field="dvrSession", hint="try again after it"
            )
        self._updating.add(session_id)
        return await self._whole(self._patch(session_id, intervals, labels, also))

    async def _patch(
        self,
        session_id: str,
        intervals: Sequence[TimeInterval] | None,
        labels: Mapping[str, str] | None,
        also: Also[DvrSession] | None,
    ) -> DvrSession:
        try:
            async with self._changing(session_id):
                row = self._session(session_id).row
                check_patchable(State(row.state), row.cooldown_until)
                patched = replace(row, labels=row.labels if labels is None else labels, updated=self._held.clock.now())
                await self._store_patch(patched, intervals, also)
        finally:
            self._updating.discard(session_id)
        self.wake()
        return self.get(session_id)

    async def _store_patch(
        self, row: SessionRow, intervals: Sequence[TimeInterval] | None, also: Also[DvrSession] | None
    ) -> None:
        """One transaction; then the session is opened anew from its row, as after a restart."""
        event = None
        if intervals is not None:
            kept_since = min(row.windows[0].start, row.updated - self.channel.retention_micros)  # it holds its own
            row = replace(row, windows=resolve_windows(intervals, row.windows[0].start, kept_since))
            event = self._judge(row)
            row = replace(row, state=advance(State(row.state), event), error=None, ended=None)
        # An edition of which something may have been read is never drawn with other windows (O6).
        fresh = event is Event.PATCHED and row.target is not None
        if event is Event.CUT:
            row = replace(row, summary=self._session(row.id).summary())  # as it stands: nothing more is listed (S7)
        elif event is not None and not fresh:
            row = replace(row, edition_windows=row.windows)
        grace, accepted = self._grace(row), self._resource(row)

        def work(db: sqlite3.Connection) -> SessionRow:
            if also is not None:
                also(db, accepted)
            if fresh:
                return session_rows.begin_edition(db, row, grace)
            session_rows.put_session(db, row)
            return row

        before = self._session(row.id).row.state
        stored = await self._held.write(work)
        if event is not None:
            self._reopen(stored, before).grow(self._held.known)
        elif row.id in self._open:
            self._open[row.id].row = stored
            self._changes.tell(row.id)

    def _judge(self, row: SessionRow) -> Event:
        """What the patch to ``row.windows`` is (S7-S10), or why it is refused."""
        timeline, session = self._held.known.timeline, self._session(row.id)
        if row.state == State.LIVE:
            session.grow(self._held.known)  # it may not have been looked at yet since a restart
        published = list(itertools.islice(timeline.listing(timeline.reference, row.edition_windows), session.segments))
        frontier = self._facts(row.updated).frontier
        return judge_patch(State(row.state), published, row.windows, timeline, row.updated, frontier)

    async def delete(self, session_id: str) -> None:
        """Delete the session with its manifest; segments follow retention (S15). Returns when it is gone."""
        await self._whole(self._begin_delete(session_id))
        await self._until_gone(session_id)

    async def _begin_delete(self, session_id: str) -> None:
        async with self._changing(session_id):
            session = self._session(session_id)
            await self._set_state(session, advance(State(session.row.state), Event.DELETE))
            self._writes.hurry(session_id)
            self._open[session_id] = session
        self.wake()

    async def _whole(self, steps: Coroutine[Any, Any, T]) -> T:
        """Carry a request's steps out also when whoever asked has gone: else the catalog had it, and we did not."""
        task = asyncio.create_task(steps)
        self._requests.add(task)
        task.add_done_callback(self._requests.discard)
        return await asyncio.shield(task)

    async def requests_done(self) -> None:
        """Return when no request is half carried out."""
        while self._requests:
            await asyncio.wait(self._requests)

    async def expire(
        self, session_id: str, is_due: Callable[[SessionRow], bool], event: tuple[str, str] | None = None
    ) -> bool:
        """Begin to delete a closed session if it is still due (R3, R5), with an event of the channel (kind, text).

        It goes by itself from there. Whether it was due.
        """
        async with self._making:
            row = self._held.catalog.read(lambda db: session_rows.find_session(db, self.channel.channel_id, session_id))
            if row is None or not is_due(row):
                return False
            now = self._held.clock.now()
            going = replace(row, state=advance(State(row.state), Event.DELETE), error=None, updated=now)

            def work(db: sqlite3.Connection) -> None:
                session_rows.put_session(db, going)
                if event is not None:
                    channel_rows.add_event(db, going.channel, now, *event)

            await self._held.write(work)
            self._reopen(going, row.state)
        self.wake()
        return True

    async def _until_gone(self, session_id: str) -> None:
        while True:
            session = self.find(session_id)
            if session is None:
                return
            if session.error is not None and session.state == State.DELETING:
                raise StorageError(session.error, field=session.output_uri, hint="it is tried again as long as it runs")
            if self._changes.is_closed:
                raise Aborted("the controller was left before the session was gone", field="dvrSessionId")
            await self._changes.next(session_id).wait()
