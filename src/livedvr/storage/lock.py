"""A locked file that says who owns what lies beside it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from livedvr.resources.errors import Aborted


class OwnerLock:
    """Held until `release`, or until the process dies. The pid in it is for people only.

    ABORTED: somebody else has it; ``field`` and ``hint`` are that error's.
    """

    def __init__(self, path: Path, *, field: str, hint: str) -> None:
        self._descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            pid = os.read(self._descriptor, 32).decode().strip()
            os.close(self._descriptor)
            raise Aborted(f"it is taken by another controller (pid {pid})", field=field, hint=hint) from error
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Let somebody else have it."""
        os.close(self._descriptor)
