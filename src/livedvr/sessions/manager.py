"""Makes the plan true: one channel's sessions, their states and their playlists (a segment's way, steps 6 and 7)."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from livedvr.catalog import channel_rows, session_rows
from livedvr.catalog.catalog import Also, Catalog, Owner
from livedvr.catalog.session_rows import SessionRow
from livedvr.resources.errors import Aborted, AlreadyExists, StorageError
from livedvr.resources.layout import check_id, session_folder
from livedvr.resources.models import Channel, DvrSession, TimeInterval
from livedvr.resources.times import HOUR, SECOND
from livedvr.sessions.book import SessionBook
from livedvr.sessions.open_session import OpenSession
from livedvr.sessions.patch import COOLDOWN, check_patchable, judge_patch
from livedvr.sessions.plan import Facts, plan
from livedvr.sessions.states import Event, State, advance
from livedvr.sessions.windows import check_keeps, resolve_windows
from livedvr.sessions.writes import Writes, erase_manifest, write_playlists
from livedvr.storage.base import ObjectStore, ask
from livedvr.timeline.gaps import CHANNEL_STOPPED, SOURCE_LOST
from livedvr.timeline.timeline import ChannelTimeline
from livedvr.wallclock import WallClock

T = TypeVar("T")

LOOK_AGAIN = SECOND  # a window may end by time alone, when no media comes
LONGEST_GRACE = HOUR  # R4


class SessionManager(SessionBook):
    """The sessions of one channel. `run` is a task; `wake` tells it that something has happened.

    ``facts`` says what is so in the channel's ingest at an instant; ``on_state`` is told of each change of a state,
    ``on_published`` how long after the closing of the channel's newest segment a playlist had it, microseconds.
    """

    def __init__(
        self,
        channel: Channel,
        known: ChannelTimeline,
        store: ObjectStore,
        catalog: Catalog,
        owner: Owner,
        clock: WallClock,
        facts: Callable[[int], Facts],
        on_state: Callable[[DvrSession], None] = lambda _: None,
        on_published: Callable[[int], None] = lambda _: None,
    ) -> None:
        super().__init__(channel, store, catalog, owner, clock, on_state)
        self._known = known
        self._facts = facts
        self._on_published = on_published
        self._wake = asyncio.Event()
        self._writes = Writes(store, clock, self._wake.set)
        self._updating: set[str] = set()
        self._passed = asyncio.Event()  # set at the end of the present pass
        self._begun = self._done = 0  # how often `run` has begun and ended to look at everything
        self._making = asyncio.Lock()  # one at a time changes sessions: the pass, or a request
        self._requests: set[asyncio.Task[Any]] = set()  # whose steps are being carried out

    def wake(self) -> None:
        """Something has happened: segments, a change of the channel, a new session."""
        self._wake.set()

    async def run(self) -> None:
        """Keep every open session as it should be, until cancelled."""
        while True:
            self._wake.clear()
            self._begun += 1
            for session_id in list(self._open):
                async with self._making:
                    if await self._at_rest(session_id) and (session := self._open.get(session_id)):
                        await self._advance(session)
            self._done = self._begun
            self._passed.set()
            self._passed = asyncio.Event()
            if self._writes.sessions:
                await self._wake.wait()  # at the latest when the store has answered
            else:
                await self._clock.wait(self._wake, self._patience())

    def _patience(self) -> int | None:
        """How long nothing has to be looked at by itself, microseconds."""
        due = [self._writes.due_in(session.row.id) for session in self._open.values() if not session.published]
        return min([LOOK_AGAIN, *(wait for wait in due if wait)]) if self._open else None

    def nothing_changes(self) -> asyncio.Lock:
        """``async with`` it: meanwhile no session lists anything, is patched or deleted."""
        return self._making

    @contextlib.asynccontextmanager
    async def nothing_is_written(self) -> AsyncIterator[None]:
        """Inside, nothing changes, and nothing of any session is on its way to the store."""
        async with self._making:
            await self._writes.ended()
            yield

    @contextlib.asynccontextmanager
    async def _changing(self, session_id: str) -> AsyncIterator[None]:
        """Inside, nothing changes but by whoever is inside, and nothing of this session is being written."""
        while True:
            async with self._making:
                if await self._at_rest(session_id):
                    yield
                    return
                writing = self._writes.of(session_id)
            if writing is not None:
                await asyncio.wait([writing])

    async def _at_rest(self, session_id: str) -> bool:
        """Whether nothing of the session is being written; what has been is noted."""
        writing = self._writes.of(session_id)
        if writing is None or not writing.done():
            return writing is None
        await self._written(self._open[session_id], self._writes.outcome(session_id))
        return True

    # requests

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
        now = self._clock.now()
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
        if await ask(self._store, lambda: any(self._store.list(f"{session_folder(session_id)}/"))):
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

        stored = await self._catalog.write(work, self._owner)
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
                patched = replace(row, labels=row.labels if labels is None else labels, updated=self._clock.now())
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
        stored = await self._catalog.write(work, self._owner)
        if event is not None:
            self._reopen(stored, before).grow(self._known)
        elif row.id in self._open:
            self._open[row.id].row = stored
            self._tell(row.id)

    def _judge(self, row: SessionRow) -> Event:
        """What the patch to ``row.windows`` is (S7-S10), or why it is refused."""
        timeline, session = self._known.timeline, self._session(row.id)
        if row.state == State.LIVE:
            session.grow(self._known)  # it may not have been looked at yet since a restart
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
            row = self._catalog.read(lambda db: session_rows.find_session(db, self.channel.channel_id, session_id))
            if row is None or not is_due(row):
                return False
            now = self._clock.now()
            going = replace(row, state=advance(State(row.state), Event.DELETE), error=None, updated=now)

            def work(db: sqlite3.Connection) -> None:
                session_rows.put_session(db, going)
                if event is not None:
                    channel_rows.add_event(db, going.channel, now, *event)

            await self._catalog.write(work, self._owner)
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
            if self._closed:
                raise Aborted("the controller was left before the session was gone", field="dvrSessionId")
            await self._next_change(session_id).wait()

    async def settled(self) -> None:
        """Return when `run` has looked since the call and no session is on its way to its end (a channel's stop)."""
        on_the_way = (State.PENDING, State.UPDATING, State.LIVE, State.STOPPING, State.POST_PROCESSING)
        begun = self._begun  # a pass under way may have looked before the call: the one after it counts
        self.wake()
        while True:
            busy = any(State(s.row.state) in on_the_way for s in self._open.values()) or self._writes.sessions
            if self._done > begun and not busy:
                return
            await self._passed.wait()

    # making it true

    async def _advance(self, session: OpenSession) -> None:
        """One session: what should be true now, made true."""
        if session.row.state == State.DELETING:
            self._erase(session)
            return
        before = None
        while before != (before := (session.row.state, session.sealed, session.storage_error)):
            facts = self._facts_for(session)
            wanted = plan(State(session.row.state), session.row.windows, self._known.timeline, facts)
            if wanted.new_edition:
                session = await self._begin_edition(session, wanted.state)
                continue
            if wanted.state in (State.FINISHED, State.FAILED):
                await self._close(session, wanted.state, wanted.error)
                return
            if wanted.state not in (State.LIVE, session.row.state):
                await self._set_state(session, wanted.state)
            session.grow(self._known)
            if wanted.seal or session.row.summary is not None:
                await self._seal(session, CHANNEL_STOPPED if wanted.state is State.STOPPING else SOURCE_LOST)
            if not session.published and await self._publish(session):
                return
            if wanted.state is State.LIVE and (session.published or session.storage_error):
                await self._set_state(session, wanted.state)  # S3: LIVE says that there is a manifest to be fetched

    def _facts_for(self, session: OpenSession) -> Facts:
        now, row = self._clock.now(), session.row
        facts = self._facts(now)
        # The stop that an earlier controller was carrying out is over: what it left has been read.
        drained = facts.drained or (session.found_stopping and facts.left_read)
        cooled = row.cooldown_until is not None and now >= row.cooldown_until
        refused = session.storage_error or facts.storage_error
        return replace(facts, drained=drained, sealed=session.sealed, cooled=cooled, storage_error=refused)

    async def _begin_edition(self, session: OpenSession, state: State) -> OpenSession:
        """S7: the cooldown is over, its windows are drawn anew."""
        row, grace = replace(session.row, state=state, updated=self._clock.now()), self._grace(session.row)
        stored = await self._catalog.write(lambda db: session_rows.begin_edition(db, row, grace), self._owner)
        return self._reopen(stored, session.row.state)

    async def _seal(self, session: OpenSession, reason: str) -> None:
        """What the session holds is stored before its ENDLIST is published: after it nothing is ever listed (P2)."""
        if session.seal(reason) and session.row.summary is None:
            await self._put(session, summary=session.summary())

    async def _publish(self, session: OpenSession) -> bool:
        """Step 7, when it is due. Whether it is under way now."""
        row = session.row
        if not (session.is_complete or session.sealed_text) or self._writes.due_in(row.id):
            return False
        if not session.declared:  # the edition's target duration is stored before anybody can read it
            await self._catalog.write(lambda db: session_rows.put_session(db, row), self._owner)
        session.with_main = session.needs_multivariant
        self._writes.begin(row.id, write_playlists(self._store, session, self._known, session.with_main))
        return True

    async def _written(self, session: OpenSession, refused: StorageError | None) -> None:
        """What was begun for the session is written, or refused: shown, and tried again if it passes (S14)."""
        row, now = session.row, self._clock.now()
        if refused is not None and (refused.passing or row.state == State.DELETING):
            await self._put(session, error=str(refused))
        elif refused is not None:
            session.storage_error = str(refused)
        elif row.state == State.DELETING:
            await self._erased(row)
        else:
            if not session.declared and row.edition > 1:
                await self._catalog.write(
                    lambda db: session_rows.release_editions(db, row.channel, row.id, now), self._owner
                )
            session.stored(with_multivariant=session.with_main)
            self._measure(session, now)
            if row.state == State.COOLDOWN and session.sealed and row.cooldown_until is None:
                await self._put(session, error=None, cooldown_until=now + COOLDOWN)
            await self._put(session, error=None)
            self._tell(row.id)

    def _measure(self, session: OpenSession, now: int) -> None:
        if self._known.closed is not None and session.has_new_end(self._known):
            self._on_published(now - self._known.closed)

    async def _set_state(self, session: OpenSession, state: State, error: str | None = None) -> None:
        await self._put(session, state=state, error=error)

    async def _close(self, session: OpenSession, state: State, error: str | None) -> None:
        """FINISHED or FAILED: what it holds is stored with the state, and nothing is kept in memory."""
        if not session.renditions:
            session.grow(self._known)  # FAILED right after a restart: what its playlist lists tells its grace (R4)
        await self._put(session, state=state, error=error, summary=session.row.summary or session.summary())
        del self._open[session.row.id]
        self._tell(session.row.id)

    def _erase(self, session: OpenSession) -> None:
        """S15: the manifest's objects go, then the row."""
        if session.row.summary is None:
            session.grow(self._known)  # after a restart nothing is drawn yet: the grace is as long as the playlist (R4)
        if not self._writes.due_in(session.row.id):
            self._writes.begin(session.row.id, erase_manifest(self._store, session.row.id))

    async def _erased(self, row: SessionRow) -> None:
        grace, now = self._grace(row), self._clock.now()
        await self._catalog.write(lambda db: session_rows.delete_session(db, row, grace, now), self._owner)
        del self._open[row.id]
        self._tell(row.id)

    def _grace(self, row: SessionRow) -> int:
        """R4: how long what the present edition lists stays after its playlist, microseconds."""
        session = self._open.get(row.id)
        held = row.summary or (session.summary() if session else {})
        return min(int(held.get("duration", 0)), LONGEST_GRACE)
