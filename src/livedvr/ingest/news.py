"""What a look at a run's files finds new (a segment's way, step 2). Blocking: one trip to a thread for all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from livedvr.ingest.open_run import OpenRun, Track
from livedvr.timeline.ranges import Cue
from livedvr.timeline.segment import ClosedSegment


@dataclass(frozen=True, slots=True)
class TrackNews:
    """Of one rendition. ``closed``: its new segments; ``missing``: those whose files are gone; ``said``: to be said."""

    closed: list[ClosedSegment]
    missing: list[int]
    said: str | None


@dataclass(frozen=True, slots=True)
class News:
    """Of a run. ``tracks``: in its order; ``jumps``: the reference's segments before which the log tells of a jump."""

    cues: list[Cue]
    tracks: list[TrackNews]
    jumps: list[int]


def read_news(open_run: OpenRun, open_indexes: Sequence[int]) -> News:
    """Read what the run's files have new; nothing of the run itself is changed, but how far its readers are.

    ``open_indexes``: of each track the segment that ffmpeg was writing; the loop may go on taking what is there.
    """
    # Before the journals: what is open by then was the last thing they came beside.
    cues = open_run.cues.new_cues()
    # The reference first: texts are written beside it.
    tracks = [_read_track(open_run, track, at) for track, at in zip(open_run.tracks, open_indexes, strict=True)]
    # After the journals: what the log says of a segment is said before its row is written.
    return News(cues, tracks, open_run.log.smoothed_jumps())


def _read_track(open_run: OpenRun, track: Track, open_index: int) -> TrackNews:
    said = track.text.write() if track.text is not None else None
    closed: list[ClosedSegment] = []
    missing: list[int] = []
    for row in track.journal.new_rows():
        if row.index < open_index:
            continue  # it is in the catalog since before a restart
        try:
            facts = open_run.segment_path(track, row.index).stat()
        except FileNotFoundError:
            missing.append(row.index)  # somebody has removed it: there is nothing to list
        else:
            arrival = facts.st_mtime_ns // 1000
            closed.append(ClosedSegment(open_run.run.id, row.index, row.start, row.end, facts.st_size, arrival))
        open_index += 1
    if not track.failed:
        track.change.look([*track.undated, *closed], open_index)
    return TrackNews(closed, missing, said)
