"""Between a recording as its user sees it and as the timeline counts. No I/O."""

from __future__ import annotations

from datetime import datetime, timedelta

from livedvr.recordings.end_point import Heard
from livedvr.recordings.rendering import MIME_TYPES, Rendered
from livedvr.recordings.spans import Spans
from livedvr.resources.models import TimeInterval, to_datetime, to_micros
from livedvr.resources.recording import Recording, RecordingFile, TrackType
from livedvr.timeline.segment import Window


def spans_of(row: Recording) -> Spans:
    """Its spans as the timeline counts."""
    return tuple(
        Window(to_micros(one.start_time), None if one.end_time is None else to_micros(one.end_time))
        for one in row.spans
        if one.start_time is not None
    )


def interval_of(window: Window) -> TimeInterval:
    """A span as its user sees it."""
    end = None if window.end is None else to_datetime(window.end)
    return TimeInterval(start_time=to_datetime(window.start), end_time=end)


def trimmed(spans: Spans, heard: Heard) -> Spans:
    """Without what is silent at both ends; as they are where all of it is alike."""
    if heard.voiced is None or heard.silent is None:
        return spans
    kept = (Window(max(one.start, heard.voiced), min(one.end or 0, heard.silent)) for one in spans)
    return tuple(one for one in kept if (one.end or 0) > one.start)


def file_of(row: Recording, made: Rendered, begin: datetime, end: datetime) -> RecordingFile:
    """One of its files."""
    track: TrackType = "AUDIO" if made.facts.width is None else "VIDEO"
    if track == "VIDEO" and made.facts.sample_rate is not None:
        track = "AUDIO_VIDEO"
    return RecordingFile(
        format=made.format,
        track=track,
        uri=f"{row.spec.output_uri.rstrip('/')}/{made.name}",
        mime_type=MIME_TYPES[made.format],
        size_bytes=made.facts.size,
        duration=timedelta(microseconds=made.facts.duration),
        begin_time=begin,
        end_time=end,
        width=made.facts.width,
        height=made.facts.height,
        sample_rate=made.facts.sample_rate,
        channels=made.facts.channels,
    )
