"""Plain SQL for the tags of date ranges: each function is one statement or one small unit of work."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable

from livedvr.timeline.ranges import RangeTag


def commit_tags(db: sqlite3.Connection, channel: str, tags: Iterable[RangeTag]) -> None:
    """The tags exist from here on, with their places."""
    db.executemany(
        "INSERT INTO range_tags VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                channel,
                tag.serial,
                tag.id,
                tag.event,
                tag.start,
                tag.planned,
                tag.returns,
                tag.end,
                tag.carrier,
                tag.section,
                json.dumps(dict(tag.places)),
            )
            for tag in tags
        ],
    )


def set_cues(db: sqlite3.Connection, run: str, count: int) -> None:
    """So many of the run's messages are dealt with."""
    db.execute("UPDATE runs SET cues = ? WHERE id = ?", (count, run))


def list_tags(db: sqlite3.Connection, channel: str) -> list[RangeTag]:
    """The channel's kept tags, in their order."""
    rows = db.execute("SELECT * FROM range_tags WHERE channel = ? ORDER BY serial", (channel,))
    return [
        RangeTag(
            row["serial"],
            row["id"],
            row["event"],
            row["start"],
            row["planned"],
            bool(row["returns"]),
            row["ends"],
            row["carrier"],
            row["section"],
            json.loads(row["places"]),
        )
        for row in rows
    ]


def delete_tags(db: sqlite3.Connection, channel: str, serials: Iterable[int]) -> None:
    """Retention has let their ranges go."""
    db.executemany("DELETE FROM range_tags WHERE channel = ? AND serial = ?", [(channel, serial) for serial in serials])
