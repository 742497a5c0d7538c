"""`livedvr session`."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import click

from livedvr.cli.session_text import cooldown, details, table
from livedvr.control.wire import Request
from livedvr.resources.errors import (
    Aborted,
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    LiveDvrError,
    NotFound,
    StorageError,
)
from livedvr.resources.models import DvrSession, TimeInterval, to_datetime
from livedvr.resources.session_patch import SessionPatch
from livedvr.resources.times import parse_duration, parse_time
from livedvr.session_access import Found, SessionAccess
from livedvr.sessions.view import to_json
from livedvr.storage.open_store import local_root
from livedvr.wallclock import SystemClock

INTERNAL, USAGE, NOT_FOUND, STORAGE, REFUSED, INTERRUPTED = 1, 2, 3, 4, 6, 130

_EPILOG = """Exit codes: 0 done; 2 bad usage; 3 no such session, channel or data; 4 storage; 6 not possible in the state
it is in, or taken (another update, a controller that does not answer); 130 interrupted while it waited."""

_EXIT_CODES: tuple[tuple[type[LiveDvrError], int], ...] = (
    (InvalidArgument, USAGE),
    (NotFound, NOT_FOUND),
    (StorageError, STORAGE),
    (FailedPrecondition, REFUSED),
    (Aborted, REFUSED),
    (AlreadyExists, REFUSED),
)

F = TypeVar("F", bound=Callable[..., Any])


@click.group(epilog=_EPILOG)
def session() -> None:
    """Look at the DVR sessions of a channel, change their windows, delete them.

    While `livedvr record` runs, it is asked and carries things out. Where nobody runs the channel, `list` and `get`
    read what is stored; `update` and `delete` take the channel until the session is at rest, and leave an ffmpeg
    that still records to the next `livedvr record --resume`.
    """


def _common(command: F) -> F:
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout and nothing else."),
        click.option("--channel", metavar="ID", default="live", show_default=True, help="The channel's id."),
        click.option("--data-dir", metavar="DIR", help="Where the catalog lives. [default: OUTPUT/.livedvr]"),
        click.option("--output", metavar="DIR", help="The channel's output, as `livedvr record` was given it."),
    ):
        command = option(command)
    return command


@session.command("list", epilog=_EPILOG)
@_common
def list_(as_json: bool, **place: Any) -> None:
    """List the channel's sessions by creation."""
    with errors(place):
        found = _ask(place, Request(method="list"))
    if as_json:
        click.echo(json.dumps([to_json(one) for one in found.sessions], indent=2))
    else:
        _print(table(found.sessions))


@session.command(epilog=_EPILOG)
@click.argument("session_id", metavar="ID")
@_common
def get(session_id: str, as_json: bool, **place: Any) -> None:
    """Show a session: its state, windows, actual edges, gaps with their reasons, labels."""
    with errors(place):
        found = _ask(place, Request(method="get", session=session_id))
    _show(found.sessions[0], as_json)


@session.command(epilog=_EPILOG)
@click.argument("session_id", metavar="ID")
@click.option("--start", metavar="T", help="New start of the first window: RFC 3339, now, -10m, +1h.")
@click.option("--end", metavar="T", help="New end of the last window, as --start; open: until the channel is stopped.")
@click.option("--duration", metavar="D", help="New length of the last window: 30s, 1h30m.")
@click.option(
    "--window",
    "windows",
    metavar="START/END",
    multiple=True,
    help="The windows from now on, in the place of all others; repeatable. `..` or nothing: for START the start it has,"
    " for END open.",
)
@click.option("--label", "labels", metavar="K=V", multiple=True, help="Set a label; K= removes it. Others stay.")
@_common
def update(session_id: str, as_json: bool, **given: Any) -> None:
    """Change the windows or labels of a session; what is not named stays.

    A LIVE session can be extended, be given later windows, or end now or earlier. Then its manifest is sealed as it
    stands, and COOLDOWN gives players 60 s to see the end before a new edition honours it.
    """
    with errors(given):
        waiting = _Waiting()
        try:
            request = Request(method="update", session=session_id, patch=_patch(given))
            _show(_ask(given, request, waiting).sessions[0], as_json)
        except KeyboardInterrupt:
            if waiting.last is not None:
                _show(waiting.last, as_json)
            raise


@session.command(epilog=_EPILOG)
@click.argument("session_id", metavar="ID")
@_common
def delete(session_id: str, as_json: bool, **place: Any) -> None:
    """Delete a session and its manifest; the channel's segments stay as long as they are kept."""
    with errors(place):
        _ask(place, Request(method="delete", session=session_id))
    if as_json:
        click.echo(json.dumps({"session": session_id, "state": None}, indent=2))
    else:
        click.echo(f"deleted {session_id}")


