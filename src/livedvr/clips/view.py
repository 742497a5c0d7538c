"""A clip as its user sees it: the row as the resource."""

from __future__ import annotations

from datetime import timedelta

from livedvr.catalog.clip_rows import ClipRow
from livedvr.resources.clip import Clip, TimeSlice
from livedvr.resources.models import TimeInterval, to_datetime


def to_resource(row: ClipRow) -> Clip:
    """The resource of a stored clip."""
    made = row.made or {"edges": [], "duration": 0, "size": 0, "encoded": None}
    return Clip(
        clip_id=row.id,
        channel_id=row.channel,
        output_uri=row.output_uri,
        manifest_key=row.manifest_key,
        manifest_uri=f"{row.output_uri.rstrip('/')}/{row.file_name}",
        output_type=row.output_type,
        exact=row.exact,
        slices=tuple(
            TimeSlice(markin_time=to_datetime(window.start), markout_time=to_datetime(window.end or 0))
            for window in row.windows
        ),
        state=row.state,
        error=row.error,
        create_time=to_datetime(row.created),
        update_time=to_datetime(row.updated),
        start_time=None if row.started is None else to_datetime(row.started),
        edges=tuple(
            TimeInterval(start_time=to_datetime(start), end_time=to_datetime(end)) for start, end in made["edges"]
        ),
        duration=timedelta(microseconds=made["duration"]),
        size_bytes=made["size"],
        encoded=made["encoded"],
        labels=row.labels,
    )
