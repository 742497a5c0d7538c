"""Tells when a file changes, through one inotify descriptor for the whole process: nothing is polled."""

from __future__ import annotations

import asyncio
from pathlib import Path

from asyncinotify import Inotify, Mask, Watch


class Watcher:
    """Sets an event when a watched file grows, or a file is moved into a watched folder."""

    def __init__(self) -> None:
        self._inotify = Inotify()
        self._events: dict[Watch, asyncio.Event] = {}

    def watch(self, path: Path, event: asyncio.Event) -> Watch:
        """``event`` is set from now on whenever ``path`` (a file) is written to or (a folder) gets a file moved in."""
        watch = self._inotify.add_watch(path, Mask.MOVED_TO | Mask.ONLYDIR if path.is_dir() else Mask.MODIFY)
        self._events[watch] = event
        return watch

    def forget(self, watch: Watch) -> None:
        """Stop watching."""
        if self._events.pop(watch, None) is not None:
            self._inotify.rm_watch(watch)

    async def run(self) -> None:
        """Deliver until cancelled."""
        async for happened in self._inotify:
            if happened.watch in self._events:
                self._events[happened.watch].set()

    def close(self) -> None:
        """Give the descriptor back."""
        self._inotify.close()
