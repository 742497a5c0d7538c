"""Plain SQL for clips: each function is one statement or one small unit of work."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from livedvr.resources.clip import OutputType
from livedvr.resources.errors import AlreadyExists, NotFound
from livedvr.timeline.segment import Window

KEPT_RECORDS = 1000  # per channel; older ones are forgotten [G]
_ENDED = "state IN ('SUCCEEDED', 'FAILED')"


@dataclass(frozen=True, slots=True)
class ClipRow:
    """A clip as stored; see the schema. ``windows`` are its slices. Times in UTC microseconds."""

    channel: str
    id: str
    output_uri: str
    manifest_key: str
    file_name: str
    output_type: OutputType
    exact: bool
    windows: tuple[Window, ...]
    labels: Mapping[str, str]
    state: str
    created: int
    updated: int
    error: str | None = None
    made: dict[str, Any] | None = None
    started: int | None = None


def add_clip(db: sqlite3.Connection, clip: ClipRow) -> None:
    """Store a new clip; ALREADY_EXISTS when there is one. Of those that have ended the oldest beyond 1000 go."""
    if find_clip(db, clip.channel, clip.id) is not None:
        raise AlreadyExists(f"clip '{clip.id}' exists already", field="clipId", hint="use another id")
    columns = _columns(clip)
    names, marks = ", ".join(columns), ", ".join(f":{name}" for name in columns)
    db.execute(f"INSERT INTO clips ({names}) VALUES ({marks})", columns)
    db.execute(
        f"DELETE FROM clips WHERE channel = :channel AND {_ENDED} AND serial <= ("
        "SELECT serial FROM clips WHERE channel = :channel ORDER BY serial DESC LIMIT 1 OFFSET :kept)",
        {"channel": clip.channel, "kept": KEPT_RECORDS},
    )


def put_clip(db: sqlite3.Connection, clip: ClipRow) -> None:
    """The clip is this from now on."""
    columns = _columns(clip)
    settings = ", ".join(f"{name} = :{name}" for name in columns)
    db.execute(f"UPDATE clips SET {settings} WHERE channel = :channel AND id = :id", columns)


def delete_clip(db: sqlite3.Connection, channel: str, clip: str) -> None:
    """The record goes."""
    db.execute("DELETE FROM clips WHERE channel = ? AND id = ?", (channel, clip))


def find_clip(db: sqlite3.Connection, channel: str, clip: str) -> ClipRow | None:
    """The clip, or None."""
    row = db.execute("SELECT * FROM clips WHERE channel = ? AND id = ?", (channel, clip)).fetchone()
    return _clip(row) if row else None


def get_clip(db: sqlite3.Connection, channel: str, clip: str) -> ClipRow:
    """The clip, or NOT_FOUND."""
    found = find_clip(db, channel, clip)
    if found is None:
        raise NotFound(f"there is no clip '{clip}' on channel '{channel}'", field="clip")
    return found


def list_clips(db: sqlite3.Connection, channel: str) -> list[ClipRow]:
    """The channel's clips by creation."""
    return [_clip(row) for row in db.execute("SELECT * FROM clips WHERE channel = ? ORDER BY serial", (channel,))]


def unfinished_clips(db: sqlite3.Connection, channel: str) -> list[ClipRow]:
    """Those that are still to be made, by creation."""
    rows = db.execute(f"SELECT * FROM clips WHERE channel = ? AND NOT {_ENDED} ORDER BY serial", (channel,))
    return [_clip(row) for row in rows]


def _columns(clip: ClipRow) -> dict[str, Any]:
    """The row as the table has it."""
    columns = {field.name: getattr(clip, field.name) for field in fields(clip)}
    columns["windows"] = json.dumps([[window.start, window.end] for window in clip.windows])
    columns["labels"] = json.dumps(dict(clip.labels))
    columns["made"] = None if clip.made is None else json.dumps(clip.made)
    return columns


def _clip(row: sqlite3.Row) -> ClipRow:
    columns = dict(row)
    del columns["serial"]
    columns["exact"] = bool(row["exact"])
    columns["windows"] = tuple(Window(*pair) for pair in json.loads(row["windows"]))
    columns["labels"] = json.loads(row["labels"])
    columns["made"] = json.loads(row["made"]) if row["made"] else None
    return ClipRow(**columns)
