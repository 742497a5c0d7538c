"""`livedvr check`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from livedvr.check.follow import Interruption, Progress, follow, monotonic
from livedvr.check.report import Report, printable
from livedvr.check.run import run_check
from livedvr.resources.errors import InvalidArgument, LiveDvrError
from livedvr.resources.times import parse_duration
from livedvr.storage.open_store import InBucket, place_of

OK, VIOLATED, UNREADABLE, INTERRUPTED = 0, 1, 2, 130

_EPILOG = """Exit codes: 0 nothing violates a MUST; 1 something does; 2 bad usage, or the playlist cannot be read;
130 stopped at once (with --follow: by a second signal; the first ends it with the report so far)."""


@click.command(epilog=_EPILOG)
@click.argument("target", metavar="PATH_OR_URL")
@click.option("--deep", is_flag=True, help="Open every segment: durations, keyframes, timestamps, codecs, bit rates.")
@click.option(
    "--follow",
    "following",
    metavar="D",
    help="Reload a live presentation as a player does, for that long (30s, 5m) or until EXT-X-ENDLIST, and hold every"
    " reload against the one before.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def check(target: str, deep: bool, following: str | None, as_json: bool) -> None:
    """Check an HLS presentation against RFC 8216bis.

    PATH_OR_URL is a multivariant playlist, with everything it leads to, or one media playlist.

    gs://BUCKET/PREFIX is an output: whether a channel can record there (an object is written and removed), and what of
    the bucket's settings is not as it should be.
    """
    try:
        if target.startswith("gs://"):
            sys.exit(_bucket(target, as_json))
        report = run_check(target, deep=deep) if following is None else _follow(target, following, deep)
    except LiveDvrError as error:
        click.echo(f"livedvr check: {printable(str(error))}", err=True)
        sys.exit(UNREADABLE)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    click.echo(report.to_json() if as_json else report.to_text())
    sys.exit(OK if report.ok else VIOLATED)


def _bucket(target: str, as_json: bool) -> int:
    place = place_of(target)
    assert isinstance(place, InBucket)
    if place.prefix.endswith(".m3u8"):
        hint = f"name it by its address: https://storage.googleapis.com/{place.bucket}/{place.prefix}"
        raise InvalidArgument("a playlist is checked as a player reads it", field=target, hint=hint)
    warnings = place.examine()
    if as_json:
        click.echo(json.dumps({"ok": True, "target": place.uri, "warnings": warnings}, indent=2))
    else:
        for text in warnings:
            click.echo(f"WARNING {text}")
        click.echo(f"OK: {place.uri} can be recorded to, {len(warnings)} warnings")
    return OK


def _follow(target: str, following: str, deep: bool) -> Report:
    duration = parse_duration(following, field="--follow")
    with Interruption() as interruption, _display() as show:
        return follow(target, duration=duration, deep=deep, now=monotonic, wait=interruption.wait, on_progress=show)


@contextmanager
def _display() -> Iterator[Callable[[Progress], None]]:
    """A line on stderr that shows how far it has come; nothing where that is no terminal."""
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield lambda progress: None
        return
    with Live(console=console, transient=True, auto_refresh=False) as live:
        yield lambda progress: live.update(
            f"{progress.reloads} reloads  {progress.segments} segments  {progress.findings} findings", refresh=True
        )
