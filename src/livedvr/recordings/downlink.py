"""What somebody on a call hears, in real time: what is played, and silence otherwise.

Nothing runs for it. What is played has its place on the clock, and who listens asks what there was to be heard since it
last asked: several may listen, and hear the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from livedvr.recordings.prompts import RATE, endless_head
from livedvr.resources.times import SECOND
from livedvr.wallclock import WallClock

BLOCK = SECOND // 50
LATEST = 10 * RATE  # samples: who listens so much later than it was played misses it


@dataclass(slots=True)
class _Piece:
    """Samples (s16), the first of which is heard at ``start``: samples since the epoch."""

    start: int
    samples: bytes

    @property
    def end(self) -> int:
        return self.start + len(self.samples) // 2


class Downlink:
    """One call's. What is played by two at once is heard of the later one."""

    def __init__(self, clock: WallClock) -> None:
        self._clock = clock
        self._pieces: list[_Piece] = []

    async def play(self, samples: bytes) -> int:
        """Have samples heard from now on; returns when they end, and that instant. Cancelled: they stop."""
        now = self._clock.now()
        piece = _Piece(_sample(now), samples)
        until = now + len(samples) // 2 * SECOND // RATE
        self._pieces = [one for one in self._pieces if one.end > _sample(now) - LATEST] + [piece]
        try:
            await self._clock.wait(asyncio.Event(), until - now)
        except asyncio.CancelledError:
            piece.samples = piece.samples[: 2 * max(0, _sample(self._clock.now()) - piece.start)]
            raise
        return until

    async def listen(self) -> AsyncGenerator[bytes, None]:
        """A wav without an end, from now on: its head, then a block each 20 ms."""
        heard = _sample(self._clock.now())
        yield endless_head()
        while True:
            await self._clock.wait(asyncio.Event(), BLOCK)
            now = _sample(self._clock.now())
            yield self._between(max(heard, now - LATEST), now)
            heard = now

    def _between(self, first: int, last: int) -> bytes:
        block = bytearray(2 * max(0, last - first))
        for piece in self._pieces:
            start, end = max(first, piece.start), min(last, piece.end)
            if start < end:
                block[2 * (start - first) : 2 * (end - first)] = piece.samples[
                    2 * (start - piece.start) : 2 * (end - piece.start)
                ]
        return bytes(block)


def _sample(instant: int) -> int:
    return instant * RATE // SECOND
