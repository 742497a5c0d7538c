"""Makes the plan true: one channel's sessions, their states and their playlists (a segment's way, steps 6 and 7)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from livedvr.catalog import session_rows
from livedvr.catalog.catalog import Catalog, Owner
from livedvr.catalog.session_rows import SessionRow
from livedvr.resources.errors import Aborted, AlreadyExists, NotFound, StorageError
from livedvr.resources.layout import check_id, media_playlist_name, multivariant_name, session_folder
from livedvr.resources.models import Channel, DvrSession, Gap, TimeInterval, to_datetime
from livedvr.resources.times import SECOND
from livedvr.sessions.open_session import OpenSession
from livedvr.sessions.plan import Facts, plan
from livedvr.sessions.states import TERMINAL, Event, State, advance
from livedvr.sessions.windows import resolve_windows, to_interval
from livedvr.storage.base import ObjectStore
from livedvr.timeline.gaps import CHANNEL_STOPPED, SOURCE_LOST
from livedvr.timeline.timeline import ChannelTimeline
from livedvr.wallclock import WallClock

LOOK_AGAIN = SECOND  # a window may end by time alone, when no media comes


class SessionManager:
    """The sessions of one channel. `run` is a task; `wake` tells it that something has happened.

    ``facts`` says what is so in the channel's ingest at an instant.
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
    ) -> None:
        self.channel = channel
        self._known = known
        self._store = store
        self._catalog = catalog
        self._owner = owner
        self._clock = clock
        self._facts = facts
        self._wake = asyncio.Event()
        self._changed = asyncio.Event()
        self._open: dict[str, OpenSession] = {}
        self._closed = False
        self._begun = self._done = 0  # how often `run` has begun and ended to look at everything
        self._making = asyncio.Lock()  # one at a time changes a session: the pass, or a delete
        for row in catalog.read(lambda db: session_rows.list_sessions(db, channel.channel_id)):
            if State(row.state) not in TERMINAL or row.state == State.DELETING:
                self._open[row.id] = self._opened(row)

    def wake(self) -> None:
        """Something has happened: segments, a change of the channel, a new session."""
        self._wake.set()

    async def run(self) -> None:
        """Keep every open session as it should be, until cancelled."""
        while True:
            self._wake.clear()
            self._begun += 1
            for session in list(self._open.values()):
                async with self._making:
                    await self._advance(session)
            self._done = self._begun
            self._tell()
            await self._clock.wait(self._wake, LOOK_AGAIN if self._open else None)

    def close(self) -> None:
        """Nothing will change any more: whoever waits for a change is told."""
        self._closed = True
        self._tell()

    # requests

    async def create(
        self,
        session_id: str,
        intervals: Sequence[TimeInterval],
        manifest_key: str | None,
        labels: Mapping[str, str],
    ) -> DvrSession:
        """Accept a session (S1): checked, stored, and taken up by `run`."""
        check_id(session_id, field="dvrSessionId")
        manifest = self.channel.manifest(manifest_key or self.channel.manifests[0].key)
        now = self._clock.now()
        row = SessionRow(
            channel=self.channel.channel_id,
            id=session_id,
            manifest_key=manifest.key,
            windows=resolve_windows(intervals, now, self.channel.retention_micros),
            labels=labels,
            state=State.PENDING,
            error=None,
            edition=0,
            target=None,
            summary=None,
            created=now,
            updated=now,
        )
        if await asyncio.to_thread(lambda: any(self._store.list(f"{session_folder(session_id)}/"))):
            found = self.find(session_id)
            raise AlreadyExists(
                f"session '{session_id}' exists already" + ("" if found else ", made by another catalog"),
                field="dvrSessionId",
                hint="use another id, or --resume" if found else "use another id, or remove its folder",
            )
        stored = await self._catalog.write(lambda db: session_rows.add_session(db, row), self._owner)
        self._open[session_id] = self._opened(stored)
        self.wake()
        return self._resource(stored)

    def find(self, session_id: str) -> DvrSession | None:
        """The session as it stands, or None."""
        if session_id in self._open:
            return self._resource(self._open[session_id].row)
        row = self._catalog.read(lambda db: session_rows.find_session(db, self.channel.channel_id, session_id))
        return self._resource(row) if row else None

    def get(self, session_id: str) -> DvrSession:
        """The session as it stands, or NOT_FOUND."""
        found = self.find(session_id)
        if found is None:
            raise NotFound(
                f"there is no session '{session_id}' on channel '{self.channel.channel_id}'", field="dvrSessionId"
            )
        return found

    def list(self) -> list[DvrSession]:
        """All sessions by creation."""
        stored = self._catalog.read(lambda db: session_rows.list_sessions(db, self.channel.channel_id))
        return [self._resource(self._open[row.id].row if row.id in self._open else row) for row in stored]

    async def delete(self, session_id: str) -> None:
        """Delete the session with its manifest; segments follow retention (S15). Returns when it is gone."""
        async with self._making:
            state = advance(State(self.get(session_id).state), Event.DELETE)
            session = self._open.get(session_id)
            if session is None:
                row = self._catalog.read(lambda db: session_rows.get_session(db, self.channel.channel_id, session_id))
                session = self._opened(row)
            await self._set_state(session, state)
            self._open[session_id] = session
        self.wake()
        await self._until_gone(session_id)

    async def _until_gone(self, session_id: str) -> None:
        while True:
            changed, session = self._changed, self.find(session_id)
            if session is None:
                return
            if session.error is not None and session.state == State.DELETING:
                raise StorageError(session.error, field=session.output_uri, hint="it is tried again as long as it runs")
            if self._closed:
                raise Aborted("the controller was left before the session was gone", field="dvrSessionId")
            await changed.wait()

    async def watch(self, session_id: str) -> AsyncIterator[DvrSession]:
        """The session now and after each change, until it is FINISHED, FAILED or gone."""
        shown: DvrSession | None = None
        changed: asyncio.Event = (
            self._changed
        )  # taken before the look: what changes while the reader works is not missed
        current: DvrSession | None = self.get(session_id)
        while current is not None:
            if current != shown:
                yield current
                shown = current
            if State(current.state) in (State.FINISHED, State.FAILED) or self._closed:
                return
            await changed.wait()
            changed, current = self._changed, self.find(session_id)

    async def settled(self) -> None:
        """Return when `run` has looked since the call and no session is on its way to its end (a channel's stop)."""
        on_the_way = (State.PENDING, State.LIVE, State.STOPPING, State.POST_PROCESSING)
        begun = self._begun  # a pass under way may have looked before the call: the one after it counts
        self.wake()
        while True:
            changed = self._changed
            busy = any(State(s.row.state) in on_the_way for s in self._open.values())
            if self._done > begun and not busy:
                return
            await changed.wait()

    # making it true

    async def _advance(self, session: OpenSession) -> None:
        """One session: what should be true now, made true."""
        if session.row.state == State.DELETING:
            await self._erase(session)
            return
        while True:
            facts = self._facts_for(session)
            wanted = plan(State(session.row.state), session.row.windows, self._known.timeline, facts)
            if wanted.state in (State.FINISHED, State.FAILED):
                await self._close(session, wanted.state, wanted.error)
                return
            if wanted.state is not State.LIVE:
                await self._set_state(session, wanted.state)
            session.grow(self._known)
            if wanted.seal or session.row.summary is not None:
                await self._seal(session, CHANNEL_STOPPED if wanted.state is State.STOPPING else SOURCE_LOST)
            if not session.published:
                await self._publish(session)
            if wanted.state is State.LIVE and (session.published or session.storage_error):
                await self._set_state(session, wanted.state)  # S3: LIVE says that there is a manifest to be fetched
            if not (session.sealed or session.storage_error):
                return

    def _facts_for(self, session: OpenSession) -> Facts:
        facts = self._facts(self._clock.now())
        # The stop that an earlier controller was carrying out is over: what it left has been read.
        drained = facts.drained or (session.found_stopping and facts.frontier is not None)
        return replace(facts, drained=drained, sealed=session.sealed, storage_error=session.storage_error)

    async def _seal(self, session: OpenSession, reason: str) -> None:
        """What the session holds is stored before its ENDLIST is published: after it nothing is ever listed (P2)."""
        if session.seal(reason) and session.row.summary is None:
            await self._store_summary(session)

    async def _store_summary(self, session: OpenSession) -> None:
        row, summary = session.row, session.summary()
        await self._catalog.write(
            lambda db: session_rows.set_session_summary(db, row.channel, row.id, summary), self._owner
        )
        session.row = replace(row, summary=summary)

    async def _publish(self, session: OpenSession) -> None:
        """Step 7: the media playlist whole or not at all, then main.m3u8 (O6)."""
        assert session.playlist is not None
        row, playlist = session.row, session.playlist
        if session.declared == 0 and row.target is not None:
            target = row.target
            await self._catalog.write(
                lambda db: session_rows.set_session_target(db, row.channel, row.id, target), self._owner
            )
        try:
            name = media_playlist_name(row.id, session.mux, row.edition)
            await asyncio.to_thread(self._store.replace, name, playlist.render())
            if session.needs_multivariant:
                main = multivariant_name(row.id, self.channel.manifest(row.manifest_key).file_name)
                await asyncio.to_thread(self._store.replace, main, session.multivariant(self._known))
        except StorageError as error:
            if error.passing:  # shown, and tried again at the next look (S14)
                await self._set_state(session, State(row.state), str(error))
            else:
                session.storage_error = str(error)
            return
        session.published = True
        await self._set_state(session, State(row.state))
        session.sealed = playlist.sealed
        self._tell()

    async def _set_state(self, session: OpenSession, state: State, error: str | None = None) -> None:
        if (state, error) == (session.row.state, session.row.error):
            return
        row, now = session.row, self._clock.now()
        await self._catalog.write(
            lambda db: session_rows.set_session_state(db, row.channel, row.id, state, now, error), self._owner
        )
        session.row = replace(session.row, state=state, error=error, updated=now)
        self._tell()

    async def _close(self, session: OpenSession, state: State, error: str | None) -> None:
        """FINISHED or FAILED: what it holds is stored with the state, and nothing is kept in memory."""
        if session.row.summary is None:  # FAILED: whatever it has come to
            await self._store_summary(session)
        await self._set_state(session, state, error)
        del self._open[session.row.id]
        self._tell()

    async def _erase(self, session: OpenSession) -> None:
        """S15: the manifest's objects go, then the row."""
        row = session.row
        try:
            names = await asyncio.to_thread(lambda: list(self._store.list(f"{session_folder(row.id)}/")))
            # main.m3u8 first: nothing may point at a playlist that is gone.
            for name in sorted(names, key=lambda name: name.count("/")):
                await asyncio.to_thread(self._store.delete, name)
        except StorageError as error:
            await self._set_state(session, State.DELETING, str(error))  # shown, and tried again at the next look
            return
        await self._catalog.write(lambda db: session_rows.delete_session(db, row.channel, row.id), self._owner)
        del self._open[row.id]
        self._tell()

    def _tell(self) -> None:
        """Wake everybody who waits for a change."""
        self._changed.set()
        self._changed = asyncio.Event()

    def _opened(self, row: SessionRow) -> OpenSession:
        return OpenSession(row, self.channel.mux.key, self.channel.mux.container)

    def _resource(self, row: SessionRow) -> DvrSession:
        session = self._open.get(row.id)
        held = row.summary or (session or self._opened(row)).summary()
        manifest = self.channel.manifest(row.manifest_key)
        start, end = held["actual_start"], held["actual_end"]
        return DvrSession(
            session_id=row.id,
            channel_id=row.channel,
            manifest_key=row.manifest_key,
            output_uri=self._store.uri(multivariant_name(row.id, manifest.file_name)),
            dvr_windows=tuple(to_interval(window) for window in row.windows),
            state=row.state,
            error=row.error,
            create_time=to_datetime(row.created),
            update_time=to_datetime(row.updated),
            actual_start=None if start is None else to_datetime(start),
            actual_end=None if end is None else to_datetime(end),
            segments=held["segments"],
            duration=timedelta(microseconds=held["duration"]),
            size_bytes=held["size"],
            gaps=tuple(
                Gap(start_time=to_datetime(gap[0]), end_time=to_datetime(gap[1]), reason=gap[2]) for gap in held["gaps"]
            ),
            labels=row.labels,
        )
