"""Time as an argument: read at the edge, waited for in a way that a test can fast-forward."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Protocol


class WallClock(Protocol):
    """UTC in microseconds since the Unix epoch."""

    def now(self) -> int:
        """The present instant."""

    async def wait(self, event: asyncio.Event, patience: int | None) -> None:
        """Return when ``event`` is set or ``patience`` microseconds have passed (None: for ever), whichever is first.

        A step of the wall clock does not matter.
        """


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        """The present instant."""
        return time.time_ns() // 1000

    async def wait(self, event: asyncio.Event, patience: int | None) -> None:
        """Return when ``event`` is set or ``patience`` has passed."""
        seconds = None if patience is None else patience / 1e6
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):  # not wait_for: 3.11's loses a cancellation when the event is set
                await event.wait()
