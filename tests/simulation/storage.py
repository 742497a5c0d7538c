"""Storage under simulation: objects that outlive controllers, and every way a store can fail them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from livedvr.resources.errors import NotFound, ObjectConflict, StorageError
from livedvr.resources.times import SECOND
from livedvr.storage.base import check_name as check_name_anew
from livedvr.storage.base import check_prefix
from simulation.world import World

check_name = lru_cache(maxsize=100_000)(check_name_anew)  # the same names come again and again

PASSING, FOR_GOOD = "503 try again later", "403 permission denied"


class Bucket:
    """The objects. Segments are remembered by what was put, playlists by their bytes.

    ``on_replace``, ``on_delete`` are told of each change that has taken place. The rates are probabilities a call.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.objects: dict[str, dict[str, Any]] = {}  # by their first two folders: listing one session is cheap
        self.on_replace: Callable[[str, bytes], None] = lambda name, data: None
        self.on_delete: Callable[[str], None] = lambda name: None
        self.down_until = 0  # passing refusals until then
        self.stalled_until = 0
        self.forbidden: str | None = None  # a prefix that storage refuses for good
        self.refuses = self.loses_answers = self.dawdles = 0.0
        self.stored = 0  # bytes of segments
        self._sizes: dict[str, int] = {}
        self.owner: object = None  # whose writes are taken: what a lock file or a compare-and-swap does

    def has(self, name: str) -> bool:
        return name in self.objects.get(_folder(name), ())

    def find(self, name: str) -> Any:
        return self.objects.get(_folder(name), {}).get(name)

    def names(self, prefix: str = "") -> list[str]:
        if prefix.count("/") >= 2:
            return sorted(name for name in self.objects.get(_folder(prefix), ()) if name.startswith(prefix))
        return sorted(name for names in self.objects.values() for name in names if name.startswith(prefix))

    def put(self, name: str, size: int) -> None:
        """Count the bytes of an object (0: it goes)."""
        self.stored += size - self._sizes.pop(name, 0)
        if size:
            self._sizes[name] = size

    def latency(self) -> tuple[int, int]:
        """Microseconds until a call is done, and from there until its answer comes."""
        rng, now = self.world.rng, self.world.now
        if now < self.stalled_until:
            return self.stalled_until - now + rng.randrange(0, 2 * SECOND), 0
        if self.dawdles and rng.random() < self.dawdles:
            self.world.fault("storage dawdles")
            return rng.randrange(0, 30 * SECOND), rng.randrange(0, 10 * SECOND)
        return rng.randrange(200, 3_000), 0


def _folder(name: str) -> str:
    first, _, rest = name.partition("/")
    return f"{first}/{rest.partition('/')[0]}"


class SimStore:
    """One controller's way to the bucket: an `ObjectStore`."""

    pause = 0
    threads = None

    def __init__(self, bucket: Bucket, owner: object, is_gone: Callable[[], bool]) -> None:
        self._bucket = bucket
        self._world = bucket.world
        self._owner = owner
        self._is_gone = is_gone
        self.refused_for_good: set[str] = set()

    def _ask(self, name: str) -> bool:
        """Raise what storage answers; True when it will apply the write and then report failure all the same."""
        bucket, world = self._bucket, self._world
        if bucket.owner is not self._owner:
            world.fault("stale write refused", name)
            raise StorageError("412 another controller owns it", field=name)
        if bucket.forbidden is not None and name.startswith(bucket.forbidden):
            world.fault("storage refuses for good", name)
            self.refused_for_good.add(name)
            raise StorageError(FOR_GOOD, field=name)
        if world.now < bucket.down_until or (bucket.refuses and world.rng.random() < bucket.refuses):
            world.fault("storage refuses", name)
            raise StorageError(PASSING, field=name, passing=True)
        return bool(bucket.loses_answers) and world.rng.random() < bucket.loses_answers

    def _lose_answer(self, name: str) -> None:
        self._world.fault("answer lost", name)
        raise StorageError("connection reset", field=name, passing=True)

    def put_new(self, name: str, source: Any) -> None:
        loses = self._ask(check_name(name))
        data, size = source.identity(), source.size()
        self._bucket.put(name, size)
        if self._bucket.objects.setdefault(_folder(name), {}).setdefault(name, data) != data:
            raise ObjectConflict("other bytes stand under this name", field=name)
        if loses:
            self._lose_answer(name)

    def replace(self, name: str, data: bytes) -> None:
        self._world.check("S16 who has let go of a channel writes nothing", not self._is_gone(), lambda: name)
        loses = self._ask(check_name(name))
        self._bucket.objects.setdefault(_folder(name), {})[name] = data
        self._bucket.on_replace(name, data)
        if loses:
            self._lose_answer(name)

    def get(self, name: str) -> bytes:
        data = self._bucket.find(check_name(name))
        if data is None:
            raise NotFound("there is no such object", field=name)
        return bytes(data)

    def size(self, name: str) -> int | None:
        data = self._bucket.find(check_name(name))
        return None if data is None else len(data)

    def list(self, prefix: str) -> Iterator[str]:
        self._ask(check_prefix(prefix))
        return iter(self._bucket.names(prefix))

    def delete(self, name: str) -> None:
        loses = self._ask(check_name(name))
        if self._bucket.objects.get(_folder(name), {}).pop(name, None) is not None:
            self._bucket.put(name, 0)
            self._bucket.on_delete(name)
        if loses:
            self._lose_answer(name)

    def uri(self, name: str) -> str:
        return f"sim:{check_name(name)}"

    def close(self) -> None:
        pass
