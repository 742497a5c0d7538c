"""From a run's messages and the breaks that are asked for to tags: `Intake` asks for them while it places segments."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from livedvr.catalog import break_rows, channel_rows, range_rows
from livedvr.ingest.open_run import OpenRun
from livedvr.resources.times import MINUTE, format_seconds, format_time
from livedvr.timeline.beside import Placed
from livedvr.timeline.cue_reading import CueReading, Told
from livedvr.timeline.ranges import RangeTag
from livedvr.timeline.segment import Segment
from livedvr.timeline.timeline import ChannelTimeline

ABOUT = 10 * MINUTE  # what is listed before that is not what a message is about


def read_cues(open_run: OpenRun, known: ChannelTimeline, placed: Mapping[str, Placed], final: bool) -> Told:
    """What the messages have come to that came beside these segments; ``final``: and those behind the last one."""
    if not (open_run.waiting or known.ranges.has_returning or known.orders):
        return Told()
    reference = open_run.reference.mux.key
    places = _next_numbers(known)
    last = known.timeline.last(reference)
    run = known.timeline.of_run(reference, open_run.run.id, since=last.end - ABOUT) if last else []
    segments = placed[reference].segments
    reading = CueReading(known.ranges, run, places, known.orders)
    for segment in segments:
        beside = {mux: _beside(segment, placed.get(mux), number) for mux, number in places.items()}
        reading.append(segment, beside, open_run.waiting[reading.told.taken :])
    if final:
        behind = {
            mux: number + len(placed[mux].segments) if mux in placed else number for mux, number in places.items()
        }
        reading.finish(behind, open_run.waiting[reading.told.taken :])
    return reading.told


def _next_numbers(known: ChannelTimeline) -> dict[str, int]:
    newest = {mux: known.timeline.last(mux) for mux in known.timeline.renditions()}
    return {mux: segment.number + 1 if segment else 0 for mux, segment in newest.items()}


def _beside(segment: Segment, placed: Placed | None, number: int) -> int:
    """The rendition's first segment that is not over yet in the middle of which ``segment`` has begun."""
    segments = placed.segments if placed else []
    after = number + len(segments)
    return next((one.number for one in segments if one.start + one.end >= 2 * segment.start), after)


def commit_cues(db: sqlite3.Connection, channel: str, open_run: OpenRun, told: Told, time: int) -> None:
    """In the transaction of the segments beside which they came: tags, and what the user should know of them."""
    range_rows.commit_tags(db, channel, told.tags)
    if told.taken:
        range_rows.set_cues(db, open_run.run.id, open_run.waiting[told.taken - 1].index + 1)
    for tag in told.tags:
        channel_rows.add_event(db, channel, tag.start if tag.end is None else tag.end, "SCTE35", _words(tag))
    break_rows.delete_orders(db, channel, told.carried)
    for order in told.missed:
        text = f"no media came while {order.name} was to be, from {format_time(order.at)} on"
        channel_rows.add_event(db, channel, time, "AD_BREAK_MISSED", text)
    if told.refused and not open_run.refused_cue:
        text = f"a message of run {open_run.run.id} is not used: {told.refused[0]} (its further ones are not told)"
        channel_rows.add_event(db, channel, time, "SCTE35_REFUSED", text)


def take_over(open_run: OpenRun, known: ChannelTimeline, told: Told) -> None:
    """They are in the catalog: here, too."""
    known.ranges.append(told.tags)
    known.orders = [order for order in known.orders if order not in told.carried]
    open_run.waiting = open_run.waiting[told.taken :]
    open_run.refused_cue = open_run.refused_cue or bool(told.refused)


def _words(tag: RangeTag) -> str:
    if tag.end is not None:
        return f"{tag.id} ends at {format_time(tag.end)}"
    planned = "" if tag.planned is None else f", {format_seconds(tag.planned)} s planned"
    return f"{tag.id} begins at {format_time(tag.start)}{planned}"
