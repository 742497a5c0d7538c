"""`livedvr recording`: bounded recordings of a channel of a server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import click

from livedvr.cli.arguments import new_labels
from livedvr.cli.collection import print_json, print_lines
from livedvr.cli.columns import columns
from livedvr.cli.remote import Message, Remote, at_server, pauses, remote_of
from livedvr.cli.reported import EPILOG, reported
from livedvr.resources.times import SECOND, parse_duration

F = TypeVar("F", bound=Callable[..., Any])

_LIMITS = {
    "max_duration": "So much is recorded at most: 30s, 1h.",
    "max_time": "So long after its start it ends, pauses and all.",
    "initial_silence": "It ends when nobody has spoken for so long at its beginning.",
    "max_silence": "It ends when nobody speaks for so long any more.",
    "max_idle": "It ends when no media has come for so long.",
}
_OPTIONS = {
    "recordingId": "ID",
    "outputUri": "--output",
    "spec.manifestKey": "--manifest",
    "formats": "--format",
    "notify[0].uri": "--notify",
    "limits.stopTones": "--stop-tone",
}


@click.group(epilog=EPILOG)
def recording() -> None:
    """Bounded recordings of a channel of a `livedvr serve`: from now to an end condition, into files."""


def _common(command: F) -> F:
    command = at_server()(command)
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout and nothing else."),
        click.option("--channel", metavar="ID", required=True, help="The channel's id."),
    ):
        command = option(command)
    return command


@recording.command(epilog=EPILOG)
@click.argument("recording_id", metavar="ID")
@click.option("--output", metavar="URI", help="Where its files go. [default: recordings, in the channel's output]")
@click.option(
    "--format",
    "formats",
    multiple=True,
    type=click.Choice(["wav", "mp3", "aac", "mp4", "hls"]),
    default=["mp4"],
    show_default=True,
    help="Repeatable.",
)
@click.option("--sample-rate", type=click.Choice(["8000", "16000", "48000"]), help="Of wav, mp3, aac.")
@click.option("--mono", is_flag=True, help="One channel in wav, mp3, aac.")
@click.option("--trim-silence", is_flag=True, help="Without what is silent at both ends.")
@click.option("--stop-tone", "stop_tones", multiple=True, metavar="KEYS", help="It ends there; repeatable.")
@click.option("--notify", metavar="URL", help="Who is told of its end.")
@click.option("--label", "labels", metavar="K=V", multiple=True, help="Repeatable.")
@click.option("--wait", is_flag=True, help="Until its files are there.")
@_common
def start(recording_id: str, as_json: bool, wait: bool, **given: Any) -> None:
    """Record from now on, until it is stopped or a limit ends it."""
    with _server(given) as remote:
        body: Message = {
            "outputUri": given["output"] or "",
            "formats": [one.upper() for one in given["formats"]],
            "limits": {_camel(name): _seconds(given[name], name) for name in _LIMITS if given[name]}
            | {"stopTones": list(given["stop_tones"])},
            "sampleRate": given["sample_rate"] and int(given["sample_rate"]),
            "mono": given["mono"],
            "trimSilence": given["trim_silence"],
            "notify": [{"uri": given["notify"]}] if given["notify"] else [],
            "labels": new_labels(given["labels"]),
        }
        found = remote.rest.ask("POST", _collection(remote, given), {"recordingId": recording_id}, body)
        if wait:
            found = _until_ended(remote, found)
    _show(found, as_json)


for _name, _text in _LIMITS.items():
    start = click.option(f"--{_name.replace('_', '-')}", metavar="D", help=_text)(start)


def _verb(verb: str, text: str) -> None:
    @click.argument("recording_id", metavar="ID")
    @_common
    def command(recording_id: str, as_json: bool, **given: Any) -> None:
        with _server(given) as remote:
            found = remote.rest.ask("POST", f"{_collection(remote, given)}/{recording_id}:{verb}")
        _show(found, as_json)

    recording.command(verb, epilog=EPILOG, help=text)(command)


_verb("stop", "It ends now; its files are made from what has been recorded.")
_verb("pause", "What comes from now on is not in it.")
_verb("resume", "What comes from now on is in it again.")
_verb("cancel", "It ends, and nothing of it is kept but its record.")


@recording.command(epilog=EPILOG)
@click.argument("recording_id", metavar="ID")
@_common
def get(recording_id: str, as_json: bool, **given: Any) -> None:
    """Show a recording: its state, spans, files."""
    with _server(given) as remote:
        found = remote.rest.ask("GET", f"{_collection(remote, given)}/{recording_id}")
    _show(found, as_json)


@recording.command("list", epilog=EPILOG)
@_common
def list_(as_json: bool, **given: Any) -> None:
    """List the channel's recordings by creation."""
    with _server(given) as remote:
        found = remote.rest.ask("GET", _collection(remote, given))["recordings"]
    if as_json:
        print_json(found)
    else:
        rows = [(one["recordingId"], one["state"], one["endReason"] or "", one["duration"]) for one in found]
        print_lines(columns(("ID", "STATE", "ENDED BY", "DURATION"), rows))


@recording.command(epilog=EPILOG)
@click.argument("recording_id", metavar="ID")
@_common
def delete(recording_id: str, as_json: bool, **given: Any) -> None:
    """Delete a recording with its files; one that has not ended is given up."""
    with _server(given) as remote:
        found = remote.rest.ask("DELETE", f"{_collection(remote, given)}/{recording_id}")
    print_json(found) if as_json else click.echo(f"deleted {recording_id}")


@contextmanager
def _server(given: Mapping[str, Any]) -> Iterator[Remote]:
    told = ("name", "parent", "state", "recording")
    with reported(lambda field: None if field in told else _OPTIONS.get(field, field)):
        yield remote_of(given)


def _collection(remote: Remote, given: Mapping[str, Any]) -> str:
    return remote.name("channels", given["channel"]) + "/recordings"


def _until_ended(remote: Remote, found: Message) -> Message:
    for pause in pauses():
        if found["state"] in ("SUCCEEDED", "EMPTY", "FAILED", "CANCELED"):
            break
        time.sleep(pause)
        found = remote.get(found["name"])
    return found


def _seconds(text: str, name: str) -> float:
    return parse_duration(text, field=f"--{name.replace('_', '-')}") / SECOND


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


def _show(found: Message, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    reason = f" ({found['endReason']})" if found["endReason"] else ""
    error = f": {found['error']}" if found["error"] else ""
    click.echo(f"{found['state']}{reason}{error}")
    for file in found["files"]:
        click.echo(f"{file['format'].lower()} {file['uri']} {file['sizeBytes']} bytes, {file['duration']}")
