from __future__ import annotations

import asyncio

from livedvr.wallclock import SystemClock


async def test_it_waits_for_the_event_or_the_instant() -> None:
    clock, event = SystemClock(), asyncio.Event()
    before = clock.now()
    await clock.wait(event, 20_000)
    assert clock.now() >= before + 20_000
    event.set()
    await clock.wait(event, None)
    await clock.wait(asyncio.Event(), 0)


async def test_a_cancellation_is_not_lost_when_the_event_is_set_with_it() -> None:
    clock, event = SystemClock(), asyncio.Event()
    waiting = asyncio.create_task(clock.wait(event, 60_000_000))
    await asyncio.sleep(0)
    event.set()
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
