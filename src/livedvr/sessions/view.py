"""A session as its user sees it: the row and what it holds, as the resource."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from livedvr.catalog.session_rows import SessionRow
from livedvr.resources.models import DvrSession, Gap, to_datetime, to_micros
from livedvr.resources.times import format_time
from livedvr.sessions.windows import to_interval


def to_resource(row: SessionRow, held: Mapping[str, Any], output_uri: str) -> DvrSession:
    """The resource of a stored session; ``held`` is what its present edition holds, see `OpenSession.summary`."""

    def moment(micros: int | None) -> Any:
        return None if micros is None else to_datetime(micros)

    return DvrSession(
        session_id=row.id,
        channel_id=row.channel,
        manifest_key=row.manifest_key,
        output_uri=output_uri,
        dvr_windows=tuple(to_interval(window) for window in row.windows),
        state=row.state,
        error=row.error,
        create_time=to_datetime(row.created),
        update_time=to_datetime(row.updated),
        cooldown_end_time=moment(row.cooldown_until),
        actual_start=moment(held["actual_start"]),
        actual_end=moment(held["actual_end"]),
        segments=held["segments"],
        duration=timedelta(microseconds=held["duration"]),
        size_bytes=held["size"],
        gaps=tuple(
            Gap(start_time=to_datetime(start), end_time=to_datetime(end), reason=reason)
            for start, end, reason in held["gaps"]
        ),
        labels=row.labels,
    )


NO_SESSION: Mapping[str, Any] = {
    "session": None,
    "channel": None,
    "state": None,
    "output_uri": None,
    "windows": [],
    "actual_start": None,
    "actual_end": None,
    "segments": 0,
    "duration": 0.0,
    "bytes": 0,
    "gaps": [],
    "cooldown_end": None,
    "labels": {},
    "create_time": None,
    "update_time": None,
    "error": None,
}


def to_json(session: DvrSession) -> dict[str, Any]:
    """One flat object, as the command line prints it; times RFC 3339, durations in seconds, sizes in bytes."""

    def moment(time: datetime | None) -> str | None:
        return None if time is None else format_time(to_micros(time))

    return {
        "session": session.session_id,
        "channel": session.channel_id,
        "state": session.state,
        "output_uri": session.output_uri,
        "windows": [interval.model_dump(mode="json", by_alias=True) for interval in session.dvr_windows],
        "actual_start": moment(session.actual_start),
        "actual_end": moment(session.actual_end),
        "segments": session.segments,
        "duration": session.duration.total_seconds(),
        "bytes": session.size_bytes,
        "gaps": [gap.model_dump(mode="json", by_alias=True) for gap in session.gaps],
        "cooldown_end": moment(session.cooldown_end_time),
        "labels": dict(session.labels),
        "create_time": moment(session.create_time),
        "update_time": moment(session.update_time),
        "error": session.error,
    }
