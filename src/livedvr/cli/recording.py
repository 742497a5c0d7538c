"""`livedvr recording`: bounded recordings of a channel, of a server or of who runs it here."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
from pydantic.alias_generators import to_camel

from livedvr.cli.arguments import new_labels
from livedvr.cli.collection import print_json, print_lines
from livedvr.cli.recording_text import details, table
from livedvr.cli.remote import DEFAULT_SERVER, Message, Remote, at_server, pauses, read_text, remote_of
from livedvr.cli.reported import EPILOG, NOT_FOUND, STORAGE, reported
from livedvr.control.wire import RecordingRequest
from livedvr.resources.errors import InvalidArgument
from livedvr.resources.recording import RecordingSpec
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
    "fileStem": "--file-stem",
    "tracks": "--tracks",
    "maxFileDuration": "--max-file-duration",
    **{f"notify[{i}].uri": "--notify" for i in range(8)},
    "limits.stopTones": "--stop-tone",
    **{f"limits.{to_camel(name)}": f"--{name.replace('_', '-')}" for name in _LIMITS},
}

_ENDS = {"SUCCEEDED": 0, "EMPTY": NOT_FOUND, "CANCELED": NOT_FOUND, "FAILED": STORAGE}  # with the exit code of each


@click.group(epilog=EPILOG)
def recording() -> None:
    """Bounded recordings of a channel: from now to an end condition, into files.

    With --data-dir the channel's owner is asked (`livedvr record`, a script), else a `livedvr serve`.
    """


def _common(command: F) -> F:
    command = at_server(default=None)(command)
    for option in (
        click.option("--data-dir", metavar="DIR", help="Where the catalog of who runs the channel lives."),
        click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout and nothing else."),
        click.option("--channel", metavar="ID", default="live", show_default=True, help="The channel's id."),
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
@click.option(
    "--file-stem",
    metavar="NAME",
    help="What they are called: {begin}, {index} and {track} stand for those. [default: ID]",
)
@click.option(
    "--tracks",
    type=click.Choice(["av", "audio", "video", "separate"]),
    default="av",
    show_default=True,
    help="Of mp4 and hls.",
)
@click.option("--max-file-duration", metavar="D", help="A new file begins after so much; not of hls.")
@click.option("--sample-rate", type=click.Choice(["8000", "16000", "48000"]), help="Of wav, mp3, aac.")
@click.option("--mono", is_flag=True, help="One channel in wav, mp3, aac.")
@click.option("--trim-silence", is_flag=True, help="Without what is silent at both ends.")
@click.option("--stop-tone", "stop_tones", multiple=True, metavar="KEYS", help="It ends there; repeatable.")
@click.option("--notify", multiple=True, metavar="URL", help="Who is told of its end; repeatable.")
@click.option("--notify-secret-file", metavar="F", help="Its first line is the secret that signs what they are told.")
@click.option("--label", "labels", metavar="K=V", multiple=True, help="Repeatable.")
@click.option("--wait", is_flag=True, help="Until its files are there; exit code 3: there are none.")
@_common
def start(recording_id: str, as_json: bool, wait: bool, **given: Any) -> None:
    """Record from now on, until it is stopped or a limit ends it.

    With --wait the exit code is 3 where it is EMPTY or CANCELED, and 4 where it FAILED.
    """
    with _server(given) as remote:
        body: Message = {
            "outputUri": given["output"] or "",
            "formats": [one.upper() for one in given["formats"]],
            "limits": {to_camel(name): _seconds(given[name], name) for name in _LIMITS if given[name]}
            | {"stopTones": list(given["stop_tones"])},
            "fileStem": given["file_stem"] or "",
            "tracks": given["tracks"].upper(),
            "maxFileDuration": given["max_file_duration"] and _seconds(given["max_file_duration"], "max_file_duration"),
            "sampleRate": given["sample_rate"] and int(given["sample_rate"]),
            "mono": given["mono"],
            "trimSilence": given["trim_silence"],
            "notify": _notify(given["notify"], given["notify_secret_file"]),
            "labels": new_labels(given["labels"]),
        }
        found = remote.ask("start", recording_id, body)
        for pause in pauses() if wait else ():
            if found["state"] in _ENDS:
                break
            time.sleep(pause)
            found = remote.ask("get", recording_id)
    _show(found, as_json)
    if wait:
        sys.exit(_ENDS[found["state"]])


for _name, _text in _LIMITS.items():
    start = click.option(f"--{_name.replace('_', '-')}", metavar="D", help=_text)(start)


def _verb(verb: str, text: str) -> None:
    @click.argument("recording_id", metavar="ID")
    @_common
    def command(recording_id: str, as_json: bool, **given: Any) -> None:
        with _server(given) as remote:
            found = remote.ask(verb, recording_id)
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
    """Show a recording: its state, what ended it, its spans, its files."""
    with _server(given) as remote:
        found = remote.ask("get", recording_id)
    _show(found, as_json)


@recording.command("list", epilog=EPILOG)
@_common
def list_(as_json: bool, **given: Any) -> None:
    """List the channel's recordings by creation."""
    with _server(given) as remote:
        found = remote.every()
    if as_json:
        print_json(found)
    else:
        print_lines(table(found))


