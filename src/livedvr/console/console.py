"""The console as one thing: what it serves, and its tasks."""

from __future__ import annotations

import asyncio
from pathlib import Path

from starlette.routing import BaseRoute

from livedvr.app import LiveDvr
from livedvr.console.feed import Feed
from livedvr.console.gallery import Gallery
from livedvr.console.look import Look
from livedvr.console.routes import console_routes
from livedvr.wallclock import WallClock


class Console:
    """Over one DVR. ``output``: the server's root, see `Outputs`; ``thumbs``: where thumbnails are kept."""

    def __init__(self, dvr: LiveDvr, output: str, thumbs: Path, clock: WallClock) -> None:
        self._feed = Feed(Look(dvr, output, clock), clock)
        self._gallery = Gallery(dvr, thumbs, clock)
        self._has_bucket = output.startswith("gs://")
        self._task: asyncio.Task[None] | None = None

    def open(self, tasks: asyncio.TaskGroup) -> list[BaseRoute]:
        """What is served from now on."""
        self._task = tasks.create_task(self._feed.run(), name="console")
        return console_routes(self._feed, self._gallery, has_bucket=self._has_bucket)

    def leave(self) -> None:
        """End the streams of those who listen: the server waits for answers that are under way."""
        self._feed.close()

    def close(self) -> None:
        """End the task; no more thumbnails."""
        self._gallery.close()
        if self._task is not None:
            self._task.cancel()
