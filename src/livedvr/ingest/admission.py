"""What of a run's closed segments is admitted to the timeline: not another source's, not what is listed already."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

from livedvr.ingest.open_run import OpenRun, Track
from livedvr.resources.times import MINUTE
from livedvr.timeline.clock import RunClock, Sample
from livedvr.timeline.placing import earliest_after, is_resent
from livedvr.timeline.segment import ClosedSegment
from livedvr.timeline.source_dates import SourceDates
from livedvr.timeline.timeline import Timeline

STANDBY_KEEPS = MINUTE  # what an input that stands by has brought last: so much may the one on air be behind its loss


def cut_at_change(open_run: OpenRun, timeline: Timeline) -> None:
    """P4: what comes when the source has become another one is not listed; it is the next run's."""
    until = math.inf
    for track in open_run.tracks:
        if track.failed:
            continue
        at = math.inf if track.change.index is None else track.change.index
        for index in track.cut(at, until):
            open_run.segment_path(track, index).unlink(missing_ok=True)
        if track is open_run.reference and track.change.index is not None:  # the others end where it does
            listed = timeline.of_run(track.mux.key, open_run.run.id)
            ends = [segment.media_end for segment in listed[-1:]]
            until = max(ends + [row.media_end for row in [*track.pending, *track.undated]], default=0)


def date_rows(open_run: OpenRun, final: bool) -> int | None:
    """C5: what the source says of a segment's end. One that is not known yet holds back what follows it.

    By how much the source's dates were before their arrival, microseconds; None: nothing was dated by them.
    """
    behind = None
    for track in open_run.tracks:
        if track is open_run.reference and open_run.dates is not None:
            behind = _date_by_source(track, open_run.dates, open_run.marks, final)
        else:
            count = len(track.undated) if final else track.change.decided(track.undated)
            track.pending, track.undated = [*track.pending, *track.undated[:count]], track.undated[count:]
    return behind


def _date_by_source(track: Track, dates: SourceDates, marks: set[int], final: bool) -> int | None:
    behind = None
    while track.undated:
        row, waiting = track.undated[0], track.undated[-1].media_end - track.undated[0].media_start
        dated = dates.date(row.media_start, row.media_end, waiting=dates.patience + 1 if final else waiting)
        if dated is None and not dates.has_none:
            return behind
        if dated is not None:
            date, jumps = dated
            row = replace(row, date=date)
            marks.update([row.index] if jumps else [])
            behind = max(0, row.arrival - date)
        track.pending.append(row)
        del track.undated[0]
    return behind


def drop_resent(open_run: OpenRun, timeline: Timeline) -> list[ClosedSegment]:
    """What a new run brings again is listed already: it leaves the spool. Which rows that were."""
    track = open_run.reference
    last = timeline.last(track.mux.key)
    resent = list(itertools.takewhile(lambda row: is_resent(row, last, open_run.clock), track.pending))
    drop(open_run, track, len(resent))
    return resent


def stand_by(open_run: OpenRun) -> None:
    """Let go of what is too old to be asked for."""
    newest = max((row.arrival for row in open_run.reference.pending), default=0)
    for track in open_run.tracks:
        old = itertools.takewhile(lambda row: row.arrival <= newest - STANDBY_KEEPS, track.pending)
        drop(open_run, track, len(list(old)))


def take_over(open_run: OpenRun, timeline: Timeline) -> None:
    """The run is on air from here on: it goes on where the one before it ended, to half a segment."""
    open_run.standby = False
    if open_run.clock.samples:  # nothing of it is dated yet: the anchor can be as good as it gets
        open_run.clock = RunClock(open_run.clock.samples).anchored()
    track, clock = open_run.reference, open_run.clock
    last = timeline.last(track.mux.key)
    if last is not None:
        # The same bounds as `place` has: what it would have to shift would begin another epoch after it.
        half = (track.pending[0].media_end - track.pending[0].media_start) // 2 if track.pending else 0
        first = max(earliest_after(last), last.end - half)
        listed = itertools.takewhile(lambda row: clock.utc(row.media_start) < first, track.pending)
        drop(open_run, track, len(list(listed)))


def drop(open_run: OpenRun, track: Track, count: int) -> None:
    """The first rows that wait are not listed; the clock has seen them."""
    if count and track is open_run.reference:
        reached = track.pending[count - 1].media_end
        open_run.waiting = [cue for cue in open_run.waiting if cue.at >= reached]
    for row in track.pending[:count]:
        if track is open_run.reference:
            open_run.clock = open_run.clock.observe(Sample(row.media_end, row.instant))
        open_run.segment_path(track, row.index).unlink(missing_ok=True)
    track.take(count)
