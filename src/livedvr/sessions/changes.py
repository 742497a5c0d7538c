"""Who waits for what becomes of sessions, clips or recordings."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import TypeVar
from weakref import WeakValueDictionary

T = TypeVar("T")


class Changes:
    """Of the things of one kind that a channel has, by their ids. ``is_closed``: none of them will change any more."""

    def __init__(self) -> None:
        self._next: WeakValueDictionary[str, asyncio.Event] = WeakValueDictionary()  # of those somebody waits for
        self.is_closed = False

    def next(self, name: str) -> asyncio.Event:
        """Set at its next change; take it before looking, or what changes meanwhile is missed."""
        return self._next.setdefault(name, asyncio.Event())

    def tell(self, name: str) -> None:
        """This one has changed: whoever waits for it looks again, and nobody else."""
        changed = self._next.pop(name, None)
        if changed is not None:
            changed.set()

    def close(self) -> None:
        """Nothing will change any more: whoever waits for a change is told."""
        self.is_closed = True
        for name in list(self._next):
            self.tell(name)

    async def watch(
        self, name: str, first: T, find: Callable[[str], T | None], has_ended: Callable[[T], bool]
    ) -> AsyncGenerator[T, None]:
        """``first``, and what ``find`` gives after each change, until it has ended or is gone."""
        shown: T | None = None
        current: T | None = first
        while current is not None:
            changed = self.next(name)
            if current != shown:
                yield current
                shown = current
            if has_ended(current) or self.is_closed:
                return
            await changed.wait()
            current = find(name)
