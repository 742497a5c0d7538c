"""`livedvr check`."""

from __future__ import annotations

import sys

import click

from livedvr.check.report import printable
from livedvr.check.run import run_check
from livedvr.resources.errors import LiveDvrError

OK, VIOLATED, UNREADABLE = 0, 1, 2

_EPILOG = """Exit codes: 0 nothing violates a MUST; 1 something does; 2 bad usage, or the playlist cannot be read."""


@click.command(epilog=_EPILOG)
@click.argument("target", metavar="PATH_OR_URL")
@click.option("--deep", is_flag=True, help="Open every segment: durations, keyframes, timestamps, codecs, bit rates.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def check(target: str, deep: bool, as_json: bool) -> None:
    """Check an HLS presentation against RFC 8216bis.

    PATH_OR_URL is a multivariant playlist, with everything it leads to, or one media playlist.
    """
    try:
        report = run_check(target, deep=deep)
    except LiveDvrError as error:
        click.echo(f"livedvr check: {printable(str(error))}", err=True)
        sys.exit(UNREADABLE)
    click.echo(report.to_json() if as_json else report.to_text())
    sys.exit(OK if report.ok else VIOLATED)