def access_of(place: Mapping[str, Any]) -> SessionAccess:
    """The channel that --channel, --data-dir and --output name; INVALID_ARGUMENT, or NOT_FOUND."""
    output = None if place["output"] is None else local_root(place["output"])
    if place["data_dir"] is None and output is None:
        raise InvalidArgument("name the channel's output", field="--output", hint="or its data dir, by --data-dir")
    access = SessionAccess(Path(place["data_dir"] or f"{output}/.livedvr"), place["channel"])
    if output is not None and output.resolve() != access.output.resolve():
        raise InvalidArgument(
            f"channel '{place['channel']}' of this data dir writes to {access.output}", field="--output"
        )
    return access


def _ask(place: Mapping[str, Any], request: Request, on_session: Callable[[DvrSession], None] | None = None) -> Found:
    access = access_of(place)
    # A shell script starts what it puts in the background with SIGINT ignored: nobody could end a visit that waits.
    if threading.current_thread() is threading.main_thread():  # handlers are for this one alone
        signal.signal(signal.SIGINT, signal.default_int_handler)
    found = asyncio.run(access.ask(request, on_session or (lambda _: None)))
    if not found.owned and any(one.state not in ("FINISHED", "FAILED") for one in found.sessions):
        _note(f"nobody runs channel '{place['channel']}'; `livedvr record --resume` takes it up")
    return found


class _Waiting:
    """Says what an update waits for that is carried out without an owner. ``last``: the session as last seen."""

    def __init__(self) -> None:
        self.last: DvrSession | None = None
        self._said = ""

    def __call__(self, one: DvrSession) -> None:
        self.last = one
        text = f"COOLDOWN: {cooldown(one)}; waiting for it" if one.state == "COOLDOWN" else ""
        if text and text != self._said:
            _note(f"{text} (Ctrl-C leaves it to the next controller)")
        self._said = text


def _patch(given: Mapping[str, Any]) -> SessionPatch:
    """What the options ask for; INVALID_ARGUMENT names the option."""
    now = SystemClock().now()
    named = [name for name in ("start", "end", "duration") if given[name] is not None]
    if given["windows"] and named:
        raise InvalidArgument("--window says it all", field=f"--{named[0]}", hint="give one or the other")
    if {"end", "duration"} <= set(named):
        raise InvalidArgument("--end and --duration exclude each other", field="--duration", hint="give one of them")
    if not (named or given["windows"] or given["labels"]):
        raise InvalidArgument("nothing is to be changed", field="update", hint="give --start, --end, --window, --label")
    is_open, length = given["end"] == "open", given["duration"]
    return SessionPatch(
        windows=tuple(_window(text, now) for text in given["windows"]) or None,
        start_time=_time(given["start"], now, "--start"),
        end_time=None if is_open else _time(given["end"], now, "--end"),
        open_end=is_open,
        duration=None if length is None else timedelta(microseconds=parse_duration(length, field="--duration")),
        labels=dict(_label(text) for text in given["labels"]),
    )


def _window(text: str, now: int) -> TimeInterval:
    start, slash, end = text.partition("/")
    if not slash:
        raise InvalidArgument(f"'{text}' is not a window", field="--window", hint="write START/END, START/.. or ../END")
    return TimeInterval(
        start_time=_time(None if start in ("", "..") else start, now, "--window"),
        end_time=_time(None if end in ("", "..") else end, now, "--window"),
    )


def _time(text: str | None, now: int, field: str) -> datetime | None:
    return None if text is None else to_datetime(parse_time(text, now, field=field))


def _label(text: str) -> tuple[str, str | None]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise InvalidArgument(f"'{text}' is not a label", field="--label", hint="write K=V, or K= to remove it")
    return key, value or None


@contextmanager
def errors(given: Mapping[str, Any]) -> Iterator[None]:
    """An error of ours is one line on stderr and an exit code."""
    try:
        yield
    except LiveDvrError as error:
        error.field = _option(error.field, [name for name, value in given.items() if value])
        _note(str(error))
        sys.exit(next((code for kind, code in _EXIT_CODES if isinstance(error, kind)), INTERNAL))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


_OPTIONS_BEHIND = {"startTime": ("start", "windows"), "endTime": ("end", "duration", "windows")}


def _option(field: str | None, given: Sequence[str]) -> str | None:
    """The option that the user gave for a field of the session; None where the message says it all."""
    if field is None or field.startswith("dvrSession") or field == "state":
        return None
    if field == "channel":
        return "--channel"
    if field == "duration":
        return "--duration"
    if not field.startswith("dvrWindows"):
        return field
    behind = _OPTIONS_BEHIND.get(field.rpartition(".")[2], ("start", "end", "duration", "windows"))
    named = [f"--{name.removesuffix('s')}" for name in behind if name in given]
    return ", ".join(named) or field


def _show(one: DvrSession, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(to_json(one), indent=2))
    else:
        _print(details(one))


def _print(lines: Iterator[str]) -> None:
    for line in lines:
        click.echo(line)


def _note(text: str) -> None:
    click.echo(f"livedvr: {text}", err=True)
