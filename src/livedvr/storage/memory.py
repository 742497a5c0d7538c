"""Objects in memory: for tests and simulation."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

from livedvr.resources.errors import NotFound, ObjectConflict, StorageError
from livedvr.storage.base import ObjectStore, check_name, check_prefix


class MemoryStore:
    """An `ObjectStore` that forgets."""

    pause = 0
    threads = None

    def __init__(self) -> None:
        self._objects: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def put_new(self, name: str, source: Path) -> None:
        """See `ObjectStore`."""
        check_name(name)
        try:
            data = source.read_bytes()
        except OSError as error:
            raise StorageError(f"cannot read it: {error.strerror}", field=str(source)) from error
        self._put(name, data)

    def copy_from(self, source: ObjectStore, name: str) -> None:
        """See `ObjectStore`."""
        self._put(check_name(name), source.get(name))

    def fetch(self, name: str, target: Path) -> None:
        """See `ObjectStore`."""
        target.write_bytes(self.get(name))

    def _put(self, name: str, data: bytes) -> None:
        with self._lock:
            if self._objects.setdefault(name, data) != data:
                raise ObjectConflict("other bytes stand under this name", field=name)

    def replace(self, name: str, data: bytes) -> None:
        """See `ObjectStore`."""
        with self._lock:
            self._objects[check_name(name)] = bytes(data)

    def get(self, name: str) -> bytes:
        """See `ObjectStore`."""
        try:
            return self._objects[check_name(name)]
        except KeyError:
            raise NotFound("there is no such object", field=name) from None

    def size(self, name: str) -> int | None:
        """See `ObjectStore`."""
        data = self._objects.get(check_name(name))
        return None if data is None else len(data)

    def list(self, prefix: str) -> Iterator[str]:
        """See `ObjectStore`."""
        check_prefix(prefix)
        return iter(sorted(name for name in self._objects if name.startswith(prefix)))

    def delete(self, name: str) -> None:
        """See `ObjectStore`."""
        with self._lock:
            self._objects.pop(check_name(name), None)

    def uri(self, name: str) -> str:
        """See `ObjectStore`."""
        return f"memory:{check_name(name)}"

    def close(self) -> None:
        """See `ObjectStore`."""
