"""What `livedvr session` prints for people. Pure; a session is the flat object of `SessionSource`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from livedvr.cli.arguments import as_written, time_of
from livedvr.cli.columns import columns, labels
from livedvr.resources.times import parse_time

_HEADER = ("SESSION", "STATE", "SEGMENTS", "DURATION", "GAPS", "WINDOWS", "LABELS")

Shown = Mapping[str, Any]


def table(sessions: Sequence[Shown]) -> Iterator[str]:
    """A line per session below a header; ``-`` for what its source does not tell."""
    return columns(_HEADER, [_row(session) for session in sessions])


def _row(session: Shown) -> tuple[str, ...]:
    is_told = session["segments"] is not None
    return (
        session["session"],
        session["state"],
        str(session["segments"]) if is_told else "-",
        f"{session['duration']:.3f} s" if is_told else "-",
        str(len(session["gaps"])) if is_told else "-",
        " ".join(as_written(window) for window in session["windows"]),
        labels(session["labels"]) or "-",
    )


def details(session: Shown) -> Iterator[str]:
    """Everything there is to know about a session."""
    yield f"{session['state']} {session['output_uri']}"
    if session.get("player_url"):
        yield f"  plays     {session['player_url']}"
    if session["state"] == "COOLDOWN":
        yield f"  cooldown  {cooldown(session)}"
    if session["error"]:
        yield f"  error     {session['error']}"
    for window in session["windows"]:
        yield f"  window    {as_written(window)}"
    if session["actual_start"] and session["actual_end"]:
        yield f"  actual    {session['actual_start']}/{session['actual_end']}"
    if session["segments"] is not None:
        yield f"  holds     {session['segments']} segments, {session['duration']:.3f} s, {session['bytes']} bytes"
    for gap in session["gaps"] or ():
        start, end = (parse_time(gap[key], 0, field=key) for key in ("startTime", "endTime"))
        yield f"  gap       {time_of(gap['startTime'])} {(end - start) / 1e6:.3f} s: {gap['reason']}"
    for key, value in sorted(session["labels"].items()):
        yield f"  label     {key}={value}"
    yield f"  created   {session['create_time']}"
    yield f"  updated   {session['update_time']}"


def cooldown(session: Shown) -> str:
    """What it means that a session is in COOLDOWN, and until when."""
    until = session["cooldown_end"]
    over = "60 s after its end is stored" if until is None else f"at {until}"
    return f"sealed as it stands, so that players see the end; {over} a new edition honours the new end"
