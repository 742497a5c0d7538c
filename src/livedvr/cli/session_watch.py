"""`livedvr session watch`: each change of a session's state, by asking again and again."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator

import click

from livedvr.cli.remote import pauses
from livedvr.cli.reported import NOT_FOUND, STORAGE, note
from livedvr.cli.session_source import SessionSource, Shown
from livedvr.resources.errors import NotFound, Unreachable
from livedvr.sessions.plan import NO_MEDIA

RESTART = 60.0  # seconds of silence that a server may need to be started again


def changes(source: SessionSource, session_id: str, sleep: Callable[[float], None]) -> Iterator[Shown]:
    """The session, and again whenever its state has changed, until it is at its end.

    Its last one has state None where it has been deleted meanwhile. A server that goes away is waited for, a minute.
    """
    seen = source.get(session_id)
    yield seen
    waits, silent = pauses(), 0.0
    while seen["state"] not in ("FINISHED", "FAILED", None):
        pause = next(waits)
        sleep(pause)
        try:
            found = source.get(session_id)
        except NotFound:
            found = {**seen, "state": None}
        except Unreachable as error:
            if silent == 0.0:
                note(f"{error}; waiting for it")
            silent += pause
            if silent > RESTART:
                raise
            continue
        silent = 0.0
        if found["state"] != seen["state"]:
            waits = pauses()
            yield found
        seen = found


def watch(source: SessionSource, session_id: str, sleep: Callable[[float], None]) -> int:
    """Show the changes: on a terminal a line that is redrawn, else one of JSON for each. Returns the exit code."""
    seen: Shown = {}
    found = changes(source, session_id, sleep)
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text

        with Live(console=Console(highlight=False), auto_refresh=False) as live:
            for seen in found:
                live.update(Text(line(seen)), refresh=True)
    else:
        for seen in found:
            click.echo(json.dumps(seen))
    if seen["state"] is None or seen["error"] == NO_MEDIA:
        return NOT_FOUND
    return STORAGE if seen["state"] == "FAILED" else 0


def line(session: Shown) -> str:
    """How it stands, in one line. Pure."""
    state = session["state"] or "DELETED"
    told = f"  {session['segments']} segments, {session['duration']:.1f} s" if session["segments"] else ""
    return f"{session['session']}  {state}{told}{'  ' + session['error'] if session['error'] else ''}"
