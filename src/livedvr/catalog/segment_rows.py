"""Plain SQL for runs and segments: each function is one statement or one small unit of work."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from livedvr.catalog.channel_rows import ChannelRow
from livedvr.timeline.clock import RunClock, Sample
from livedvr.timeline.segment import RunMedia, Segment
from livedvr.timeline.timeline import ChannelTimeline, Timeline


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run as stored. ``clock`` and ``media`` are None before its first commit, ``end_reason`` while it is open."""

    id: str
    channel: str
    created: int
    clock: RunClock | None
    media: RunMedia | None
    end_reason: str | None


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


def load_timeline(db: sqlite3.Connection, row: ChannelRow) -> ChannelTimeline:
    """The channel's timeline as it is stored."""
    channel, mux = row.channel.channel_id, row.channel.mux.key
    known = ChannelTimeline(Timeline([mux]), row.target)
    for run in list_runs(db, channel):
        if run.media is not None:
            known.media[run.id] = run.media
        if run.end_reason is not None:
            known.run_ends[run.id] = run.end_reason
    for segment in list_segments(db, channel, mux):
        known.timeline.append(mux, segment)
    return known


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
