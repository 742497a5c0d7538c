"""Plain SQL for what is still to be told of recordings: each function is one small unit of work."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NotificationRow:
    """See the schema. Times in UTC microseconds. ``uri``: where there are several, a space is between them."""

    serial: int
    channel: str
    recording: str
    dialect: str
    uri: str
    secret: str | None
    event: str
    body: bytes
    created: int
    attempts: int
    next: int

    @property
    def uris(self) -> list[str]:
        """Who takes it, one instead of the other."""
        return self.uri.split(" ")

    @property
    def next_uri(self) -> str:
        """Whose turn it is."""
        return self.uris[self.attempts % len(self.uris)]


def add_notification(
    db: sqlite3.Connection,
    names: tuple[str, str, str, str, str | None],
    event: str,
    body: bytes,
    now: int,
) -> None:
    """Store one that is to be sent now. ``names``: channel, recording, dialect, uri and secret."""
    db.execute(
        "INSERT INTO notifications (channel, recording, dialect, uri, secret, event, body, created, attempts, next)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, ?)",
        (*names, event, body, now, now),
    )
    db.execute("UPDATE recordings SET told = told + 1 WHERE channel = ? AND id = ?", names[:2])


def count_told(db: sqlite3.Connection, channel: str, recording: str) -> int:
    """How many have been stored for a recording, whether sent or not."""
    row = db.execute("SELECT told FROM recordings WHERE channel = ? AND id = ?", (channel, recording)).fetchone()
    told: int = row["told"]
    return told


def first_notifications(db: sqlite3.Connection, channel: str) -> list[NotificationRow]:
    """What is next for each receiver: it hears of things in their order.

    What it has not taken of one recording is waited with by what follows of that one alone.
    """
    rows = db.execute(
        "SELECT * FROM notifications WHERE serial IN"
        " (SELECT min(serial) FROM"
        "  (SELECT min(serial) AS serial, uri, attempts FROM notifications WHERE channel = ? GROUP BY uri, recording)"
        "  GROUP BY uri, iif(attempts, serial, 0)) ORDER BY next",
        (channel,),
    )
    return [NotificationRow(**dict(row)) for row in rows]


def postpone_notification(db: sqlite3.Connection, serial: int, until: int) -> None:
    """It has not been taken: again then."""
    db.execute("UPDATE notifications SET attempts = attempts + 1, next = ? WHERE serial = ?", (until, serial))


def delete_notification(db: sqlite3.Connection, serial: int) -> None:
    """It has been taken, or is given up."""
    db.execute("DELETE FROM notifications WHERE serial = ?", (serial,))
