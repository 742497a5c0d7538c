"""Plain SQL for what other systems' clients call by names of their own: each function is one small unit of work."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from livedvr.catalog.recording_rows import ENDED
from livedvr.resources.errors import AlreadyExists


@dataclass(frozen=True, slots=True)
class FacadeRow:
    """See the schema. ``resource`` is JSON; ``created`` UTC microseconds. ``serial``: 0 before it is stored."""

    facade: str
    kind: str
    id: str
    channel: str | None
    recording: str | None
    created: int
    resource: str
    serial: int = 0


def add_facade_row(db: sqlite3.Connection, row: FacadeRow) -> None:
    """Store a new one. ALREADY_EXISTS: its facade has one of that kind and id."""
    if find_facade_row(db, row.facade, row.kind, row.id) is not None:
        raise AlreadyExists(f"{row.kind} '{row.id}' exists already", field="id", hint="use another id")
    db.execute(
        "INSERT INTO facade_resources (facade, kind, id, channel, recording, created, resource)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (row.facade, row.kind, row.id, row.channel, row.recording, row.created, row.resource),
    )


def put_facade_row(db: sqlite3.Connection, row: FacadeRow) -> None:
    """What it is from now on."""
    db.execute(
        "UPDATE facade_resources SET channel = ?, recording = ?, resource = ? WHERE facade = ? AND kind = ? AND id = ?",
        (row.channel, row.recording, row.resource, row.facade, row.kind, row.id),
    )


def delete_facade_row(db: sqlite3.Connection, facade: str, kind: str, name: str) -> None:
    """It is forgotten."""
    db.execute("DELETE FROM facade_resources WHERE facade = ? AND kind = ? AND id = ?", (facade, kind, name))


def find_facade_row(db: sqlite3.Connection, facade: str, kind: str, name: str) -> FacadeRow | None:
    """The one with this id, or None."""
    found = db.execute(
        "SELECT * FROM facade_resources WHERE facade = ? AND kind = ? AND id = ?", (facade, kind, name)
    ).fetchone()
    return FacadeRow(**dict(found)) if found else None


def list_facade_rows(db: sqlite3.Connection, facade: str, kind: str, since: int = 0) -> list[FacadeRow]:
    """Those of a kind that were made since then, by creation."""
    rows = db.execute(
        "SELECT * FROM facade_resources WHERE facade = ? AND kind = ? AND created >= ? ORDER BY serial",
        (facade, kind, since),
    )
    return [FacadeRow(**dict(row)) for row in rows]


def newest_facade_rows(db: sqlite3.Connection, facade: str, kind: str, before: int, count: int) -> list[FacadeRow]:
    """So many of a kind, the newest first, all with a ``serial`` below ``before``."""
    rows = db.execute(
        "SELECT * FROM facade_resources WHERE facade = ? AND kind = ? AND serial < ? ORDER BY serial DESC LIMIT ?",
        (facade, kind, before, count),
    )
    return [FacadeRow(**dict(row)) for row in rows]


def facade_rows_of(db: sqlite3.Connection, channel: str, recording: str) -> list[FacadeRow]:
    """Those behind which this recording stands, by creation."""
    rows = db.execute(
        "SELECT * FROM facade_resources WHERE channel = ? AND recording = ? ORDER BY serial", (channel, recording)
    )
    return [FacadeRow(**dict(row)) for row in rows]


def unfinished_facade_rows(db: sqlite3.Connection, facade: str, kind: str) -> list[FacadeRow]:
    """Those of a kind whose recording has not ended, by creation."""
    rows = db.execute(
        "SELECT f.* FROM facade_resources f JOIN recordings r ON r.channel = f.channel AND r.id = f.recording"
        f" WHERE f.facade = ? AND f.kind = ? AND NOT {ENDED} ORDER BY f.serial",
        (facade, kind),
    )
    return [FacadeRow(**dict(row)) for row in rows]


def facade_rows_with_states(db: sqlite3.Connection, facade: str, kind: str, since: int) -> list[tuple[FacadeRow, str]]:
    """Those of a kind that were made since then, by creation, each with the state of its recording."""
    rows = db.execute(
        "SELECT f.*, r.state FROM facade_resources f JOIN recordings r ON r.channel = f.channel AND r.id = f.recording"
        " WHERE f.facade = ? AND f.kind = ? AND f.created >= ? ORDER BY f.serial",
        (facade, kind, since),
    )
    found = [dict(row) for row in rows]
    return [(FacadeRow(**{name: one[name] for name in one if name != "state"}), one["state"]) for one in found]


def forget_facade_rows(db: sqlite3.Connection, facade: str, kind: str, before: int) -> None:
    """Those of a kind that were made before then go: nobody may ask for them any more."""
    db.execute("DELETE FROM facade_resources WHERE facade = ? AND kind = ? AND created < ?", (facade, kind, before))
