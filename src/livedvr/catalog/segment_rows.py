"""Plain SQL for runs and segments: each function is one statement or one small unit of work."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from livedvr.catalog.break_rows import list_orders
from livedvr.catalog.channel_rows import ChannelRow, list_given_up
from livedvr.catalog.range_rows import list_tags
from livedvr.resources.models import InputKey
from livedvr.timeline.clock import RunClock, Sample
from livedvr.timeline.ranges import DateRanges
from livedvr.timeline.segment import RunMedia, Segment
from livedvr.timeline.segments import Segments
from livedvr.timeline.timeline import ChannelTimeline, Timeline

_SEGMENT = "number, run, idx, epoch, start, media_start, duration, size"  # the columns as `Segment` has them
# By name: the planner would read every segment of the channel instead.
_LEAVING = "segments INDEXED BY leaving_segments WHERE channel = ? AND leaving"


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run as stored. ``media``: by mux key, empty before the first commit; until then ``clock`` is None.

    ``end_reason`` is None while it is open. ``input``: the input that it is of. ``cues``: how many of its SCTE-35
    messages are dealt with.
    """

    id: str
    channel: str
    created: int
    clock: RunClock | None
    media: Mapping[str, RunMedia]
    end_reason: str | None
    input: InputKey = "primary"
    cues: int = 0


def add_run(db: sqlite3.Connection, run: str, channel: str, created: int, given: InputKey = "primary") -> None:
    """A run's row exists before its process does. ``given``: the input that it is of."""
    row = (run, channel, created, given)
    db.execute("INSERT INTO runs (id, channel, created, input) VALUES (?, ?, ?, ?)", row)


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
            row["input"],
            row["cues"],
        )
        for row in rows
    ]


def commit_segments(
    db: sqlite3.Connection,
    channel: str,
    run: str,
    segments: Mapping[str, Sequence[Segment]],
    clock: RunClock,
    media: Mapping[str, RunMedia],
) -> None:
    """Step 5 of a segment's way: the run's segments, by mux key, exist from here on, with the state of its clock."""
    for mux, placed in segments.items():
        db.executemany(
            "INSERT INTO segments (channel, mux, number, run, idx, epoch, start, media_start, duration, size)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (channel, mux, s.number, s.run, s.index, s.epoch, s.start, s.media_start, s.duration, s.size)
                for s in placed
            ],
        )
    db.execute("UPDATE runs SET clock = ?, media = ? WHERE id = ?", (_dump_clock(clock), _dump_media(media), run))


def list_segments(db: sqlite3.Connection, channel: str, mux: str) -> Segments:
    """The rendition's kept segments by number, without those that are leaving."""
    rows = db.cursor()
    rows.row_factory = None  # tuples: days of segments are read before a controller publishes again
    rows.execute(
        f"SELECT {_SEGMENT} FROM segments WHERE channel = ? AND mux = ? AND NOT leaving ORDER BY number",
        (channel, mux),
    )
    segments = Segments()
    segments.extend(rows)
    return segments


def load_timeline(db: sqlite3.Connection, row: ChannelRow) -> ChannelTimeline:
    """The channel's timeline as it is stored."""
    channel, muxes = row.channel.channel_id, row.channel.timeline_keys()
    known = ChannelTimeline(Timeline(muxes), row.target, ranges=DateRanges(list_tags(db, channel)))
    known.orders = list_orders(db, channel)
    known.given_up = list_given_up(db, channel)
    for run in list_runs(db, channel):
        if run.media:
            known.media[run.id] = dict(run.media)
        if run.end_reason is not None:
            known.run_ends[run.id] = run.end_reason
    for mux in muxes:
        known.timeline.restore(mux, list_segments(db, channel, mux))
    return known


def mark_leaving(db: sqlite3.Connection, channel: str, mux: str, numbers: Iterable[int]) -> None:
    """Nothing may list these segments any more; their objects are still to be deleted (R4)."""
    db.executemany(
        "UPDATE segments SET leaving = 1 WHERE channel = ? AND mux = ? AND number = ?",
        [(channel, mux, number) for number in numbers],
    )


def list_leaving(db: sqlite3.Connection, channel: str, most: int) -> list[tuple[str, Segment]]:
    """(mux key, segment) of the leaving ones, ``most`` at a time."""
    rows = db.execute(
        f"SELECT mux, {_SEGMENT} FROM {_LEAVING} ORDER BY mux, number LIMIT ?",
        (channel, most),
    )
    return [(row[0], Segment(*row[1:])) for row in rows]


def leaving_bytes(db: sqlite3.Connection, channel: str) -> int:
    """What will be free when the objects of the leaving segments have gone."""
    row = db.execute(f"SELECT ifnull(sum(size), 0) AS size FROM {_LEAVING}", (channel,))
    size: int = row.fetchone()["size"]
    return size


def delete_segments(db: sqlite3.Connection, channel: str, gone: Iterable[tuple[str, int]]) -> None:
    """(mux key, number) of segments whose objects have gone."""
    db.executemany(
        "DELETE FROM segments WHERE channel = ? AND mux = ? AND number = ?",
        [(channel, mux, number) for mux, number in gone],
    )


def list_emptied_runs(db: sqlite3.Connection, channel: str) -> list[str]:
    """Runs that have ended and of which no segment is left."""
    rows = db.execute(
        "SELECT id FROM runs WHERE channel = ? AND end_reason IS NOT NULL"
        " AND NOT EXISTS (SELECT 1 FROM segments WHERE run = runs.id) ORDER BY created, id",
        (channel,),
    )
    return [row["id"] for row in rows]


def delete_run(db: sqlite3.Connection, channel: str, run: str) -> None:
    """The run's row goes; its objects have gone."""
    db.execute("DELETE FROM runs WHERE channel = ? AND id = ?", (channel, run))


def _dump_clock(clock: RunClock) -> str:
    return json.dumps({"offset": clock.offset, "samples": [[s.media, s.arrival] for s in clock.samples]})


def _load_clock(text: str | None) -> RunClock | None:
    if text is None:
        return None
    data = json.loads(text)
    return RunClock(tuple(Sample(*pair) for pair in data["samples"]), data["offset"])


def _dump_media(media: Mapping[str, RunMedia]) -> str:
    return json.dumps(
        {
            mux: [m.codecs, m.resolution, str(m.frame_rate) if m.frame_rate else None, m.text, m.channels]
            for mux, m in media.items()
        }
    )


def _load_media(text: str | None) -> dict[str, RunMedia]:
    return {mux: _one_media(*values) for mux, values in json.loads(text or "{}").items()}


def _one_media(
    codecs: list[str], resolution: list[int] | None, rate: str | None, text: str, channels: int | None = None
) -> RunMedia:
    return RunMedia(
        tuple(codecs),
        (resolution[0], resolution[1]) if resolution else None,
        Fraction(rate) if rate else None,
        text,
        channels,
    )
