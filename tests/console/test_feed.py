from __future__ import annotations

import asyncio
import json
from typing import Any

from builders import FakeClock
from livedvr.console.feed import HEARTBEAT, LOOK_EACH, Feed


class World:
    """What is looked at, and how often it has been."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = {"channels": {"a": {"end": 1}}}
        self.looks = 0

    async def look(self) -> dict[str, Any]:
        self.looks += 1
        return json.loads(json.dumps(self.state))  # type: ignore[no-any-return]


def read(data: bytes) -> tuple[str, Any]:
    kind, _, text = data.decode().removeprefix("event: ").partition("\ndata: ")
    return kind, json.loads(text)


async def test_the_state_then_its_changes_by_one_look_for_all() -> None:
    world, clock = World(), FakeClock()
    feed = Feed(world.look, clock)
    task = asyncio.create_task(feed.run())
    await asyncio.sleep(0)
    assert world.looks == 0, "nobody listens"
    one, two = feed.listen(), feed.listen()
    assert read(await anext(one)) == read(await anext(two)) == ("state", world.state)
    await clock.asleep()
    looks, world.state = world.looks, {"channels": {"a": {"end": 2}}}
    first, second = asyncio.create_task(anext(one)), asyncio.create_task(anext(two))  # type: ignore[arg-type]
    await clock.asleep()
    clock.advance(LOOK_EACH)
    assert read(await first) == ("change", {"channels": {"a": {"end": 2}}})
    assert await first is await second, "made once"
    assert world.looks == looks + 1
    task.cancel()


async def test_who_reads_slowly_gets_one_change_and_no_queue() -> None:
    world = World()
    feed = Feed(world.look, FakeClock())
    slow = feed.listen()
    await anext(slow)
    for end in range(2, 50):
        world.state = {"channels": {"a": {"end": end}}}
        await feed.now()
    assert read(await anext(slow)) == ("change", {"channels": {"a": {"end": 49}}})


async def test_a_heartbeat_where_nothing_changes_and_an_end_when_the_server_leaves() -> None:
    world, clock = World(), FakeClock()
    feed = Feed(world.look, clock)
    stream = feed.listen()
    await anext(stream)
    beat = asyncio.create_task(anext(stream))  # type: ignore[arg-type]
    await clock.asleep()
    clock.advance(HEARTBEAT)
    assert await beat == b":\n\n"
    last = asyncio.create_task(anext(stream, None))  # type: ignore[arg-type]
    await clock.asleep()
    feed.close()
    assert await last is None
