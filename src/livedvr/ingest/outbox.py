"""What an input's runs have brought and the store does not have yet. The spool is the outbox; here is its order.

A store may be away for as long as it likes: the run goes on meanwhile, and when it ends the next one is begun. What
they bring waits in the spool, run after run, and is taken in that order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from livedvr.ingest.open_run import OpenRun
from livedvr.resources.times import SECOND
from livedvr.wallclock import WallClock

PATIENCE = SECOND  # so long a look at a run waits for the store, not longer: its heartbeat and its lease are due


class Outbox:
    """Takes what the runs of one input bring.

    Args:
        take: take what a run has, ``final``: to its end. False: the store did not for now.
        wake: called when something is taken for which nobody waits any more.
    """

    def __init__(self, take: Callable[[OpenRun, bool], Awaitable[bool]], clock: WallClock, wake: Callable[[], None]):
        self._take = take
        self._clock = clock
        self._wake = wake
        self._taking: asyncio.Task[bool] | None = None  # what the open run has
        self._ended: asyncio.Task[None] | None = None  # the rest of those before it

    @property
    def is_behind(self) -> bool:
        """Whether a run that has ended has not been taken to its end; also when it never will be by this controller."""
        task = self._ended
        return task is not None and (not task.done() or task.cancelled() or task.exception() is not None)

    async def take(self, opened: OpenRun) -> bool:
        """Take what the open run has. Whether it is taken; False also when the store takes its time."""
        if self._taking is None:
            self._taking = asyncio.create_task(self._take_after(self._ended, opened), name="outbox")
        if not await self._comes(self._taking):
            return False
        taking, self._taking = self._taking, None
        return await taking

    async def _take_after(self, before: asyncio.Task[None] | None, opened: OpenRun) -> bool:
        if before is not None:
            await asyncio.shield(before)
        return await self._take(opened, False)

    async def end(self, opened: OpenRun, finish: Callable[[], Awaitable[None]]) -> None:
        """The run has ended: take it to its end, then ``finish``. Goes on by itself where the store takes its time."""
        taking, self._taking = self._taking, None
        self._ended = asyncio.create_task(self._take_rest(taking, self._ended, opened, finish), name="outbox")
        if await self._comes(self._ended):
            await self.drained()

    async def _take_rest(
        self,
        taking: asyncio.Task[bool] | None,
        before: asyncio.Task[None] | None,
        opened: OpenRun,
        finish: Callable[[], Awaitable[None]],
    ) -> None:
        for task in (taking, before):
            if task is not None:
                await asyncio.shield(task)
        while not await self._take(opened, True):
            await self._clock.wait(asyncio.Event(), PATIENCE)
        await finish()

    async def drained(self) -> None:
        """Return when every run that has ended is taken; raises what that has met."""
        if self._ended is not None:
            await asyncio.shield(self._ended)
            self._ended = None

    async def close(self) -> None:
        """Take nothing more; what waits is the next controller's."""
        await self._cancel()

    async def forget(self) -> None:
        """What waits cannot be played: go on without it."""
        await self._cancel()
        self._taking = self._ended = None

    async def _cancel(self) -> None:
        tasks = [task for task in (self._taking, self._ended) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _comes(self, task: asyncio.Task[bool] | asyncio.Task[None]) -> bool:
        """Whether it is done, after a moment's patience."""
        done = asyncio.Event()
        task.add_done_callback(lambda _: done.set())
        await self._clock.wait(done, PATIENCE)
        if not task.done():
            task.add_done_callback(lambda _: self._wake())
        return task.done()
