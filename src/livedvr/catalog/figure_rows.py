"""Plain SQL for who watches: what is counted and told of all channels."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping


def sessions_by_state(db: sqlite3.Connection) -> Mapping[tuple[str, str], int]:
    """How many sessions each channel has in each state: (channel, state) -> count."""
    rows = db.execute("SELECT channel, state, count(*) AS n FROM sessions GROUP BY channel, state")
    return {(row["channel"], row["state"]): row["n"] for row in rows}


def recordings_by_state(db: sqlite3.Connection) -> Mapping[tuple[str, str], int]:
    """How many recordings each channel has in each state: (channel, state) -> count."""
    rows = db.execute("SELECT channel, state, count(*) AS n FROM recordings GROUP BY channel, state")
    return {(row["channel"], row["state"]): row["n"] for row in rows}


def notifications_waiting(db: sqlite3.Connection) -> Mapping[str, int]:
    """How many notifications of each channel have not been taken yet."""
    rows = db.execute("SELECT channel, count(*) AS n FROM notifications GROUP BY channel")
    return {row["channel"]: row["n"] for row in rows}


def last_event(db: sqlite3.Connection) -> int:
    """The id of the newest event of any channel."""
    last: int = db.execute("SELECT ifnull(max(id), 0) FROM events").fetchone()[0]
    return last


def events_after(db: sqlite3.Connection, last: int) -> list[tuple[int, str, int, str, str]]:
    """What channels' users should know since then, in order: (id, channel, UTC microseconds, kind, text)."""
    rows = db.execute("SELECT id, channel, time, kind, text FROM events WHERE id > ? ORDER BY id", (last,))
    return [tuple(row) for row in rows]
