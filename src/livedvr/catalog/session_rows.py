"""Plain SQL for sessions and their editions: each function is one statement or one small unit of work."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from livedvr.resources.errors import AlreadyExists, NotFound
from livedvr.timeline.segment import Window


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session as stored; see the schema. ``edition_windows`` differs from ``windows`` only while the present edition
    does not honour a patch yet (S7). Times in UTC microseconds."""

    channel: str
    id: str
    manifest_key: str
    windows: tuple[Window, ...]
    edition_windows: tuple[Window, ...]
    labels: Mapping[str, str]
    state: str
    error: str | None
    edition: int
    target: int | None
    summary: dict[str, Any] | None
    created: int
    updated: int
    cooldown_until: int | None = None
    ended: int | None = None


@dataclass(frozen=True, slots=True)
class RetiredRow:
    """An edition that is no longer its session's: what it keeps and how long (R4). Microseconds, see the schema."""

    session: str
    edition: int
    windows: tuple[Window, ...]
    grace: int
    playlist_until: int | None
    segments_until: int | None


def add_session(db: sqlite3.Connection, session: SessionRow) -> SessionRow:
    """Store a new session with the next edition number of its id (O6); ALREADY_EXISTS when there is one."""
    if find_session(db, session.channel, session.id) is not None:
        raise AlreadyExists(
            f"session '{session.id}' exists already", field="dvrSessionId", hint="use another id, or --resume"
        )
    edition = next_edition(db, session.channel, session.id)
    db.execute(
        "INSERT INTO sessions (channel, id, manifest_key, windows, labels, state, edition, created, updated)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            session.channel,
            session.id,
            session.manifest_key,
            json.dumps([[w.start, w.end] for w in session.windows]),
            json.dumps(dict(session.labels)),
            session.state,
            edition,
            session.created,
            session.updated,
        ),
    )
    return get_session(db, session.channel, session.id)


def next_edition(db: sqlite3.Connection, channel: str, session: str) -> int:
    """The next number of the id's editions, counted for ever."""
    row = db.execute(
        "INSERT INTO editions (channel, session, last) VALUES (?, ?, 1)"
        " ON CONFLICT (channel, session) DO UPDATE SET last = last + 1 RETURNING last",
        (channel, session),
    ).fetchone()
    number: int = row["last"]
    return number


def set_session_state(
    db: sqlite3.Connection, channel: str, session: str, state: str, now: int, error: str | None = None
) -> None:
    """A state change."""
    db.execute(
        "UPDATE sessions SET state = ?, error = ?, updated = ? WHERE channel = ? AND id = ?",
        (state, error, now, channel, session),
    )


def set_session_target(db: sqlite3.Connection, channel: str, session: str, seconds: int) -> None:
    """The edition's EXT-X-TARGETDURATION, before its first publication."""
    db.execute("UPDATE sessions SET target = ? WHERE channel = ? AND id = ?", (seconds, channel, session))


def set_session_summary(db: sqlite3.Connection, channel: str, session: str, summary: Mapping[str, Any]) -> None:
    """What the sealed session holds."""
    db.execute(
        "UPDATE sessions SET summary = ? WHERE channel = ? AND id = ?", (json.dumps(dict(summary)), channel, session)
    )


def delete_session(db: sqlite3.Connection, channel: str, session: str) -> None:
    """The session's row goes; its edition numbers stay (O6)."""
    db.execute("DELETE FROM sessions WHERE channel = ? AND id = ?", (channel, session))


def find_session(db: sqlite3.Connection, channel: str, session: str) -> SessionRow | None:
    """The session, or None."""
    row = db.execute("SELECT * FROM sessions WHERE channel = ? AND id = ?", (channel, session)).fetchone()
    return _session(row) if row else None


def get_session(db: sqlite3.Connection, channel: str, session: str) -> SessionRow:
    """The session, or NOT_FOUND."""
    found = find_session(db, channel, session)
    if found is None:
        raise NotFound(f"there is no session '{session}' on channel '{channel}'", field="dvrSession")
    return found


def list_sessions(db: sqlite3.Connection, channel: str) -> list[SessionRow]:
    """The channel's sessions by creation."""
    return [
        _session(row) for row in db.execute("SELECT * FROM sessions WHERE channel = ? ORDER BY created, id", (channel,))
    ]


def _session(row: sqlite3.Row) -> SessionRow:
    return SessionRow(
        channel=row["channel"],
        id=row["id"],
        manifest_key=row["manifest_key"],
        windows=tuple(Window(*pair) for pair in json.loads(row["windows"])),
        labels=json.loads(row["labels"]),
        state=row["state"],
        error=row["error"],
        edition=row["edition"],
        target=row["target"],
        summary=json.loads(row["summary"]) if row["summary"] else None,
        created=row["created"],
        updated=row["updated"],
    )
