"""What a session or an edition holds, and until when (SEMANTICS R2-R4), read from its row. No I/O."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator

from livedvr.catalog.session_rows import RetiredRow, SessionRow, listed_windows
from livedvr.sessions.states import State
from livedvr.timeline import retention
from livedvr.timeline.segment import Window
from livedvr.timeline.timeline import Timeline

PIN_LABEL = "livedvr-pin"

_ENDED = (State.FINISHED, State.FAILED)


def is_pinned(row: SessionRow) -> bool:
    """Whether the session is kept, with its segments, as long as nobody deletes it (R3)."""
    return row.labels.get(PIN_LABEL) == "true"


def held_windows(row: SessionRow) -> tuple[Window, ...]:
    """The windows whose segments an existing session holds (R2, R3); a sealed one's end where it does."""
    listed = listed_windows(row)
    return listed if row.windows == row.edition_windows else (*listed, *row.windows)  # what a patch still asks for


def session_expiry(row: SessionRow, timeline: Timeline, kept: int) -> int | None:
    """The instant at which retention (``kept`` microseconds) removes the session (R3); None: not as it stands."""
    if row.state not in _ENDED or is_pinned(row):
        return None
    ended = row.updated if row.ended is None else row.ended
    return retention.expiry(_first_end(row, timeline), ended, kept)


def _first_end(row: SessionRow, timeline: Timeline) -> int | None:
    """Where the first segment that the session lists ends."""
    start = row.summary["actual_start"] if row.summary else None
    if start is None:
        return None
    segments = timeline.segments(timeline.reference)
    # By its start: a slewed date may lie before the end of the segment before it (C3).
    position = bisect_left(segments, start, key=lambda segment: segment.start)
    return segments[position].end if position < len(segments) and segments[position].start == start else int(start)


def may_be_reclaimed(row: SessionRow) -> bool:
    """Whether disk pressure may take the session (R5)."""
    return row.state == State.FINISHED and not is_pinned(row)


def is_ending(retired: RetiredRow) -> bool:
    """Whether the edition holds its segments only for its grace, and nobody can fetch its playlist any more."""
    return retired.playlist_until is None and retired.segments_until is not None


def retired_windows(editions: Iterable[RetiredRow], now: int) -> Iterator[Window]:
    """The windows whose segments retired editions still hold (R4)."""
    for edition in editions:
        # A playlist that storage does not let go of yet may still be read.
        if not is_ending(edition) or (edition.segments_until or 0) > now:
            yield from edition.windows
