"""Has the files of a channel's recordings made, one recording after another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from livedvr.recordings.rendering import Rendered, render
from livedvr.recordings.spans import Spans
from livedvr.resources.models import Channel
from livedvr.resources.recording import Recording
from livedvr.timeline.timeline import ChannelTimeline

Made = tuple[list[Rendered], int]
"""The files, and the length of the media in them, microseconds."""


class Making:
    """``on_done``: called when they are made, or cannot be."""

    def __init__(self, channel: Channel, known: ChannelTimeline, on_done: Callable[[], None]) -> None:
        self._channel = channel
        self._known = known
        self._on_done = on_done
        self._now: tuple[str, asyncio.Task[Made]] | None = None

    @property
    def is_busy(self) -> bool:
        """Whether some are being made, or made and not taken."""
        return self._now is not None

    def begin(self, row: Recording, windows: Spans) -> None:
        """Make those of one, while none are being made."""
        work = render(row, windows, self._channel, self._known)
        task = asyncio.create_task(work, name=f"recording {row.recording_id}")
        task.add_done_callback(lambda _: self._on_done())
        self._now = (row.recording_id, task)

    def take(self) -> tuple[str, asyncio.Task[Made]] | None:
        """Whose are done, and how that went; None: they are not yet."""
        if self._now is None or not self._now[1].done():
            return None
        done, self._now = self._now, None
        return done

    async def give_up(self, recording_id: str) -> None:
        """Its files are not wanted any more."""
        if self._now is not None and self._now[0] == recording_id:
            await self.close()

    async def close(self) -> None:
        """Nothing is made any more."""
        if self._now is not None:
            task = self._now[1]
            task.cancel()
            await asyncio.wait([task])
            self._now = None
