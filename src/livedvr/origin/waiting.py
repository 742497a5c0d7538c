"""Blocking reload (RFC 8216bis 6.2.5.2): who waits is woken by what wakes sessions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from livedvr.channel_runtime import ChannelRuntime
from livedvr.origin.versions import Version
from livedvr.resources.errors import InvalidArgument, NotServing
from livedvr.resources.times import SECOND
from livedvr.wallclock import WallClock

LONGEST = 3  # target durations
AHEAD = 2  # segments after the last one


class Waiting:
    """All who wait for a segment. `leave` comes before the server's end."""

    def __init__(self, clock: WallClock) -> None:
        self._clock = clock
        self._waiting: set[asyncio.Task[None]] = set()

    def leave(self) -> None:
        """Nobody waits for a segment any more."""
        for waiting in self._waiting:
            waiting.cancel()

    async def version(
        self,
        look: Callable[[], Awaitable[tuple[Version, int | None]]],
        msn: int | None,
        runtime: ChannelRuntime,
        target: int,
    ) -> Version:
        """The playlist as it is, or as soon as it lists the segment ``msn``.

        ``look``: the playlist now, and when it grows by itself (UTC microseconds). ``target``: the target duration in
        seconds. INVALID_ARGUMENT: the segment is too far ahead; UNAVAILABLE: it does not come, or the server leaves.
        """
        deadline = self._clock.now() + LONGEST * target * SECOND
        while True:
            changed = runtime.changed  # taken before looking: what comes meanwhile is not missed
            version, due = await look()
            if msn is None or version.ended or msn < version.next:
                return version
            if msn > version.next - 1 + AHEAD:
                text = f"segment {msn} is far ahead, the next one is {version.next}"
                raise InvalidArgument(text, field="_HLS_msn", hint="that one, or the one after it")
            now = self._clock.now()
            if now >= deadline:
                raise NotServing(f"segment {msn} has not come within three target durations", hint="ask again")
            await self._wait(changed, min(deadline, due or deadline) - now)

    async def _wait(self, event: asyncio.Event, patience: int) -> None:
        waiting = asyncio.create_task(self._clock.wait(event, patience))
        self._waiting.add(waiting)
        try:
            await asyncio.wait([waiting])
        finally:
            self._waiting.discard(waiting)
            waiting.cancel()
        if waiting.cancelled():
            raise NotServing("the server is shutting down", hint="ask again in a moment")
