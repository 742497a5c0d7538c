"""The state as server-sent events (WHATWG HTML, 9.2): whole at first, then its changes only."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from livedvr.console.merge_patch import diff
from livedvr.console.state import State
from livedvr.resources.errors import ResourceExhausted
from livedvr.resources.times import SECOND
from livedvr.wallclock import WallClock

LOOK_EACH = SECOND
HEARTBEAT = 15 * SECOND  # a line that says nothing, so that proxies and browsers know that we are there
MOST_LISTENERS = 200


class Feed:
    """One look for all who listen, and none while nobody does. `run` is a task.

    Nothing waits in a queue: who reads slowly gets, when it is ready, what leads from what it has to what is now.
    """

    def __init__(self, look: Callable[[], Awaitable[State]], clock: WallClock) -> None:
        self._look = look
        self._clock = clock
        self._state: State = {}
        self._listeners = 0
        self._wanted = asyncio.Event()
        self._changed = asyncio.Event()
        self._closed = False
        self._told: tuple[State, State, bytes] = ({}, {}, b"")  # the newest change: from, to, its event

    async def run(self) -> None:
        """Look each second while somebody listens, until cancelled."""
        while True:
            await self._wanted.wait()
            await self.now()
            await self._clock.wait(asyncio.Event(), LOOK_EACH)

    async def now(self) -> State:
        """The state; who listens is told what is new in it."""
        state = await self._look()
        if state != self._state:
            self._state = state
            self._tell()
        return self._state

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def close(self) -> None:
        """End all streams: the server leaves."""
        self._closed = True
        self._tell()

    def listen(self) -> AsyncIterator[bytes]:
        """A stream of events: ``state``, then ``change`` (RFC 7386). RESOURCE_EXHAUSTED: too many listen."""
        if self._listeners >= MOST_LISTENERS:
            raise ResourceExhausted(f"{MOST_LISTENERS} listen already", hint="close some pages")
        return self._stream()

    async def _stream(self) -> AsyncIterator[bytes]:
        self._listeners += 1
        self._wanted.set()
        try:
            has = await self.now()
            yield event("state", has)
            while not self._closed:
                changed = self._changed
                if has is self._state:
                    await self._clock.wait(changed, HEARTBEAT)
                if has is not self._state:
                    has, told = self._state, self._change(has)
                    yield told
                elif not self._closed:
                    yield b":\n\n"
        finally:
            self._listeners -= 1
            if not self._listeners:
                self._wanted.clear()

    def _change(self, has: State) -> bytes:
        """The event that leads from ``has`` to now; most who listen have the same."""
        before, after, told = self._told
        if before is not has or after is not self._state:
            told = event("change", diff(has, self._state))
            self._told = (has, self._state, told)
        return told


def event(kind: str, data: Any) -> bytes:
    """One event with JSON in a single line."""
    return f"event: {kind}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()
