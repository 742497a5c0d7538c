"""`livedvr export`."""

from __future__ import annotations

import asyncio
import json
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from livedvr.cli.session import errors
from livedvr.cli.session_local import access_of
from livedvr.export import Exported
from livedvr.export import export as write_mp4
from livedvr.resources.times import format_time, parse_time
from livedvr.wallclock import SystemClock

_EPILOG = """Exit codes: 0 done; 2 bad usage; 3 no such session, channel or data, or no media; 4 storage (disk full, no
such folder); 6 not possible (the file exists; media that changes in between); 130 interrupted: nothing is left."""


@click.command(epilog=_EPILOG)
@click.argument("session_id", metavar="SESSION")
@click.argument("target", metavar="OUT.mp4")
@click.option("--channel", metavar="ID", default="live", show_default=True, help="The channel's id.")
@click.option("--data-dir", metavar="DIR", help="Where the catalog lives. [default: OUTPUT/.livedvr]")
@click.option("--output", metavar="DIR", help="The channel's output, as `livedvr record` was given it.")
@click.option("--start", metavar="T", help="Not what was before: RFC 3339, now, -10m. [default: all of the session]")
@click.option("--end", metavar="T", help="Not what came later, as --start.")
@click.option("--exact", is_flag=True, help="Cut to the frame; else whole segments are taken, so a little more.")
@click.option("--overwrite", is_flag=True, help="Replace OUT.mp4 if there is one.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout and nothing else.")
def export(session_id: str, target: str, as_json: bool, **given: Any) -> None:
    """Write a session as one MP4 file; of a LIVE one what there is by now.

    It only reads, and may be called while `livedvr record` runs. What is missing in a session (its gaps) is not in the
    file: what lies before and after is joined.
    """
    with errors(given), _shown() as on_progress:
        access, now = access_of(given["data_dir"], given["output"], given["channel"]), SystemClock().now()
        # A shell script starts what it puts in the background with SIGINT ignored; and no signal may leave half a file.
        if threading.current_thread() is threading.main_thread():  # handlers are for this one alone
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.default_int_handler)
        start, end = (
            None if given[name] is None else parse_time(given[name], now, field=f"--{name}")
            for name in ("start", "end")
        )
        done = asyncio.run(
            write_mp4(
                access,
                session_id,
                Path(target).absolute(),
                start=start,
                end=end,
                exact=given["exact"],
                overwrite=given["overwrite"],
                on_progress=on_progress,
            )
        )
    click.echo(_json(session_id, given["channel"], done) if as_json else _text(done))


def _json(session: str, channel: str, done: Exported) -> str:
    pieces = [{"start": format_time(start), "end": format_time(end)} for start, end in done.edges]
    return json.dumps(
        {
            "path": str(done.path),
            "session": session,
            "channel": channel,
            "start": pieces[0]["start"],
            "end": pieces[-1]["end"],
            "pieces": pieces,
            "duration": done.duration / 1e6,
            "bytes": done.size,
            "encoded": done.encoded,
        },
        indent=2,
    )


def _text(done: Exported) -> str:
    (start, _), (_, end) = done.edges[0], done.edges[-1]
    figures = f"{done.duration / 1e6:.1f} s, {done.size / 1e6:.1f} MB"
    text = f"{done.path}: {format_time(start)} to {format_time(end)}, {figures}"
    if len(done.edges) > 1:
        text += f"; joined of {len(done.edges)} pieces"
    encoded = {"NOTHING": "", "EDGES": "; pictures at the edges encoded anew", "ALL": "; all pictures encoded anew"}
    return text + encoded[done.encoded]


@contextmanager
def _shown() -> Iterator[Callable[[float], None]]:
    """A bar on stderr; nothing where that is no terminal."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda done: None
        return
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("export", total=1.0)
        yield lambda done: progress.update(task, completed=done)
