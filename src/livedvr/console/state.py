"""From the domain to what the page shows: nested objects without a null, so that changes are merge patches. Pure.

Times are UTC milliseconds, durations milliseconds, sizes bytes, rates bits per second.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from livedvr.resources.figures import ChannelFigures, InputStreams
from livedvr.resources.layout import multivariant_name
from livedvr.resources.models import Channel, DvrSession, to_micros
from livedvr.resources.times import SECOND
from livedvr.timeline.clock import JUMP
from livedvr.timeline.segment import RunMedia, Segment
from livedvr.timeline.timeline import ChannelTimeline, Timeline

RECENT = 5  # segments of each rendition over which the bit rate is told
LET_GO = "not kept any more"

State = dict[str, Any]


def milliseconds(micros: int) -> int:
    """Microseconds -> milliseconds, rounded down."""
    return micros // 1000


def channel_state(
    channel: Channel, known: ChannelTimeline, sessions: Sequence[DvrSession], *, name: str | None, media: str | None
) -> State:
    """A channel's timeline and sessions.

    ``name``: the resource name by which the API changes it; None: it was made without the API, so it can be looked at
    only. ``media``: the path below which its output is served, None where it is not.
    """
    timeline = known.timeline
    first, last = timeline.first(timeline.reference), timeline.last(timeline.reference)
    ranges, gaps = stretches(known)
    return _without_none(
        {
            "name": name,
            "base": media,
            "manifests": channel.manifest_keys(),
            "live": f"/live/{channel.channel_id}/main.m3u8",
            "retention": channel.retention_micros // 1000,
            "target": None if known.target is None else known.target * 1000,
            "start": None if first is None else milliseconds(first.start),
            "end": None if last is None else milliseconds(last.end),
            "segment": None if last is None else last.number,
            "media": None if last is None else _media(channel, known.media.get(last.run, {})),
            "ranges": ranges,
            "gaps": gaps,
            "sessions": {one.session_id: session_state(one, channel, media) for one in sessions},
        }
    )


def health_state(figures: ChannelFigures, streams: InputStreams, timeline: Timeline) -> State:
    """How well what comes in comes in."""
    rate = next((one.video.frame_rate for one in streams.streams if one.video), None)
    return _without_none(
        {
            "bitrate": bitrate(timeline),
            "fps": None if rate is None else round(rate, 3),
            "drift": None if figures.drift_ppm is None else round(figures.drift_ppm, 1),
            "late": _length(figures.clock_error, 10),
            "gaps": figures.gaps,
            "gapTime": _length(figures.gap_duration),
            "runs": figures.runs,
            "bytes": figures.size_bytes,
            "waiting": figures.waiting_bytes,
        }
    )


def session_state(session: DvrSession, channel: Channel, media: str | None) -> State:
    """A DVR session: its windows as they were asked for, and what its manifest holds."""
    name = multivariant_name(session.session_id, channel.manifest(session.manifest_key).file_name)
    return _without_none(
        {
            "state": session.state,
            "error": session.error,
            "windows": [[_moment(one.start_time), _moment(one.end_time)] for one in session.dvr_windows],
            "start": _moment(session.actual_start),
            "end": _moment(session.actual_end),
            "cooldown": _moment(session.cooldown_end_time),
            "created": _moment(session.create_time),
            "manifest": None if media is None or session.actual_start is None else f"{media}/{quote(name)}",
            "uri": session.output_uri,
            "duration": _length(session.duration),
            "bytes": session.size_bytes,
            "gaps": len(session.gaps),
            "labels": dict(session.labels),
        }
    )


def stretches(known: ChannelTimeline) -> tuple[State, State]:
    """What there is of the reference rendition without a break, and the holes between.

    Each by the number of the segment that it begins with, or that ends it: [start, end, segments] and [start, end,
    reason]. Costs a search a stretch, however many segments it has.
    """
    segments = known.timeline.segments(known.timeline.reference)
    ranges: State = {}
    gaps: State = {}
    low = 0
    while low < len(segments):
        high = bisect_right(range(len(segments)), _unbroken(segments, low), low, key=lambda i: _unbroken(segments, i))
        first, last = segments[low], segments[high - 1]
        ranges[str(first.number)] = [milliseconds(first.start), milliseconds(last.end), high - low]
        if low and first.start - segments[low - 1].end > JUMP:
            gaps[str(first.number)] = _gap(known, segments[low - 1], first)
        low = high
    return ranges, gaps


def _unbroken(segments: Sequence[Segment], position: int) -> tuple[int, int]:
    """Rises where the epoch does (P4) and where numbers are missing (W6), and nowhere else."""
    return segments[position].epoch, segments[position].number - position


def _gap(known: ChannelTimeline, before: Segment, after: Segment) -> list[Any]:
    reason = known.reason_before(after, before) if before.number + 1 == after.number else LET_GO
    return [milliseconds(before.end), milliseconds(after.start), reason]


def bitrate(timeline: Timeline) -> int | None:
    """Of all renditions together, over their newest segments; None: there are none."""
    total = 0.0
    for mux in timeline.renditions():
        recent = [one for one in timeline.segments(mux)[-RECENT:] if not one.is_gap]
        length = sum(one.duration for one in recent)
        total += sum(one.size for one in recent) * 8 * SECOND / length if length else 0
    return round(total) or None


def _media(channel: Channel, media: Mapping[str, RunMedia]) -> list[str]:
    return [f"{mux.key}: {media[mux.key].text}" for mux in channel.mux_streams if mux.key in media]


def _moment(time: datetime | None) -> int | None:
    return None if time is None else milliseconds(to_micros(time))


def _length(length: timedelta | None, step: int = 1) -> int | None:
    """Milliseconds, in steps: what wavers by less is no news."""
    return None if length is None else round(length / timedelta(milliseconds=step)) * step


def _without_none(state: Mapping[str, Any]) -> State:
    return {key: value for key, value in state.items() if value is not None}
