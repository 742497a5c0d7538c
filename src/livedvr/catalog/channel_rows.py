"""Plain SQL for channels and their events: each function is one statement or one small unit of work."""

from __future__ import annotations

import functools
import sqlite3
from dataclasses import dataclass

from livedvr.resources.models import WITH_SECRETS, Channel, InputKey
from livedvr.timeline.segment import Window


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """A channel as stored. ``target``: seconds, None before the first settled run; the others: see the schema."""

    channel: Channel
    started: bool
    target: int | None
    stopping: bool = False
    deleting: bool = False
    active_input: InputKey = "primary"


def put_channel(db: sqlite3.Connection, channel: Channel) -> None:
    """Create the channel or replace its resource; target and owner stay."""
    db.execute(
        "INSERT INTO channels (id, resource) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET resource = excluded.resource",
        (channel.channel_id, channel.model_dump_json(context=WITH_SECRETS)),
    )


def raise_owner_epoch(db: sqlite3.Connection, channel: str) -> int:
    """The next owner epoch of the channel: older owners can no longer write."""
    row = db.execute(
        "UPDATE channels SET owner_epoch = owner_epoch + 1 WHERE id = ? RETURNING owner_epoch", (channel,)
    ).fetchone()
    epoch: int = row["owner_epoch"]
    return epoch


def set_started(db: sqlite3.Connection, channel: str, started: bool) -> None:
    """The channel runs from now on, or it is stopped and its sessions are sealed."""
    db.execute("UPDATE channels SET started = ?, stopping = 0 WHERE id = ?", (started, channel))


def set_stopping(db: sqlite3.Connection, channel: str) -> None:
    """The channel is no longer wanted, and its sessions are still to be sealed."""
    db.execute("UPDATE channels SET started = 0, stopping = 1 WHERE id = ?", (channel,))


def set_deleting(db: sqlite3.Connection, channel: str) -> None:
    """Nothing but its deletion is possible with the channel from here on."""
    db.execute("UPDATE channels SET deleting = 1 WHERE id = ?", (channel,))


def delete_channel(db: sqlite3.Connection, channel: str) -> None:
    """Every row of the channel goes, but the counts of its sessions' editions: an address is never reused (O6)."""
    told = ("notifications", "recordings", "clips", "given_up", "retired", "sessions", "range_tags", "break_orders")
    for table in (*told, "segments", "runs", "events"):
        db.execute(f"DELETE FROM {table} WHERE channel = ?", (channel,))
    db.execute("DELETE FROM channels WHERE id = ?", (channel,))


def switch_input(db: sqlite3.Connection, channel: str, active: InputKey, time: int, text: str) -> None:
    """Another input is on air from now on: say so, and go on with it after a restart."""
    db.execute("UPDATE channels SET active_input = ? WHERE id = ?", (active, channel))
    add_event(db, channel, time, "INPUT_SWITCHED", text)


def set_target(db: sqlite3.Connection, channel: str, seconds: int) -> None:
    """Fix the channel's target duration."""
    db.execute("UPDATE channels SET target = ? WHERE id = ?", (seconds, channel))


def raise_target(db: sqlite3.Connection, channel: str, seconds: int, time: int, text: str) -> None:
    """A segment was longer than the target duration: say so, and declare the larger value from now on (P3)."""
    set_target(db, channel, seconds)
    add_event(db, channel, time, "TARGET_DURATION_EXCEEDED", text)


def get_channel(db: sqlite3.Connection, channel: str) -> ChannelRow | None:
    """The channel, or None."""
    row = db.execute("SELECT * FROM channels WHERE id = ?", (channel,)).fetchone()
    return _channel(row) if row else None


def unfinished_channels(db: sqlite3.Connection) -> list[str]:
    """The ids of the channels on which something is to be carried on: all but those at rest."""
    rows = db.execute(
        "SELECT id FROM channels WHERE started OR stopping OR deleting"
        " OR EXISTS (SELECT 1 FROM runs WHERE channel = channels.id AND end_reason IS NULL)"
        " OR EXISTS (SELECT 1 FROM sessions WHERE channel = channels.id AND state NOT IN ('FINISHED', 'FAILED'))"
        " OR EXISTS (SELECT 1 FROM clips WHERE channel = channels.id AND state NOT IN ('SUCCEEDED', 'FAILED'))"
        " OR EXISTS (SELECT 1 FROM recordings WHERE channel = channels.id"
        " AND state NOT IN ('SUCCEEDED', 'EMPTY', 'FAILED', 'CANCELED'))"
        " OR EXISTS (SELECT 1 FROM notifications WHERE channel = channels.id)"
        " ORDER BY id"
    )
    return [row["id"] for row in rows]


def list_channels(db: sqlite3.Connection) -> list[ChannelRow]:
    """All channels by id."""
    return [_channel(row) for row in db.execute("SELECT * FROM channels ORDER BY id")]


@functools.lru_cache(maxsize=1024)
def _resource(stored: str) -> Channel:
    """Parsed once: whoever guesses stream keys at the gateway must not keep the controller busy."""
    return Channel.model_validate_json(stored)


def _channel(row: sqlite3.Row) -> ChannelRow:
    return ChannelRow(
        _resource(row["resource"]),
        bool(row["started"]),
        row["target"],
        bool(row["stopping"]),
        bool(row["deleting"]),
        row["active_input"],
    )


def add_event(db: sqlite3.Connection, channel: str, time: int, kind: str, text: str) -> None:
    """Something the user should know about the channel."""
    db.execute("INSERT INTO events (channel, time, kind, text) VALUES (?, ?, ?, ?)", (channel, time, kind, text))


def give_up(db: sqlite3.Connection, channel: str, start: int, end: int, time: int, text: str) -> None:
    """What was recorded from ``start`` to ``end`` will never be stored: say so, and why it is missing (P8)."""
    db.execute("INSERT OR REPLACE INTO given_up (channel, start, end) VALUES (?, ?, ?)", (channel, start, end))
    add_event(db, channel, time, "UPLOAD_GIVEN_UP", text)


def list_given_up(db: sqlite3.Connection, channel: str) -> list[Window]:
    """What will never be stored, by its start."""
    rows = db.execute("SELECT start, end FROM given_up WHERE channel = ? ORDER BY start", (channel,))
    return [Window(row["start"], row["end"]) for row in rows]


def list_events(db: sqlite3.Connection, channel: str, skip: int = 0) -> list[tuple[int, str, str]]:
    """(time, kind, text), oldest first, without the first ``skip`` of them."""
    query = "SELECT time, kind, text FROM events WHERE channel = ? ORDER BY id LIMIT -1 OFFSET ?"
    rows = db.execute(query, (channel, skip))
    return [(row["time"], row["kind"], row["text"]) for row in rows]
