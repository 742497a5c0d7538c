"""What `livedvr session` prints for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from livedvr.resources.models import DvrSession, TimeInterval, to_micros
from livedvr.resources.times import format_time

_HEADER = ("SESSION", "STATE", "SEGMENTS", "DURATION", "GAPS", "WINDOWS", "LABELS")


def table(sessions: Sequence[DvrSession]) -> Iterator[str]:
    """A line per session below a header; nothing is cut off."""
    rows = [_HEADER, *(_row(session) for session in sessions)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(_HEADER))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _row(session: DvrSession) -> tuple[str, ...]:
    return (
        session.session_id,
        session.state,
        str(session.segments),
        f"{session.duration.total_seconds():.3f} s",
        str(len(session.gaps)),
        " ".join(_window(window) for window in session.dvr_windows),
        " ".join(_labels(session)) or "-",
    )


def details(session: DvrSession) -> Iterator[str]:
    """Everything there is to know about a session."""
    yield f"{session.state} {session.output_uri}"
    if session.state == "COOLDOWN":
        yield f"  cooldown  {cooldown(session)}"
    if session.error:
        yield f"  error     {session.error}"
    for window in session.dvr_windows:
        yield f"  window    {_window(window)}"
    if session.actual_start and session.actual_end:
        yield f"  actual    {_time(session.actual_start)}/{_time(session.actual_end)}"
    duration = session.duration.total_seconds()
    yield f"  holds     {session.segments} segments, {duration:.3f} s, {session.size_bytes} bytes"
    for gap in session.gaps:
        length = (gap.end_time - gap.start_time).total_seconds()
        yield f"  gap       {_time(gap.start_time)} {length:.3f} s: {gap.reason}"
    for label in _labels(session):
        yield f"  label     {label}"
    yield f"  created   {_time(session.create_time)}"
    yield f"  updated   {_time(session.update_time)}"


def cooldown(session: DvrSession) -> str:
    """What it means that a session is in COOLDOWN, and until when."""
    until = session.cooldown_end_time
    over = "60 s after its end is stored" if until is None else f"at {_time(until)}"
    return f"sealed as it stands, so that players see the end; {over} a new edition honours the new end"


def _labels(session: DvrSession) -> list[str]:
    return [f"{key}={value}" for key, value in sorted(session.labels.items())]


def _window(window: TimeInterval) -> str:
    """As `--window` takes it."""
    return f"{_time(window.start_time)}/{_time(window.end_time)}"


def _time(moment: datetime | None) -> str:
    return ".." if moment is None else format_time(to_micros(moment))
