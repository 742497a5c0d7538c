"""A segment's way, step 7: what the sessions of a channel write to the store, side by side.

A store may take its time, and one session does not wait for another's. Of one session one thing is written at a time,
and meanwhile nobody touches it: what has come to it in between is written afterwards.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from livedvr.resources.errors import StorageError
from livedvr.resources.layout import media_playlist_name, multivariant_name, session_folder
from livedvr.sessions.back_off import BackOff
from livedvr.sessions.open_session import OpenSession
from livedvr.sessions.presentation import multivariant
from livedvr.storage.base import ObjectStore, ask
from livedvr.timeline.timeline import ChannelTimeline
from livedvr.wallclock import WallClock

Outcome = StorageError | None


class Writes:
    """What is being written, by session. ``wake`` is called when something has been."""

    def __init__(self, store: ObjectStore, clock: WallClock, wake: Callable[[], None]) -> None:
        self._store = store
        self._clock = clock
        self._wake = wake
        self._under_way: dict[str, asyncio.Task[Outcome]] = {}
        self._not_before: dict[str, int] = {}
        self._refused: dict[str, BackOff] = {}

    def begin(self, session: str, writing: Coroutine[Any, Any, Outcome]) -> None:
        """Carry it out beside everything else; `outcome` tells how it went."""
        self._under_way[session] = task = asyncio.create_task(writing, name=f"write {session}")
        task.add_done_callback(lambda _: self._wake())

    def of(self, session: str) -> asyncio.Task[Outcome] | None:
        """What is being written of the session, or has been and is not asked for yet."""
        return self._under_way.get(session)

    def outcome(self, session: str) -> Outcome:
        """How it went; the session's next write is due after a pause."""
        outcome = self._under_way.pop(session).result()
        if outcome is None:
            self._refused.pop(session, None)
            pause = self._store.pause
        else:
            pause = max(self._store.pause, self._refused.setdefault(session, BackOff()).refused())
        if pause:
            self._not_before[session] = self._clock.now() + pause
        return outcome

    def due_in(self, session: str) -> int:
        """How long the session has to wait for its next write, microseconds; 0: it is due."""
        left = self._not_before.get(session, 0) - self._clock.now()
        if left <= 0:
            self._not_before.pop(session, None)
        return max(left, 0)

    def hurry(self, session: str) -> None:
        """Somebody waits for the session's next write: it is due."""
        self._not_before.pop(session, None)

    @property
    def sessions(self) -> list[str]:
        """Those of which something is being written."""
        return list(self._under_way)

    def over(self) -> list[str]:
        """Those of which something has been written, or refused, and `outcome` is not asked for yet."""
        return [session for session, writing in self._under_way.items() if writing.done()]

    async def ended(self) -> None:
        """Return when nothing is being written."""
        if self._under_way:
            await asyncio.wait(self._under_way.values())


async def write_playlists(store: ObjectStore, session: OpenSession, known: ChannelTimeline, main: bool) -> Outcome:
    """The media playlists, each whole or not at all, then main.m3u8 if asked for: one atomic switch (O6)."""
    row = session.row

    async def write(mux: str) -> None:
        rendition = session.renditions[mux]
        name = media_playlist_name(row.id, mux, row.edition)
        await ask(store, store.replace, name, rendition.playlist.render())
        rendition.written = True

    try:
        for mux, rendition in session.renditions.items():
            if not rendition.written:
                await write(mux)
        if main:
            text = multivariant(session.channel, session.renditions.values(), row.edition, known)
            name = multivariant_name(row.id, session.manifest.file_name)
            await ask(store, store.replace, name, text)
    except StorageError as error:
        return error
    return None


async def erase_manifest(store: ObjectStore, session: str) -> Outcome:
    """S15: main.m3u8 first: nothing may point at a playlist that is gone."""
    try:
        names = await ask(store, lambda: list(store.list(f"{session_folder(session)}/")))
        for name in sorted(names, key=lambda name: name.count("/")):
            await ask(store, store.delete, name)
    except StorageError as error:
        return error
    return None
