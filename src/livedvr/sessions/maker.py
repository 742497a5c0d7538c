"""Makes the plan true: one channel's sessions, their states and their playlists (a segment's way, steps 6 and 7)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import replace

from livedvr.catalog import session_rows
from livedvr.catalog.session_rows import SessionRow
from livedvr.resources.errors import StorageError
from livedvr.resources.models import DvrSession
from livedvr.resources.times import HOUR, SECOND
from livedvr.sessions.book import SessionBook
from livedvr.sessions.held_channel import HeldChannel
from livedvr.sessions.open_session import AT_ONCE, OpenSession
from livedvr.sessions.patch import COOLDOWN
from livedvr.sessions.plan import Facts, plan
from livedvr.sessions.states import State
from livedvr.sessions.writes import Writes, erase_manifest, write_playlists
from livedvr.timeline.gaps import CHANNEL_STOPPED, SOURCE_LOST

LOOK_AGAIN = SECOND  # a window may end by time alone, when no media comes
LONGEST_GRACE = HOUR  # R4


class SessionMaker(SessionBook):
    """Carries out what follows for the sessions of one channel. `run` is a task; `wake`: something has happened.

    ``facts`` says what is so in the channel's ingest at an instant; ``on_state`` is told of each change of a state,
    ``on_published`` how long after the closing of the channel's newest segment a playlist had it, microseconds.
    """

    def __init__(
        self,
        held: HeldChannel,
        facts: Callable[[int], Facts],
        on_state: Callable[[DvrSession], None],
        on_published: Callable[[int], None],
    ) -> None:
        super().__init__(held, on_state)
        self._facts = facts
        self._on_published = on_published
        self._wake = asyncio.Event()
        self._news = True  # something has happened that may concern every session
        self._again = 0  # when all have to be looked at without it, UTC microseconds
        self._writes = Writes(held.store, held.clock, self._wake.set)
        self._passed = asyncio.Event()  # set at the end of the present pass
        self._begun = self._done = 0  # how often `run` has begun and ended to look at everything
        self._making = asyncio.Lock()  # one at a time changes sessions: the pass, or a request

    def wake(self) -> None:
        """Something has happened: segments, a change of the channel, a new session."""
        self._news = True
        self._wake.set()

    async def run(self) -> None:
        """Keep every open session as it should be, until cancelled."""
        while True:
            self._wake.clear()
            self._begun += 1
            every = self._news or self._held.clock.now() >= self._again
            # A written playlist concerns its session alone: to look at all each time is a square (measured: with 1,000
            # sessions 18 looks at each for a segment, 1.9 s of CPU instead of 0.6).
            looked_at = list(self._open) if every else self._writes.over()
            self._news = False
            for session_id in looked_at:
                async with self._making:
                    if await self._at_rest(session_id) and (session := self._open.get(session_id)):
                        await self._advance(session)
            due = self._held.clock.now() + self._patience(looked_at)
            self._again = due if every else min(due, self._again)
            self._done = self._begun
            self._passed.set()
            self._passed = asyncio.Event()
            if self._writes.sessions:
                await self._wake.wait()  # at the latest when the store has answered
            else:
                await self._held.clock.wait(self._wake, self._again - self._held.clock.now() if self._open else None)

    def _patience(self, looked_at: Iterable[str]) -> int:
        """How long none of these sessions has to be looked at by itself, microseconds."""
        still = (self._open[session_id] for session_id in looked_at if session_id in self._open)
        due = [self._writes.due_in(session.row.id) for session in still if not session.published]
        return min([LOOK_AGAIN, *(wait for wait in due if wait)])

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
            wanted = plan(State(session.row.state), session.row.windows, self._held.known.timeline, facts)
            if wanted.new_edition:
                session = await self._begin_edition(session, wanted.state)
                continue
            if wanted.state in (State.FINISHED, State.FAILED):
                await self._close(session, wanted.state, wanted.error)
                return
            if wanted.state not in (State.LIVE, session.row.state):
                await self._set_state(session, wanted.state)
            while not session.grow(self._held.known, AT_ONCE):  # noqa: ASYNC110 - it is not waited for, but drawn
                await asyncio.sleep(0)  # after a restart that may be days: meanwhile others are published and answered
            if wanted.seal or session.row.summary is not None:
                await self._seal(session, CHANNEL_STOPPED if wanted.state is State.STOPPING else SOURCE_LOST)
            if not session.published and await self._publish(session):
                return
            if wanted.state is State.LIVE and (session.published or session.storage_error):
                await self._set_state(session, wanted.state)  # S3: LIVE says that there is a manifest to be fetched

    def _facts_for(self, session: OpenSession) -> Facts:
        now, row = self._held.clock.now(), session.row
        facts = self._facts(now)
        # The stop that an earlier controller was carrying out is over: what it left has been read.
        drained = facts.drained or (session.found_stopping and facts.left_read)
        cooled = row.cooldown_until is not None and now >= row.cooldown_until
        refused = session.storage_error or facts.storage_error
        return replace(facts, drained=drained, sealed=session.sealed, cooled=cooled, storage_error=refused)

    async def _begin_edition(self, session: OpenSession, state: State) -> OpenSession:
        """S7: the cooldown is over, its windows are drawn anew."""
        row, grace = replace(session.row, state=state, updated=self._held.clock.now()), self._grace(session.row)
        stored = await self._held.write(lambda db: session_rows.begin_edition(db, row, grace))
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
            await self._held.write(lambda db: session_rows.put_session(db, row))
        session.with_main = session.needs_multivariant
        self._writes.begin(row.id, write_playlists(self._held.store, session, self._held.known, session.with_main))
        return True

    async def _written(self, session: OpenSession, refused: StorageError | None) -> None:
        """What was begun for the session is written, or refused: shown, and tried again if it passes (S14)."""
        row, now = session.row, self._held.clock.now()
        if refused is not None and (refused.passing or row.state == State.DELETING):
            await self._put(session, error=str(refused))
        elif refused is not None:
            session.storage_error = str(refused)
        elif row.state == State.DELETING:
            await self._erased(row)
        else:
            if not session.declared and row.edition > 1:
                await self._held.write(lambda db: session_rows.release_editions(db, row.channel, row.id, now))
            session.stored(with_multivariant=session.with_main)
            self._measure(session, now)
            if row.state == State.COOLDOWN and session.sealed and row.cooldown_until is None:
                await self._put(session, error=None, cooldown_until=now + COOLDOWN)
            await self._put(session, error=None)
            self._changes.tell(row.id)

    def _measure(self, session: OpenSession, now: int) -> None:
        if self._held.known.closed is not None and session.has_new_end(self._held.known):
            self._on_published(now - self._held.known.closed)

    async def _set_state(self, session: OpenSession, state: State, error: str | None = None) -> None:
        await self._put(session, state=state, error=error)

    async def _close(self, session: OpenSession, state: State, error: str | None) -> None:
        """FINISHED or FAILED: what it holds is stored with the state, and nothing is kept in memory."""
        if not session.renditions:
            session.grow(self._held.known)  # FAILED right after a restart: what its playlist lists tells its grace (R4)
        await self._put(session, state=state, error=error, summary=session.row.summary or session.summary())
        del self._open[session.row.id]
        self._changes.tell(session.row.id)

    def _erase(self, session: OpenSession) -> None:
        """S15: the manifest's objects go, then the row."""
        if session.row.summary is None:
            # After a restart nothing is drawn yet: the grace is as long as the playlist (R4).
            session.grow(self._held.known)
        if not self._writes.due_in(session.row.id):
            self._writes.begin(session.row.id, erase_manifest(self._held.store, session.row.id))

    async def _erased(self, row: SessionRow) -> None:
        grace, now = self._grace(row), self._held.clock.now()
        await self._held.write(lambda db: session_rows.delete_session(db, row, grace, now))
        del self._open[row.id]
        self._changes.tell(row.id)

    def _grace(self, row: SessionRow) -> int:
        """R4: how long what the present edition lists stays after its playlist, microseconds."""
        session = self._open.get(row.id)
        held = row.summary or (session.summary() if session else {})
        return min(int(held.get("duration", 0)), LONGEST_GRACE)
