from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from livedvr.sessions.changes import Changes


class Shelf:
    def __init__(self) -> None:
        self.changes, self.things = Changes(), {"a": 1, "b": 1}

    def put(self, name: str, value: int | None) -> None:
        self.things.pop(name)
        if value is not None:
            self.things[name] = value
        self.changes.tell(name)

    def watch(self, name: str) -> AsyncGenerator[int, None]:
        return self.changes.watch(name, self.things[name], self.things.get, lambda value: value > 9)


async def test_what_changes_while_its_watcher_works_is_not_missed() -> None:
    shelf = Shelf()
    watching = shelf.watch("a")
    assert await anext(watching) == 1
    shelf.put("a", 2)
    shelf.put("a", 3)
    assert await anext(watching) == 3, "how it is now, not each step"
    waiting = asyncio.ensure_future(anext(watching))
    await asyncio.sleep(0)
    shelf.put("a", 3)
    shelf.put("b", 7)
    await asyncio.sleep(0)
    assert not waiting.done(), "nothing of it is new"
    shelf.put("a", 10)
    assert await waiting == 10
    with pytest.raises(StopAsyncIteration):
        await anext(watching)


@pytest.mark.parametrize("end", [lambda shelf: shelf.put("a", None), lambda shelf: shelf.changes.close()])
async def test_nobody_waits_for_what_is_gone_or_will_not_change(end: object) -> None:
    shelf = Shelf()
    watching = shelf.watch("a")
    assert await anext(watching) == 1
    waiting = asyncio.ensure_future(anext(watching))
    await asyncio.sleep(0)
    end(shelf)  # type: ignore[operator]
    with pytest.raises(StopAsyncIteration):
        await waiting
