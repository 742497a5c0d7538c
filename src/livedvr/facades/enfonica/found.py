"""Which recording of which channel an Enfonica name means, and the other way round.

A call that CreateCall has made has one recording. A recording that the native API has made, in both formats, is one of
the call that is its channel.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from livedvr.api.aip.values import printable
from livedvr.catalog import channel_rows, facade_rows, recording_rows
from livedvr.facades.enfonica.shown import is_shown
from livedvr.resources.errors import NotFound
from livedvr.resources.recording import Recording

FACADE = "enfonica"
CALL = "call"  # the kind of its rows


@dataclass(frozen=True, slots=True)
class Found:
    """A recording that Enfonica's clients see. ``call``: its id; ``is_call``: whether CreateCall has made it."""

    recording: Recording
    call: str
    is_call: bool


def find(db: sqlite3.Connection, call: str, recording_id: str) -> Found | None:
    """The one that is called so, or None."""
    row = facade_rows.find_facade_row(db, FACADE, CALL, call)
    channel = call if row is None else row.channel
    recording = recording_rows.find_recording(db, channel or "", recording_id)
    found = None if recording is None else seen(db, recording)
    return found if found is not None and found.call == call else None


def newest(db: sqlite3.Connection, call: str, before: int, count: int) -> list[tuple[int, Found | None]]:
    """So many with a place below ``before``, the newest first; ``call``: of that one, ``-``: of all. NOT_FOUND."""
    row = facade_rows.find_facade_row(db, FACADE, CALL, call)
    if row is not None:
        return [(row.serial, find(db, call, row.recording or ""))] if row.serial < before else []
    if call != "-" and channel_rows.get_channel(db, call) is None:
        raise NotFound(f"there is no call '{printable(call)}'", field="parent")
    rows = recording_rows.newest_recordings(db, before, count, None if call == "-" else call)
    every = [(place, seen(db, recording)) for place, recording in rows]
    return [(place, one if one is not None and call in ("-", one.call) else None) for place, one in every]


def seen(db: sqlite3.Connection, recording: Recording) -> Found | None:
    """The recording as one of a call; None where Enfonica would not have it, or it is another facade's."""
    if not is_shown(recording):
        return None
    rows = facade_rows.facade_rows_of(db, recording.channel_id, recording.recording_id)
    own = next((row for row in rows if (row.facade, row.kind) == (FACADE, CALL)), None)
    if own is None and rows:
        return None
    return Found(recording, own.id if own else recording.channel_id, is_call=own is not None)
