"""Plain SQL for recordings and what is still to be told of them: each function is one small unit of work."""

from __future__ import annotations

import sqlite3

from livedvr.resources.errors import AlreadyExists
from livedvr.resources.models import WITH_SECRETS
from livedvr.resources.recording import Recording

KEPT_RECORDS = 10_000  # per channel; older ones are forgotten
ENDED = "state IN ('SUCCEEDED', 'EMPTY', 'FAILED', 'CANCELED')"


def add_recording(db: sqlite3.Connection, recording: Recording) -> None:
    """Store a new one; ALREADY_EXISTS when there is one. Of those that have ended the oldest beyond 10,000 go."""
    channel, name = recording.channel_id, recording.recording_id
    if find_recording(db, channel, name) is not None:
        raise AlreadyExists(f"recording '{name}' exists already", field="recordingId", hint="use another id")
    db.execute(
        "INSERT INTO recordings (channel, id, state, resource) VALUES (?, ?, ?, ?)",
        (channel, name, recording.state, _json(recording)),
    )
    db.execute(
        f"DELETE FROM recordings WHERE channel = :channel AND {ENDED} AND serial <= ("
        "SELECT serial FROM recordings WHERE channel = :channel ORDER BY serial DESC LIMIT 1 OFFSET :kept)",
        {"channel": channel, "kept": KEPT_RECORDS},
    )


def put_recording(db: sqlite3.Connection, recording: Recording) -> None:
    """It is this from now on."""
    db.execute(
        "UPDATE recordings SET state = ?, resource = ? WHERE channel = ? AND id = ?",
        (recording.state, _json(recording), recording.channel_id, recording.recording_id),
    )


def delete_recording(db: sqlite3.Connection, channel: str, name: str) -> None:
    """The record goes."""
    db.execute("DELETE FROM recordings WHERE channel = ? AND id = ?", (channel, name))


def find_recording(db: sqlite3.Connection, channel: str, name: str) -> Recording | None:
    """The recording, or None."""
    row = db.execute("SELECT resource FROM recordings WHERE channel = ? AND id = ?", (channel, name)).fetchone()
    return Recording.model_validate_json(row["resource"]) if row else None


def list_recordings(db: sqlite3.Connection, channel: str) -> list[Recording]:
    """The channel's by creation."""
    rows = db.execute("SELECT resource FROM recordings WHERE channel = ? ORDER BY serial", (channel,))
    return [Recording.model_validate_json(row["resource"]) for row in rows]


def recordings_after(db: sqlite3.Connection, channel: str, place: int, count: int) -> list[tuple[int, Recording]]:
    """So many of a channel's, by creation: with their places, all above this one."""
    rows = db.execute(
        "SELECT serial, resource FROM recordings WHERE channel = ? AND serial > ? ORDER BY serial LIMIT ?",
        (channel, place, count),
    )
    return [(row["serial"], Recording.model_validate_json(row["resource"])) for row in rows]


def newest_recordings(
    db: sqlite3.Connection, before: int, count: int, channel: str | None = None
) -> list[tuple[int, Recording]]:
    """So many of all channels', or of one, the newest first: with their places, all below ``before``."""
    rows = db.execute(
        "SELECT serial, resource FROM recordings WHERE serial < ? AND channel = coalesce(?, channel)"
        " ORDER BY serial DESC LIMIT ?",
        (before, channel, count),
    )
    return [(row["serial"], Recording.model_validate_json(row["resource"])) for row in rows]


def unfinished_recordings(db: sqlite3.Connection, channel: str) -> list[Recording]:
    """Those that have not ended, by creation."""
    rows = db.execute(f"SELECT resource FROM recordings WHERE channel = ? AND NOT {ENDED} ORDER BY serial", (channel,))
    return [Recording.model_validate_json(row["resource"]) for row in rows]


def _json(recording: Recording) -> str:
    return recording.model_dump_json(by_alias=True, context=WITH_SECRETS)