@recording.command(epilog=EPILOG)
@click.argument("recording_id", metavar="ID")
@_common
def delete(recording_id: str, as_json: bool, **given: Any) -> None:
    """Delete a recording with its files; one that has not ended is given up."""
    with _server(given) as remote:
        found = remote.ask("delete", recording_id)
    print_json(found) if as_json else click.echo(f"deleted {recording_id}")


class _Remote:
    """Of a server, over REST."""

    def __init__(self, remote: Remote, channel: str) -> None:
        self._rest = remote.rest
        self._collection = remote.name("channels", channel) + "/recordings"

    def every(self) -> list[Message]:
        query: dict[str, str] = {}
        found: list[Message] = []
        while True:
            answer = self._rest.ask("GET", self._collection, query)
            if "recordings" not in answer:
                raise self._rest.stranger("it answers with no recordings")
            found += answer["recordings"]
            if "nextPageToken" not in answer:
                return found
            query["pageToken"] = answer["nextPageToken"]

    def ask(self, verb: str, recording_id: str, body: Message | None = None) -> Message:
        found = self._answer(verb, recording_id, body)
        if "recordingId" not in found:
            raise self._rest.stranger("it answers with no recording")
        return found

    def _answer(self, verb: str, recording_id: str, body: Message | None) -> Message:
        name = f"{self._collection}/{recording_id}"
        if verb == "start":
            return self._rest.ask("POST", self._collection, {"recordingId": recording_id}, body)
        if verb in ("get", "delete"):
            return self._rest.ask("GET" if verb == "get" else "DELETE", name)
        return self._rest.ask("POST", f"{name}:{verb}")


class _Local:
    """Of a data dir, through who runs the channel."""

    def __init__(self, data_dir: str, channel: str) -> None:
        from livedvr.session_access import SessionAccess

        self._access = SessionAccess(Path(data_dir), channel)

    def every(self) -> list[Message]:
        return self._ask(RecordingRequest(recordings="list"))

    def ask(self, verb: Any, recording_id: str, body: Message | None = None) -> Message:
        spec = RecordingSpec(**body) if body else RecordingSpec()
        return self._ask(RecordingRequest(recordings=verb, recording=recording_id, spec=spec))[0]

    def _ask(self, request: RecordingRequest) -> list[Message]:
        found = asyncio.run(self._access.ask_recordings(request))
        return [one.model_dump(mode="json", by_alias=True) for one in found]


@contextmanager
def _server(given: Mapping[str, Any]) -> Iterator[_Remote | _Local]:
    """A data dir where one is named, else the server."""
    told = ("name", "parent", "state", "recording", "channel")
    with reported(lambda field: None if field in told else _OPTIONS.get(field, field)):
        if given["data_dir"] is not None:
            yield _Local(given["data_dir"], given["channel"])
        else:
            yield _Remote(remote_of({**given, "server": given["server"] or DEFAULT_SERVER}), given["channel"])


def _notify(uris: Sequence[str], secret_file: str | None) -> list[Message]:
    """Who is told, all with the secret that is the first line of a file."""
    if secret_file is None:
        return [{"uri": uri} for uri in uris]
    option = "--notify-secret-file"
    if not uris:
        raise InvalidArgument("nobody is told", field=option, hint="--notify says who")
    secret = read_text(secret_file, field=option).partition("\n")[0].strip()
    if not secret:
        raise InvalidArgument("there is no secret in its first line", field=option)
    return [{"uri": uri, "secret": secret} for uri in uris]


def _seconds(text: str, name: str) -> float:
    return parse_duration(text, field=f"--{name.replace('_', '-')}") / SECOND


def _show(found: Message, as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        print_lines(details(found))
