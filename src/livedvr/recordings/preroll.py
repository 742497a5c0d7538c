"""Plays to those who are to be recorded what they hear before: fetched as webhooks are sent, and as freely."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable

from livedvr.recordings.downlink import Downlink
from livedvr.recordings.prompts import beep, samples_of
from livedvr.resources.recording import Recording, RecordingSpec
from livedvr.resources.webhook_policy import WebhookPolicy
from livedvr.wallclock import WallClock

MOST_BYTES = 10 << 20  # of a prompt: five minutes
SECONDS = 10.0  # in which one has to be there
REDIRECTS = 5


class Preroll:
    """One channel's.

    Args:
        policy: from where prompts may come.
        on_change: called when something has been played.
    """

    def __init__(self, clock: WallClock, policy: WebhookPolicy, on_change: Callable[[], None]) -> None:
        self._clock = clock
        self._policy = policy
        self._on_change = on_change
        # Each lives as long as somebody listens to it or plays on it.
        self._downlinks: weakref.WeakValueDictionary[str, Downlink] = weakref.WeakValueDictionary()
        self._playing: dict[str, asyncio.Task[int]] = {}

    def downlink(self, queue: str) -> Downlink:
        """What is heard on a call."""
        return self._downlinks.setdefault(queue, Downlink(self._clock))

    def played(self, row: Recording) -> int | None:
        """When all was played that a recording has before it; None: it is not yet. It begins when this is asked first.

        Raises:
            PermissionDenied, InvalidArgument, SourceError: a prompt cannot be had, or is nothing that can be played.
        """
        task = self._playing.get(row.recording_id)
        if task is None:
            task = asyncio.create_task(self._play(row.spec), name=f"prompts of {row.recording_id}")
            task.add_done_callback(lambda _: self._on_change())
            self._playing[row.recording_id] = task
        return task.result() if task.done() else None

    def forget(self, recording_id: str) -> None:
        """Its prompts are over; what is still to be heard of them is not."""
        task = self._playing.pop(recording_id, None)
        if task is not None:
            task.cancel()

    async def close(self) -> None:
        """Nothing is played any more."""
        tasks = list(self._playing.values())
        for name in list(self._playing):
            self.forget(name)
        if tasks:
            await asyncio.wait(tasks)

    async def _play(self, spec: RecordingSpec) -> int:
        downlink = self.downlink(spec.queue)
        pieces = await self._fetch(spec.prompts) if spec.prompts else []
        return await downlink.play(b"".join([*pieces, beep() if spec.beep else b""]))

    async def _fetch(self, prompts: tuple[str, ...]) -> list[bytes]:
        """All of them first: between two there is no pause."""
        from livedvr.recordings.posting import Poster  # an HTTP client is imported by who fetches something

        poster = Poster(self._policy)
        try:
            return [samples_of(await poster.fetch(uri, MOST_BYTES, SECONDS, REDIRECTS)) for uri in prompts]
        finally:
            await poster.close()
