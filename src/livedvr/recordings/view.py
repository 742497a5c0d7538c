"""Between a recording as its user sees it and as the timeline counts. No I/O."""

from __future__ import annotations

from datetime import timedelta

from livedvr.recordings.end_point import Heard
from livedvr.recordings.rendering import Rendered
from livedvr.recordings.spans import Spans
from livedvr.resources.models import TimeInterval, to_datetime, to_micros
from livedvr.resources.recording import Recording, RecordingFile, RecordingFormat
from livedvr.timeline.segment import Window

_MIME_TYPES: dict[RecordingFormat, str] = {
    "WAV": "audio/x-wav",
    "MP3": "audio/mpeg",
    "AAC": "audio/aac",
    "MP4": "video/mp4",
    "HLS": "application/vnd.apple.mpegurl",
}


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


def file_of(row: Recording, made: Rendered) -> RecordingFile:
    """One of its files."""
    return RecordingFile(
        format=made.format,
        track=made.track,
        index=made.index,
        uri=f"{row.spec.output_uri.rstrip('/')}/{made.name}",
        mime_type="audio/mp4" if (made.format, made.track) == ("MP4", "AUDIO") else _MIME_TYPES[made.format],
        size_bytes=made.facts.size,
        duration=timedelta(microseconds=made.facts.duration),
        begin_time=to_datetime(made.begin),
        end_time=to_datetime(made.end),
        custom_begin_ms=made.custom_begin_ms,
        width=made.facts.width,
        height=made.facts.height,
        sample_rate=made.facts.sample_rate,
        channels=made.facts.channels,
    )
