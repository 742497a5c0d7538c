"""What was asked for last, as much of it as fits."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Keeps values up to ``most`` bytes in all; those that were asked for longest ago go first. The newest stays."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._size = 0

    def get(self, key: K) -> V | None:
        """The value, if it is still there."""
        if key not in self._values:
            return None
        self._values.move_to_end(key)
        return self._values[key][0]

    def put(self, key: K, value: V, size: int) -> None:
        """The key's value is this one from now on, of ``size`` bytes."""
        self._size += size - self._values.pop(key, (value, 0))[1]
        self._values[key] = (value, size)
        while self._size > self._most and len(self._values) > 1:
            self._size -= self._values.popitem(last=False)[1][1]
