"""Plain SQL for sessions and their editions: each function is one statement or one small unit of work."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
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
    stored = replace(session, edition=_next_edition(db, session))
    columns = _columns(stored)
    names, marks = ", ".join(columns), ", ".join(f":{name}" for name in columns)
    db.execute(f"INSERT INTO sessions ({names}) VALUES ({marks})", columns)
    return stored


def put_session(db: sqlite3.Connection, session: SessionRow) -> None:
    """The session is this from now on."""
    columns = _columns(session)
    settings = ", ".join(f"{name} = :{name}" for name in columns)
    db.execute(f"UPDATE sessions SET {settings} WHERE channel = :channel AND id = :id", columns)


def begin_edition(db: sqlite3.Connection, session: SessionRow, grace: int) -> SessionRow:
    """A new edition of the session's windows (O6): nothing of it is published yet.

    The old one keeps its segments for ``grace`` microseconds after its playlist, see `release_editions`.
    """
    _retire(db, session, grace, None)
    fresh = replace(
        session,
        edition=_next_edition(db, session),
        edition_windows=session.windows,
        target=None,
        summary=None,
        cooldown_until=None,
    )
    put_session(db, fresh)
    return fresh


def release_editions(db: sqlite3.Connection, channel: str, session: str, now: int) -> None:
    """main.m3u8 points at the newest edition now: the replaced ones go after their grace (O6, R4)."""
    db.execute(
        "UPDATE retired SET playlist_until = :now + grace, segments_until = :now + 2 * grace"
        " WHERE channel = :channel AND session = :session AND segments_until IS NULL",
        {"now": now, "channel": channel, "session": session},
    )


def delete_session(db: sqlite3.Connection, session: SessionRow, grace: int, now: int) -> None:
    """The session's row goes, its objects have gone; its edition numbers stay (O6), its segments for the grace (R4)."""
    db.execute(
        "UPDATE retired SET playlist_until = NULL, segments_until = max(ifnull(segments_until, 0), ? + grace)"
        " WHERE channel = ? AND session = ?",
        (now, session.channel, session.id),
    )
    if session.target is not None:  # a playlist of the present edition may have been read
        _retire(db, session, grace, now + grace)
    db.execute("DELETE FROM sessions WHERE channel = ? AND id = ?", (session.channel, session.id))


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


def list_retired(db: sqlite3.Connection, channel: str) -> list[RetiredRow]:
    """The channel's retired editions."""
    rows = db.execute("SELECT * FROM retired WHERE channel = ? ORDER BY session, edition", (channel,))
    return [
        RetiredRow(
            row["session"],
            row["edition"],
            _load_windows(row["windows"]),
            row["grace"],
            row["playlist_until"],
            row["segments_until"],
        )
        for row in rows
    ]


def playlist_gone(db: sqlite3.Connection, channel: str, retired: RetiredRow, now: int) -> None:
    """The retired edition's playlist has been deleted: only from here on its segments have their grace (R4)."""
    db.execute(
        "UPDATE retired SET playlist_until = NULL, segments_until = max(ifnull(segments_until, 0), ? + grace)"
        " WHERE channel = ? AND session = ? AND edition = ?",
        (now, channel, retired.session, retired.edition),
    )


def forget_retired(db: sqlite3.Connection, channel: str, now: int) -> None:
    """Retired editions that keep nothing any more go."""
    db.execute(
        "DELETE FROM retired WHERE channel = ? AND playlist_until IS NULL AND segments_until <= ?", (channel, now)
    )


def listed_windows(session: SessionRow) -> tuple[Window, ...]:
    """The windows that what the session's sealed edition lists meets: they end where it does."""
    end = session.summary["actual_end"] if session.summary else None
    if end is None:
        return session.edition_windows
    return tuple(
        Window(w.start, end if w.end is None else min(w.end, end)) for w in session.edition_windows if w.start < end
    )


def _retire(db: sqlite3.Connection, session: SessionRow, grace: int, segments_until: int | None) -> None:
    db.execute(
        "INSERT INTO retired (channel, session, edition, windows, grace, segments_until) VALUES (?, ?, ?, ?, ?, ?)",
        (
            session.channel,
            session.id,
            session.edition,
            _dump_windows(listed_windows(session)),
            grace,
            segments_until,
        ),
    )


def _next_edition(db: sqlite3.Connection, session: SessionRow) -> int:
    """The next number of the id's editions, counted for ever."""
    row = db.execute(
        "INSERT INTO editions (channel, session, last) VALUES (?, ?, 1)"
        " ON CONFLICT (channel, session) DO UPDATE SET last = last + 1 RETURNING last",
        (session.channel, session.id),
    ).fetchone()
    number: int = row["last"]
    return number


def _columns(session: SessionRow) -> dict[str, Any]:
    """The row as the table has it."""
    columns = {field.name: getattr(session, field.name) for field in fields(session)}
    columns["windows"] = _dump_windows(session.windows)
    columns["edition_windows"] = _dump_windows(session.edition_windows)
    columns["labels"] = json.dumps(dict(session.labels))
    columns["summary"] = None if session.summary is None else json.dumps(session.summary)
    return columns


def _session(row: sqlite3.Row) -> SessionRow:
    columns = dict(row)
    columns["windows"] = _load_windows(row["windows"])
    columns["edition_windows"] = _load_windows(row["edition_windows"])
    columns["labels"] = json.loads(row["labels"])
    columns["summary"] = json.loads(row["summary"]) if row["summary"] else None
    return SessionRow(**columns)


def _dump_windows(windows: tuple[Window, ...]) -> str:
    return json.dumps([[window.start, window.end] for window in windows])


def _load_windows(text: str) -> tuple[Window, ...]:
    return tuple(Window(*pair) for pair in json.loads(text))
