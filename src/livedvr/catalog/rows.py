"""Plain SQL for the catalog's tables: each function is one statement or one small unit of work."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from livedvr.resources.errors import AlreadyExists, NotFound
from livedvr.resources.models import Channel
from livedvr.timeline.clock import RunClock, Sample
from livedvr.timeline.segment import RunMedia, Segment, Window


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """A channel as stored. ``target``: seconds, None before the first settled run; ``stopping``: see the schema."""

    channel: Channel
    started: bool
    target: int | None
    stopping: bool = False


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run as stored. ``clock`` and ``media`` are None before its first commit, ``end_reason`` while it is open."""

    id: str
    channel: str
    created: int
    clock: RunClock | None
    media: RunMedia | None
    end_reason: str | None


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session as stored. ``target`` and ``summary``: see the schema."""

    channel: str
    id: str
    manifest_key: str
    windows: tuple[Window, ...]
    labels: Mapping[str, str]
    state: str
    error: str | None
    edition: int
    target: int | None
    summary: dict[str, Any] | None
    created: int
    updated: int


# channels


def put_channel(db: sqlite3.Connection, channel: Channel) -> None:
    """Create the channel or replace its resource; target and owner stay."""
    db.execute(
        "INSERT INTO channels (id, resource) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET resource = excluded.resource",
        (channel.channel_id, channel.model_dump_json()),
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
    """The ids of the channels on which something is to be carried on: running, stopping, or with an open session."""
    rows = db.execute(
        "SELECT id FROM channels WHERE started OR stopping"
        " OR EXISTS (SELECT 1 FROM runs WHERE channel = channels.id AND end_reason IS NULL)"
        " OR EXISTS (SELECT 1 FROM sessions WHERE channel = channels.id AND state NOT IN ('FINISHED', 'FAILED'))"
        " ORDER BY id"
    )
    return [row["id"] for row in rows]


def list_channels(db: sqlite3.Connection) -> list[ChannelRow]:
    """All channels by id."""
    return [_channel(row) for row in db.execute("SELECT * FROM channels ORDER BY id")]


def _channel(row: sqlite3.Row) -> ChannelRow:
    return ChannelRow(
        Channel.model_validate_json(row["resource"]), bool(row["started"]), row["target"], bool(row["stopping"])
    )


# runs and segments


def add_run(db: sqlite3.Connection, run: str, channel: str, created: int) -> None:
    """A run's row exists before its process does."""
    db.execute("INSERT INTO runs (id, channel, created) VALUES (?, ?, ?)", (run, channel, created))


def end_run(db: sqlite3.Connection, run: str, ended: int, reason: str) -> None:
    """The run is over and its journal is read to the end."""
    db.execute("UPDATE runs SET ended = ?, end_reason = ? WHERE id = ?", (ended, reason, run))


def list_runs(db: sqlite3.Connection, channel: str) -> list[RunRow]:
    """The channel's runs, oldest first."""
    rows = db.execute("SELECT * FROM runs WHERE channel = ? ORDER BY created, id", (channel,))
    return [
        RunRow(
            row["id"],
            row["channel"],
            row["created"],
            _load_clock(row["clock"]),
            _load_media(row["media"]),
            row["end_reason"],
        )
        for row in rows
    ]


def commit_segments(
    db: sqlite3.Connection,
    channel: str,
    mux: str,
    segments: Iterable[Segment],
    clock: RunClock,
    media: RunMedia,
) -> None:
    """Step 5 of a segment's way: the segments exist from here on, together with the state of the run's clock."""
    run = ""
    for s in segments:
        run = s.run
        db.execute(
            "INSERT INTO segments (channel, mux, number, run, idx, epoch, start, media_start, duration, size)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (channel, mux, s.number, s.run, s.index, s.epoch, s.start, s.media_start, s.duration, s.size),
        )
    db.execute("UPDATE runs SET clock = ?, media = ? WHERE id = ?", (_dump_clock(clock), _dump_media(media), run))


def list_segments(db: sqlite3.Connection, channel: str, mux: str) -> list[Segment]:
    """The rendition's kept segments by number."""
    rows = db.execute(
        "SELECT number, run, idx, epoch, start, media_start, duration, size FROM segments"
        " WHERE channel = ? AND mux = ? ORDER BY number",
        (channel, mux),
    )
    return [Segment(*row) for row in rows]


def _dump_clock(clock: RunClock) -> str:
    return json.dumps({"offset": clock.offset, "samples": [[s.media, s.arrival] for s in clock.samples]})


def _load_clock(text: str | None) -> RunClock | None:
    if text is None:
        return None
    data = json.loads(text)
    return RunClock(tuple(Sample(*pair) for pair in data["samples"]), data["offset"])


def _dump_media(media: RunMedia) -> str:
    rate = str(media.frame_rate) if media.frame_rate else None
    return json.dumps([media.codecs, media.resolution, rate, media.text])


def _load_media(text: str | None) -> RunMedia | None:
    if text is None:
        return None
    codecs, resolution, rate, description = json.loads(text)
    return RunMedia(
        tuple(codecs),
        (resolution[0], resolution[1]) if resolution else None,
        Fraction(rate) if rate else None,
        description,
    )


# sessions


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


# events


def add_event(db: sqlite3.Connection, channel: str, time: int, kind: str, text: str) -> None:
    """Something the user should know about the channel."""
    db.execute("INSERT INTO events (channel, time, kind, text) VALUES (?, ?, ?, ?)", (channel, time, kind, text))


def list_events(db: sqlite3.Connection, channel: str) -> list[tuple[int, str, str]]:
    """(time, kind, text), oldest first."""
    rows = db.execute("SELECT time, kind, text FROM events WHERE channel = ? ORDER BY id", (channel,))
    return [(row["time"], row["kind"], row["text"]) for row in rows]
