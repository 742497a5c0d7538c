"""Opens what lies below a directory, and nothing else. Blocking."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Self

from livedvr.resources.errors import InvalidArgument, NotFound
from livedvr.resources.layout import has_content_type
from livedvr.storage.base import check_name

# A symbolic link is followed nowhere, and a pipe that somebody has put there is not waited for.
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A file as it was when it was opened: what replaces it later is another one. Close it, or use it as ``with``.

    ``version``: tells it from everything that has stood or will stand under its name (inode, size, nanoseconds).
    """

    file: FileIO
    size: int
    version: tuple[int, int, int]

    def read(self) -> bytes:
        """All of it."""
        return self.file.readall()

    def close(self) -> None:
        """It is not needed any more."""
        self.file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_below(root: Path, name: str) -> OpenFile:
    """The object of that name below ``root``. NOT_FOUND: there is none that may be seen.

    Part by part, each from the folder before it: nothing that is exchanged meanwhile leads out. A name has no dot
    folders (`.livedvr`), and is that of a playlist or of media: what else lies there is nobody's business.
    """
    missing = NotFound(f"there is no '/media/{name}'")
    try:
        parts = check_name(name).split("/")
    except InvalidArgument:
        raise missing from None
    if not has_content_type(name):
        raise missing
    try:
        file = FileIO(_open(root, parts))  # a folder is none, and is closed
    except (OSError, UnicodeEncodeError):
        raise missing from None
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        file.close()
        raise missing
    return OpenFile(file, status.st_size, (status.st_ino, status.st_size, status.st_mtime_ns))


def _open(root: Path, parts: list[str]) -> int:
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    for part in parts[:-1]:
        try:
            inner = os.open(part, _FOLDER, dir_fd=folder)
        finally:
            os.close(folder)
        folder = inner
    try:
        return os.open(parts[-1], _FILE, dir_fd=folder)
    finally:
        os.close(folder)
