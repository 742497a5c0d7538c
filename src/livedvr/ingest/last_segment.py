"""The segment that a run was writing when it ended without closing it: its journal row is written after it.

ffmpeg closes its open segment and writes the row when INT ends it while media flows. One that waits for a source that
has fallen silent hears INT no more (see `livedvr.ingest.keeper`), and one that is killed says nothing: but what had
come is in the file, chunk by chunk (I2). So the row follows from the media itself. From here on it is a segment as any
other: the journal is the truth, for the next controller, too.
"""

from __future__ import annotations

import os
from pathlib import Path

from livedvr.ingest.command import CONTAINER_OFFSET
from livedvr.ingest.journal import JournalRow, format_row, parse_rows
from livedvr.ingest.open_run import OpenRun, Track
from livedvr.media.reader import MediaError, MediaSpan, read_media, whole_size


def close_last_segments(opened: OpenRun) -> None:
    """Write the row of each rendition's last segment that has none; for a run that has ended. Blocking.

    What is torn at the file's end is cut off. A file in which nothing can be read stays without a row.
    """
    for track in opened.tracks:
        if not track.failed and track.text is None:  # texts are written beside the reference's rows
            _close(opened, track)


def _close(opened: OpenRun, track: Track) -> None:
    journal = opened.run.journal_path(track.mux.key)
    try:
        data = journal.read_bytes()
    except FileNotFoundError:
        return
    rows, complete = parse_rows(data)
    last = rows[-1] if rows else None
    path = opened.segment_path(track, last.index + 1 if last else 0)
    span = _read_whole(path, opened.init_path(track))
    if span is None:
        return
    times = span.reference
    start = last.end if last else times.first_pts - CONTAINER_OFFSET
    # Its length from its own times: MPEG-TS counts anew after 26.5 h, the journal does not.
    row = JournalRow(last.index + 1 if last else 0, start, start + times.end_pts - times.first_pts)
    with journal.open("ab") as file:
        file.write(b"\n" * (complete < len(data)) + format_row(row, path.name))


def _read_whole(path: Path, init: Path | None) -> MediaSpan | None:
    """What is in the file as far as it is whole, and nothing else is in it from here on; None: nothing."""
    try:
        size = whole_size(path.read_bytes())
        os.truncate(path, size)
        span = read_media(path, init)
    except (FileNotFoundError, MediaError):
        return None
    return span if span.reference.starts_with_key else None
