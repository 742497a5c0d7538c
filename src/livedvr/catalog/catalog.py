"""The catalog: SQLite behind one writer thread. What waits together is committed together.

WAL with synchronous=FULL: a committed row survives a power cut. Readers have a connection of their own.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from livedvr.catalog.copying import copy_catalog
from livedvr.catalog.schema import MIGRATIONS, migrate
from livedvr.resources.errors import Aborted, CatalogError

T = TypeVar("T")

Also = Callable[[sqlite3.Connection, T], None]
"""One more piece of work, for the transaction that stores a resource: it gets the resource as it is accepted."""

# How long a write waits for another process (a second controller on another channel) to finish its own.
BUSY_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Owner:
    """Who writes for a channel; a write with an older epoch than the catalog's is refused (fencing)."""

    channel: str
    epoch: int


@dataclass(frozen=True, slots=True)
class _Job:
    work: Callable[[sqlite3.Connection], Any]
    owner: Owner | None
    answer: Future[Any]


class Catalog:
    """The durable state of one data dir. Close it when done; what was answered is on disk.

    One of an older livedvr is brought up to date; as it was it stays beside it, as ``catalog.sqlite3.before-N``.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        try:
            path.touch(mode=0o600)  # inputs carry passphrases; SQLite gives its other files the same mode
            self._reader = self._connect()
            kept = path.with_name(f"{path.name}.before-{len(MIGRATIONS)}")
            migrate(self._reader, lambda: copy_catalog(path, kept, replace=True))
            self._writer_connection = self._connect()
        except (sqlite3.Error, OSError) as error:
            raise storage_error(path, error) from error
        self._thread = threading.Thread(target=self._write_forever, name="catalog-writer", daemon=True)
        self._thread.start()

    def _connect(self) -> sqlite3.Connection:
        # check_same_thread: each connection is used by one thread at a time, the writer's by its own only.
        connection = sqlite3.connect(self._path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.row_factory = sqlite3.Row
        return connection

    async def write(self, work: Callable[[sqlite3.Connection], T], owner: Owner | None = None) -> T:
        """Run ``work`` in the writer thread and return its result once it is committed.

        ``work`` is all or nothing. With ``owner`` it is refused with ABORTED when a newer owner epoch exists.
        """
        if not self._thread.is_alive():
            raise CatalogError("the catalog is closed", field=str(self._path))
        job = _Job(work, owner, Future())
        self._jobs.put(job)
        # Shielded: a cancelled waiter must not cancel what is about to be committed.
        result: T = await asyncio.shield(asyncio.wrap_future(job.answer))
        return result

    def read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``query`` on the reader's connection; for small reads and for the load at start."""
        try:
            return query(self._reader)
        except sqlite3.Error as error:
            raise storage_error(self._path, error) from error

    def close(self) -> None:
        """Commit what waits, then close."""
        self._jobs.put(None)
        self._thread.join()
        self._reader.close()

    def _write_forever(self) -> None:
        closing = False
        while not closing:
            waiting = [self._jobs.get()]
            while not self._jobs.empty():
                waiting.append(self._jobs.get())
            closing = None in waiting
            self._commit([job for job in waiting if job is not None])
        self._writer_connection.close()

    def _commit(self, jobs: list[_Job]) -> None:
        """One transaction for all; a job that fails takes back its own part only."""
        connection = self._writer_connection
        done: list[tuple[_Job, Any]] = []
        try:
            connection.execute("BEGIN IMMEDIATE")
            for job in jobs:
                connection.execute("SAVEPOINT job")
                try:
                    if job.owner:
                        _fence(connection, job.owner)
                    done.append((job, job.work(connection)))
                except Exception as error:  # it is the job's answer, and the thread must live on
                    if type(error) in (sqlite3.OperationalError, sqlite3.DatabaseError):
                        raise  # the database itself is in trouble: nobody's part is committed
                    connection.execute("ROLLBACK TO job")
                    job.answer.set_exception(error)
                connection.execute("RELEASE job")
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            for job in jobs:
                if not job.answer.done():
                    job.answer.set_exception(storage_error(self._path, error))
            return
        for job, result in done:
            job.answer.set_result(result)


def _fence(connection: sqlite3.Connection, owner: Owner) -> None:
    row = connection.execute("SELECT owner_epoch FROM channels WHERE id = ?", (owner.channel,)).fetchone()
    if row is not None and row["owner_epoch"] != owner.epoch:
        raise Aborted(f"channel '{owner.channel}' has been taken over by another controller")


def storage_error(path: Path, error: Exception) -> CatalogError:
    """What SQLite or the file system says about the catalog, as an error of ours."""
    passing = getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
    return CatalogError(f"the catalog cannot be used: {error}", field=str(path), passing=passing)
