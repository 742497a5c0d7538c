"""`livedvr session`: on a data dir, or as a client of a server."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from livedvr.cli.arguments import label, length, moment, new_labels, one_by_one, window, windows_of
from livedvr.cli.collection import listing_of, listing_options, print_json, print_lines
from livedvr.cli.remote import at_server, remote_of
from livedvr.cli.reported import reported
from livedvr.cli.session_source import SessionSource, Shown
from livedvr.cli.session_text import details, table
from livedvr.cli.session_watch import watch as watch_session
from livedvr.resources.errors import InvalidArgument
from livedvr.resources.session_patch import SessionPatch
from livedvr.wallclock import SystemClock

_EPILOG = """Exit codes: 0 done; 2 bad usage; 3 no such session, channel or data; 4 storage; 5 the server cannot be
reached, is no livedvr, or does not let this token in; 6 not possible in the state it is in, or taken (another update, a
controller that does not answer); 130 interrupted while it waited."""

F = TypeVar("F", bound=Callable[..., Any])


@click.group(epilog=_EPILOG)
def session() -> None:
    """Look at the DVR sessions of a channel, change their windows, delete them.

    With --output or --data-dir: while `livedvr record` runs, it is asked and carries things out. Where nobody runs the
    channel, `list`, `get` and `watch` read what is stored; `update` and `delete` take the channel until the session is
    at rest, and leave an ffmpeg that still records to the next `livedvr record --resume`.

    With --server: `livedvr serve` is asked. It does not tell what a session holds.
    """


def _place(command: F) -> F:
    command = at_server(default=None)(command)
    for option in (
        click.option("--channel", metavar="ID", default="live", show_default=True, help="The channel's id."),
        click.option(
            "--data-dir",
            metavar="DIR",
            help="Where the catalog lives. [default: OUTPUT/.livedvr, of gs:// $XDG_STATE_HOME/livedvr]",
        ),
        click.option("--output", metavar="DIR", help="The channel's output, as `livedvr record` was given it."),
    ):
        command = option(command)
    return command


def _common(command: F) -> F:
    return _place(
        click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout and nothing else.")(command)
    )


@session.command("list", epilog=_EPILOG)
@listing_options
@_common
def list_(as_json: bool, **given: Any) -> None:
    """List the channel's sessions by creation."""
    with errors(given):
        found = _source(given).list(listing_of(given))
    if as_json:
        print_json(found)
    else:
        print_lines(table(found))


@session.command(epilog=_EPILOG)
@click.argument("session_id", metavar="ID")
@_common
def get(session_id: str, as_json: bool, **place: Any) -> None:
    """Show a session: its state, windows, actual edges, gaps with their reasons, labels; a server's: where it plays."""
    with errors(place):
        source = _source(place)
        found = source.get(session_id)
        url = source.player_url(found)
    _show(found if url is None else {**found, "player_url": url}, as_json)


@session.command(epilog=_EPILOG)
@click.argument("session_id", metavar="ID")
@click.option("--start", metavar="T", help="RFC 3339, now, -10m, +1h. [default: now]")
@click.option("--end", metavar="T", help="As --start. [default: until the channel is stopped]")
@click.option("--duration", metavar="D", help="Length from the start: 30s, 1h30m.")
@click.option("--window", "windows", metavar="START/END", multiple=True, help="Several windows; repeatable.")
@click.option("--manifest", metavar="KEY", default="main", show_default=True, help="Which manifest of the channel.")
@click.option("--label", "labels", metavar="K=V", multiple=True, help="Repeatable.")
@_common
def create(session_id: str, as_json: bool, manifest: str, **given: Any) -> None:
    """Create a session on a channel of a server, over what is past, running or to come."""
    with errors(given):
        windows = windows_of(given, SystemClock().now())
        found = _source(given).create(session_id, windows, manifest, new_labels(given["labels"]))
    _show(found, as_json)


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
        patch = _patch(given)
        source = _source(given)
        try:
            _show(source.update(session_id, patch), as_json)
        except KeyboardInterrupt:
            if source.last is not None:
                _show(source.last, as_json)
            raise


