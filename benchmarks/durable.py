"""What it costs that nothing of a segment is lost by a power cut: the system calls of a segment's way alone, no DVR.

A commit (SQLite as the catalog has it), the file and its name, two playlists replaced: the session's and the channel's.
"""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

from benchmarks.comparison import Row, number
from benchmarks.live_channels import SEGMENT

SIZE = 1_250_000  # bytes: 5 Mbit/s
PLAYLISTS = {"live": 700, "session": 20_000}  # bytes: five segments, and some ten minutes


async def rows(folder: Path, *, segments: int = 150) -> list[Row]:
    """What those of a minute take, CPU."""
    folder.mkdir(parents=True)  # noqa: ASYNC240 - nothing is measured yet
    catalog = sqlite3.connect(folder / "catalog", isolation_level=None)
    catalog.execute("PRAGMA journal_mode=WAL")
    catalog.execute("PRAGMA synchronous=FULL")
    catalog.execute("CREATE TABLE segments (number INTEGER PRIMARY KEY, name TEXT)")
    spent = 0.0
    for one in range(segments):
        spool = folder / f"{one}.spool"
        spool.write_bytes(os.urandom(SIZE))  # noqa: ASYNC240 - nothing runs beside it
        began = time.process_time()
        _synced(spool)
        os.link(spool, folder / f"{one}.m4s")
        _synced(folder)
        catalog.execute("INSERT INTO segments VALUES (?, ?)", (one, spool.name))  # commits by itself
        for name, size in PLAYLISTS.items():
            _replaced(folder / name, bytes(size))
        spent += time.process_time() - began
        spool.unlink()  # noqa: ASYNC240
    catalog.close()
    took = f"{number(spent / segments * 60 / SEGMENT)} s a minute"
    return [Row("what has to be durable of 5 Mbit/s, system calls alone, CPU", took, "-", "", "", "", None)]


def _replaced(path: Path, data: bytes) -> None:
    temporary = path.with_suffix(".tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.write(descriptor, data)
    os.fsync(descriptor)
    os.close(descriptor)
    temporary.rename(path)
    _synced(path.parent)


def _synced(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)
