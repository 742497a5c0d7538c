"""A channel's sessions as they stand: the open ones in memory, the others in the catalog; who is told of changes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from typing import Any

from livedvr.catalog import session_rows
from livedvr.catalog.session_rows import SessionRow
from livedvr.resources.layout import multivariant_name
from livedvr.resources.models import DvrSession
from livedvr.sessions.changes import Changes
from livedvr.sessions.held_channel import HeldChannel
from livedvr.sessions.open_session import OpenSession
from livedvr.sessions.states import TERMINAL, State
from livedvr.sessions.view import to_resource


class SessionBook:
    """The sessions of one channel. ``on_state`` is told of each change of a state."""

    def __init__(
        self,
        held: HeldChannel,
        on_state: Callable[[DvrSession], None],
    ) -> None:
        self.channel = held.channel
        self._held = held
        self._on_state = on_state
        self._changes = Changes()
        self._open: dict[str, OpenSession] = {}
        for row in self.rows():
            if State(row.state) not in TERMINAL or row.state == State.DELETING:
                self._open[row.id] = self._opened(row)

    def rows(self) -> list[SessionRow]:
        """All sessions as they are stored, by creation."""
        return self._held.catalog.read(lambda db: session_rows.list_sessions(db, self.channel.channel_id))

    def find(self, session_id: str) -> DvrSession | None:
        """The session as it stands, or None."""
        if session_id in self._open:
            return self._resource(self._open[session_id].row)
        row = self._held.catalog.read(lambda db: session_rows.find_session(db, self.channel.channel_id, session_id))
        return self._resource(row) if row else None

    def get(self, session_id: str) -> DvrSession:
        """The session as it stands, or NOT_FOUND."""
        return self._resource(self._session(session_id).row)

    def list(self) -> list[DvrSession]:
        """All sessions by creation."""
        stored = self._held.catalog.read(lambda db: session_rows.list_sessions(db, self.channel.channel_id))
        return [self._resource(self._open[row.id].row if row.id in self._open else row) for row in stored]

    def watch(self, session_id: str) -> AsyncGenerator[DvrSession, None]:
        """The session now and after each change, until it is FINISHED, FAILED or gone. NOT_FOUND."""
        return self._changes.watch(session_id, self.get(session_id), self.find, _has_ended)

    def close(self) -> None:
        """Nothing will change any more: whoever waits for a change is told."""
        self._changes.close()

    # for the manager

    async def _put(self, session: OpenSession, **changes: Any) -> None:
        """The session's row with these changes: in the catalog first, then here. Nothing when it is so already."""
        old, now = session.row, self._held.clock.now()
        if all(getattr(old, name) == value for name, value in changes.items()):
            return
        row = replace(old, **changes)
        if row.state != old.state:
            row = replace(row, updated=now, ended=now if row.state in (State.FINISHED, State.FAILED) else row.ended)
        await self._held.write(lambda db: session_rows.put_session(db, row))
        session.row = row
        if row.state != old.state:
            self._on_state(self._resource(row))
        self._changes.tell(row.id)

    def _reopen(self, row: SessionRow, before: str) -> OpenSession:
        """The session is drawn anew from its stored row, as after a restart."""
        self._open[row.id] = session = self._opened(row)
        if row.state != before:
            self._on_state(self._resource(row))
        self._changes.tell(row.id)
        return session

    def _session(self, session_id: str) -> OpenSession:
        """The open session, or a finished one opened from its row; NOT_FOUND."""
        found = self._open.get(session_id)
        if found is None:
            row = self._held.catalog.read(lambda db: session_rows.get_session(db, self.channel.channel_id, session_id))
            found = self._opened(row)
        return found

    def _opened(self, row: SessionRow) -> OpenSession:
        return OpenSession(row, self.channel)

    def _resource(self, row: SessionRow) -> DvrSession:
        session = self._open.get(row.id)
        held = row.summary or (session or self._opened(row)).summary()
        manifest = self.channel.manifest(row.manifest_key)
        return to_resource(row, held, self._held.store.uri(multivariant_name(row.id, manifest.file_name)))


def _has_ended(session: DvrSession) -> bool:
    return State(session.state) in (State.FINISHED, State.FAILED)