@session.command(epilog=_EPILOG)
@click.argument("session_id", metavar="ID")
@_common
def delete(session_id: str, as_json: bool, **place: Any) -> None:
    """Delete a session and its manifest; the channel's segments stay as long as they are kept."""
    with errors(place):
        _source(place).delete(session_id)
    if as_json:
        print_json({"session": session_id, "state": None})
    else:
        click.echo(f"deleted {session_id}")


@session.command(epilog=_EPILOG)
@click.argument("session_id", metavar="ID")
@_place
def watch(session_id: str, **place: Any) -> None:
    """Follow a session until it is FINISHED (exit code 0), FAILED (3 without media, else 4) or deleted (3).

    On a terminal its state is one line that is redrawn, else each change of it is a line of JSON.
    """
    with errors(place):
        code = watch_session(_source(place), session_id, time.sleep)
    sys.exit(code)


def _source(given: Mapping[str, Any]) -> SessionSource:
    """A data dir where one is named, else the server. Imported here: neither waits for what the other needs."""
    local = given["output"] is not None or given["data_dir"] is not None
    if given["server"] is not None and not (local and _is_from_environment("server")):
        if local:
            raise InvalidArgument("a server, or a data dir?", field="--server", hint="give one of them")
        from livedvr.cli.session_remote import RemoteSessions

        return RemoteSessions(remote_of(given), given["channel"])
    if not local:
        hint = "or its data dir, by --data-dir, or a --server"
        raise InvalidArgument("name the channel's output", field="--output", hint=hint)
    from livedvr.cli.session_local import LocalSessions

    return LocalSessions(given["data_dir"], given["output"], given["channel"])


def _is_from_environment(name: str) -> bool:
    source = click.get_current_context().get_parameter_source(name)
    return source is click.core.ParameterSource.ENVIRONMENT


def _patch(given: Mapping[str, Any]) -> SessionPatch:
    """What the options ask for; INVALID_ARGUMENT names the option."""
    now = SystemClock().now()
    one_by_one(given)
    if not any(given[name] for name in ("start", "end", "duration", "windows", "labels")):
        raise InvalidArgument("nothing is to be changed", field="update", hint="give --start, --end, --window, --label")
    is_open = given["end"] == "open"
    return SessionPatch(
        windows=tuple(window(text, now, "--window") for text in given["windows"]) or None,
        start_time=moment(given["start"], now, "--start"),
        end_time=None if is_open else moment(given["end"], now, "--end"),
        open_end=is_open,
        duration=length(given["duration"]),
        labels=dict(map(label, given["labels"])),
    )


@contextmanager
def errors(given: Mapping[str, Any]) -> Iterator[None]:
    """An error of ours is one line on stderr and an exit code."""
    named = [name for name, value in given.items() if value]
    with reported(lambda field: _option(field, named)):
        yield


_OPTIONS_BEHIND = {"startTime": ("start", "windows"), "endTime": ("end", "duration", "windows")}
_OF_SERVER = {
    "dvr_session_id": "ID",
    "dvr_session.dvr_manifests[0].manifest_key": "--manifest",
    "filter": "--filter",
    "order_by": "--order-by",
    "page_size": "--page-size",
}


def _option(field: str, given: Sequence[str]) -> str | None:
    """The option that the user gave for a field of the session; None where the message says it all."""
    if field in _OF_SERVER:
        return _OF_SERVER[field]
    field = _in_domain(field)
    if field.startswith("dvrSession") or field in ("state", "name", "parent"):
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


def _in_domain(field: str) -> str:
    """``dvr_session.dvr_windows[0].time_interval.end_time`` of the API is ``dvrWindows[0].endTime``."""
    field = field.removeprefix("dvr_session.").replace("dvr_windows", "dvrWindows").replace(".time_interval", "")
    return re.sub(r"(start|end)_time$", r"\1Time", field)


def _show(one: Shown, as_json: bool) -> None:
    if as_json:
        print_json(one)
    else:
        print_lines(details(one))
