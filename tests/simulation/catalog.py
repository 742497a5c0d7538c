"""The catalog under simulation: the real commit, fencing and SQL on one SQLite in memory, without the thread."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from livedvr.catalog.catalog import Catalog, _Job
from livedvr.catalog.schema import migrate
from livedvr.resources.errors import CatalogError
from simulation.world import SimLoop, World

# What is committed is told by triggers: it does not matter by which statement it came about.
_TRIGGERS = """
CREATE TEMP TABLE told (what TEXT, id TEXT, was TEXT, became TEXT, edition_was INTEGER, edition INTEGER);
CREATE TEMP TRIGGER session_added AFTER INSERT ON main.sessions BEGIN
    INSERT INTO told VALUES ('session', NEW.id, NULL, NEW.state, NULL, NEW.edition); END;
CREATE TEMP TRIGGER session_changed AFTER UPDATE ON main.sessions BEGIN
    INSERT INTO told VALUES ('session', NEW.id, OLD.state, NEW.state, OLD.edition, NEW.edition); END;
CREATE TEMP TRIGGER session_removed AFTER DELETE ON main.sessions BEGIN
    INSERT INTO told VALUES ('session', OLD.id, OLD.state, NULL, OLD.edition, NULL); END;
CREATE TEMP TRIGGER segment_added AFTER INSERT ON main.segments BEGIN
    INSERT INTO told VALUES ('segment', NEW.number, NULL, NULL, NULL, NULL); END;
CREATE TEMP TRIGGER segment_marked AFTER UPDATE OF leaving ON main.segments BEGIN
    INSERT INTO told VALUES ('segment leaving', NEW.number, NULL, NULL, NULL, NULL); END;
CREATE TEMP TRIGGER segment_removed AFTER DELETE ON main.segments BEGIN
    INSERT INTO told VALUES ('segment gone', OLD.number, NULL, NULL, NULL, NULL); END;
CREATE TEMP TRIGGER tag_added AFTER INSERT ON main.range_tags BEGIN
    INSERT INTO told VALUES ('range tag', NEW.serial, NULL, NULL, NULL, NULL); END;
CREATE TEMP TRIGGER owner_changed AFTER UPDATE OF owner_epoch ON main.channels BEGIN
    INSERT INTO told VALUES ('owner', NEW.id, NULL, NULL, NULL, NULL); END;
CREATE TEMP TRIGGER event_added AFTER INSERT ON main.events BEGIN
    INSERT INTO told VALUES ('event', NEW.text, NEW.kind, NULL, NULL, NULL); END;
"""


@dataclass(frozen=True, slots=True)
class Told:
    """One row that a commit has added, changed or removed."""

    what: str
    id: str
    was: str | None
    became: str | None
    edition_was: int | None
    edition: int | None


class Database:
    """What outlives every controller: the tables. ``on_commit`` is told what each commit has changed."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self.connection.row_factory = sqlite3.Row
        migrate(self.connection)
        self.connection.executescript(_TRIGGERS)
        self.on_commit: Callable[[list[Told]], None] = lambda told: None
        self.on_owner: Callable[[SimCatalog], None] = lambda catalog: None
        self.refuses = 0.0  # the probability that a commit fails with a full or locked disk

    def changes(self) -> list[Told]:
        """What has been committed since the last call."""
        told = [Told(*row) for row in self.connection.execute("SELECT * FROM told")]
        if told:
            self.connection.execute("DELETE FROM told")
        return told


class _Answer:
    """What `Catalog._commit` answers into."""

    def __init__(self, future: asyncio.Future[Any]) -> None:
        self._future = future
        self._result: Any = None
        self._error: BaseException | None = None
        self._done = False

    def done(self) -> bool:
        return self._done

    def set_result(self, result: Any) -> None:
        self._result, self._done = result, True

    def set_exception(self, error: BaseException) -> None:
        self._error, self._done = error, True

    def deliver(self) -> None:
        if self._future.done():
            return
        if self._error is not None:
            self._future.set_exception(self._error)
        else:
            self._future.set_result(self._result)


class SimCatalog(Catalog):
    """One controller's way to the tables; its queue dies with it, what was committed stays."""

    def __init__(self, database: Database, loop: SimLoop) -> None:
        self._database = database
        self._loop = loop
        self._path = "catalog"  # type: ignore[assignment]  # for messages only
        self._reader = self._writer_connection = database.connection
        self._waiting: list[_Job] = []

    async def write(self, work: Callable[[sqlite3.Connection], Any], owner: Any = None) -> Any:
        future = self._loop.create_future()
        self._waiting.append(_Job(work, owner, _Answer(future)))  # type: ignore[arg-type]
        if len(self._waiting) == 1 and not self._loop.dead:
            world = self._database.world
            world.after(world.rng.randrange(200, 5_000), self._commit_waiting)
        return await asyncio.shield(future)

    def _commit_waiting(self) -> None:
        if self._loop.dead:
            return
        world, jobs = self._database.world, self._waiting
        self._waiting = []
        if world.rng.random() < self._database.refuses:
            world.fault("catalog refuses")
            for job in jobs:
                job.answer.set_exception(CatalogError("the catalog cannot be used: disk I/O error", field="catalog"))
        else:
            self._commit(jobs)
            told = self._database.changes()
            if any(change.what == "owner" for change in told):
                self._database.on_owner(self)
            self._database.on_commit(told)
        world.after(world.rng.randrange(0, 2_000), lambda: self._deliver(jobs))

    def _deliver(self, jobs: list[_Job]) -> None:
        if not self._loop.dead:
            for job in jobs:
                job.answer.deliver()  # type: ignore[attr-defined]

    def close(self) -> None:
        if self._waiting:
            self._commit_waiting()
