"""A session as its user sees it: the row and what it holds, as the resource."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from livedvr.catalog.session_rows import SessionRow
from livedvr.resources.models import DvrSession, Gap, to_datetime
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
