"""Plain SQL for what the Live Stream API keeps beside the domain: its resources, operations, and answers by request id.

Messages are stored as protobuf's JSON, so that a row can be read by people; times are UTC microseconds.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ResourceRow:
    """A resource as it was accepted. ``domain``: the id of the channel that it is in the catalog's own tables."""

    name: str
    resource: str
    created: int
    updated: int
    domain: str | None = None


@dataclass(frozen=True, slots=True)
class OperationRow:
    """A long-running operation (AIP-151). ``outcome``: google.longrunning.Operation's response or error, once ended."""

    name: str
    target: str
    verb: str
    created: int
    ended: int | None = None
    cancelled: bool = False
    outcome: str | None = None


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """What a request with this id was answered (AIP-155). ``digest`` is of the request."""

    digest: str
    answer: bytes


def add_resource(db: sqlite3.Connection, row: ResourceRow) -> bool:
    """Store a new resource; whether its name was free."""
    added = db.execute(
        "INSERT INTO api_resources (name, parent, resource, created, updated, domain) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (name) DO NOTHING",
        (row.name, row.name.rpartition("/")[0], row.resource, row.created, row.updated, row.domain),
    )
    return added.rowcount == 1


def replace_resource(db: sqlite3.Connection, old: ResourceRow, new: ResourceRow) -> bool:
    """Store what a resource becomes; whether it was still as it had been read."""
    replaced = db.execute(
        "UPDATE api_resources SET resource = ?, updated = ?"
        " WHERE name = ? AND created = ? AND updated = ? AND resource = ?",
        (new.resource, new.updated, old.name, old.created, old.updated, old.resource),
    )
    return replaced.rowcount == 1


def get_resource(db: sqlite3.Connection, name: str) -> ResourceRow | None:
    """The resource, or None."""
    row = db.execute("SELECT * FROM api_resources WHERE name = ?", (name,)).fetchone()
    return _resource(row) if row else None


def list_resources(db: sqlite3.Connection, collection: str) -> list[ResourceRow]:
    """A collection (``projects/p/locations/l/inputs``) by name."""
    return [
        _resource(row)
        for row in db.execute("SELECT * FROM api_resources WHERE parent = ? ORDER BY name", (collection,))
    ]


def list_everywhere(db: sqlite3.Connection, kind: str) -> list[ResourceRow]:
    """All resources of a kind (``inputs``), whatever their location."""
    rows = db.execute("SELECT * FROM api_resources WHERE parent LIKE ? ORDER BY name", (f"%/{kind}",))
    return [_resource(row) for row in rows]


def open_events(db: sqlite3.Connection) -> list[ResourceRow]:
    """The events of all channels that are to come, or under way. (What is over stays until it is deleted.)"""
    rows = db.execute(
        "SELECT * FROM api_resources WHERE parent LIKE '%/events'"
        " AND json_extract(resource, '$.state') IN ('PENDING', 'SCHEDULED', 'RUNNING') ORDER BY name"
    )
    return [_resource(row) for row in rows]


def delete_resource(db: sqlite3.Connection, name: str) -> None:
    """The resource goes, and what lies below it."""
    db.execute("DELETE FROM api_resources WHERE name = ? OR (name > ? AND name < ?)", (name, f"{name}/", f"{name}0"))


def forget_clips(db: sqlite3.Connection, collection: str, channel: str, *, but: str) -> None:
    """Messages of clips that the domain's ``channel`` has no more (the oldest beyond its limit) go."""
    db.execute(
        "DELETE FROM api_resources WHERE parent = ? AND name <> ?"
        " AND substr(name, ?) NOT IN (SELECT id FROM clips WHERE channel = ?)",
        (collection, but, len(collection) + 2, channel),
    )


def domain_ids(db: sqlite3.Connection) -> set[str]:
    """Ids that channels have, those that are no resource of the API too."""
    return {row["id"] for row in db.execute("SELECT id FROM channels")}


def put_operation(db: sqlite3.Connection, row: OperationRow) -> None:
    """Store an operation, or how it stands now."""
    db.execute(
        "INSERT INTO api_operations (name, parent, target, verb, created, ended, cancelled, outcome)"
        " VALUES (:name, :parent, :target, :verb, :created, :ended, :cancelled, :outcome)"
        " ON CONFLICT (name) DO UPDATE SET ended = excluded.ended, cancelled = excluded.cancelled,"
        " outcome = excluded.outcome",
        {
            "name": row.name,
            "parent": row.name.rpartition("/")[0],
            "target": row.target,
            "verb": row.verb,
            "created": row.created,
            "ended": row.ended,
            "cancelled": row.cancelled,
            "outcome": row.outcome,
        },
    )


def get_operation(db: sqlite3.Connection, name: str) -> OperationRow | None:
    """The operation, or None."""
    row = db.execute("SELECT * FROM api_operations WHERE name = ?", (name,)).fetchone()
    return _operation(row) if row else None


def list_operations(db: sqlite3.Connection, collection: str, after: str = "", most: int = -1) -> list[OperationRow]:
    """A location's operations (``projects/p/locations/l/operations``) by name: behind a name, ``most`` of them."""
    rows = db.execute(
        "SELECT * FROM api_operations WHERE parent = ? AND name > ? ORDER BY name LIMIT ?", (collection, after, most)
    )
    return [_operation(row) for row in rows]


def open_operations(db: sqlite3.Connection) -> list[OperationRow]:
    """What has been promised and is not carried out yet, oldest first."""
    return [_operation(row) for row in db.execute("SELECT * FROM api_operations WHERE ended IS NULL ORDER BY created")]


def delete_operation(db: sqlite3.Connection, name: str) -> None:
    """The operation's record goes."""
    db.execute("DELETE FROM api_operations WHERE name = ?", (name,))


def forget_old(db: sqlite3.Connection, operations_before: int, answers_before: int) -> None:
    """Records of operations that ended before, and answers that were given before, go."""
    db.execute("DELETE FROM api_operations WHERE ended < ?", (operations_before,))
    db.execute("DELETE FROM api_answers WHERE time < ?", (answers_before,))


def add_answer(db: sqlite3.Connection, request: str, row: AnswerRow, time: int) -> None:
    """The request with this id has been answered."""
    db.execute(
        "INSERT INTO api_answers (request, digest, answer, time) VALUES (?, ?, ?, ?)",
        (request, row.digest, row.answer, time),
    )


def find_answer(db: sqlite3.Connection, request: str) -> AnswerRow | None:
    """What was answered, or None."""
    row = db.execute("SELECT * FROM api_answers WHERE request = ?", (request,)).fetchone()
    return AnswerRow(row["digest"], row["answer"]) if row else None


def _resource(row: sqlite3.Row) -> ResourceRow:
    return ResourceRow(row["name"], row["resource"], row["created"], row["updated"], row["domain"])


def _operation(row: sqlite3.Row) -> OperationRow:
    return OperationRow(
        row["name"],
        row["target"],
        row["verb"],
        row["created"],
        row["ended"],
        bool(row["cancelled"]),
        row["outcome"],
    )
