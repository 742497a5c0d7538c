"""A channel's sessions from outside its controller: through its control socket, or where nobody owns the channel.

`livedvr session` is this on the command line.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

from livedvr.catalog import channel_rows
from livedvr.catalog.reading import reading
from livedvr.control.client import ask_line, ask_owner
from livedvr.control.server import perform
from livedvr.control.wire import RecordingRequest, Request, parse_answer
from livedvr.resources.errors import Aborted, FailedPrecondition, NotFound, StorageError
from livedvr.resources.models import DvrSession, to_micros
from livedvr.resources.recording import Recording
from livedvr.sessions.manager import SessionManager
from livedvr.sessions.states import State
from livedvr.sessions.stored import stored_sessions
from livedvr.storage.open_store import place_of
from livedvr.wallclock import SystemClock


@dataclass(frozen=True, slots=True)
class Found:
    """The sessions asked for. ``owned``: a controller that runs the channel has answered."""

    sessions: list[DvrSession]
    owned: bool


class SessionAccess:
    """The sessions of one channel of a data dir. NOT_FOUND when there is no such data dir or channel."""

    def __init__(self, data_dir: Path, channel: str) -> None:
        self._data_dir = data_dir.absolute()
        self.channel = channel
        with reading(self.catalog) as db:
            row = channel_rows.get_channel(db, channel)
            have = ", ".join(r.channel.channel_id for r in channel_rows.list_channels(db)) if row is None else ""
        if row is None:
            raise NotFound(
                f"there is no channel '{channel}' in {self._data_dir}",
                field="channel",
                hint=f"it has {have or 'none yet'}",
            )
        self._row = row
        self.place = place_of(row.channel.output.uri)

    @property
    def catalog(self) -> Path:
        """Where the catalog is, to be read."""
        return self._data_dir / "catalog.sqlite3"

    async def ask(self, request: Request, on_session: Callable[[DvrSession], None] = lambda _: None) -> Found:
        """Have a request carried out: by the channel's owner, or here when there is none.

        Without an owner, ``list`` and ``get`` read the catalog alone. ``update`` and ``delete`` take the channel for as
        long as the session needs to come to rest; an ffmpeg that goes on recording is adopted and left as it is.
        ``on_session`` is called with the session at each change meanwhile.
        """
        answered = await ask_owner(self.place.private(self._data_dir, self.channel), request)
        if answered is not None:
            return Found(answered, owned=True)
        if request.method in ("list", "get"):
            return Found(await asyncio.to_thread(self._read, request), owned=False)
        return Found(await self._visit(request, on_session), owned=False)

    async def ask_recordings(self, request: RecordingRequest) -> list[Recording]:
        """Have the channel's owner carry a request out; FAILED_PRECONDITION where nobody owns it."""
        line = await ask_line(self.place.private(self._data_dir, self.channel), request.to_line())
        if line is None:
            raise FailedPrecondition(
                f"nobody runs channel '{self.channel}'", field="channel", hint="`livedvr record --resume` takes it up"
            )
        return parse_answer(line, Recording)

    def _read(self, request: Request) -> list[DvrSession]:
        with reading(self.catalog) as db:
            sessions = stored_sessions(db, self._row, self.place.object_uri)
        if request.method == "list":
            return sessions
        asked = [session for session in sessions if session.session_id == request.session]
        if not asked:
            raise NotFound(f"there is no session '{request.session}' on channel '{self.channel}'", field="dvrSession")
        return asked

    async def _visit(self, request: Request, on_session: Callable[[DvrSession], None]) -> list[DvrSession]:
        from livedvr.app import LiveDvr  # ffmpeg, PyAV and their kin: a question to an owner needs none of it

        if self.place.root is not None and not self.place.root.is_dir():
            raise StorageError("the channel's output is not there", field=self.place.uri, hint="is it mounted?")
        self._read(Request(method="get", session=request.session))  # nothing is taken for a session nobody has
        async with LiveDvr(self._data_dir, visiting=True) as dvr:
            try:
                sessions = (await dvr.runtime(self.channel)).sessions
            except Aborted as error:
                error.hint = "it does not listen on its control socket: stop it, or ask again in a moment"
                raise
            return [await _at_rest(sessions, session, on_session) for session in await perform(sessions, request)]


async def _at_rest(
    sessions: SessionManager, session: DvrSession, on_session: Callable[[DvrSession], None]
) -> DvrSession:
    """Follow a session that has been patched until it is at rest, or somebody deletes it."""
    async with aclosing(sessions.watch(session.session_id)) as changes:
        async for session in changes:
            on_session(session)
            if _is_at_rest(session, SystemClock().now()):
                break
    return session


def _is_at_rest(session: DvrSession, now: int) -> bool:
    """Whether it stays so until media comes, its time passes, or somebody asks for something."""
    end = session.dvr_windows[-1].end_time
    if session.state in (State.SCHEDULED, State.LIVE):
        return end is None or to_micros(end) > now
    return session.state in (State.FINISHED, State.FAILED)
