"""`livedvr event`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from livedvr.cli.arguments import moment, new_labels
from livedvr.cli.collection import ASYNC, Commands, read_message, say
from livedvr.cli.kinds import EVENT, last
from livedvr.cli.remote import Message
from livedvr.cli.reported import EPILOG
from livedvr.resources.errors import InvalidArgument
from livedvr.resources.models import to_micros
from livedvr.resources.times import format_time, parse_duration
from livedvr.wallclock import SystemClock


@click.group(epilog=EPILOG)
def event() -> None:
    """The events of a channel of a `livedvr serve`: another input, an ad break."""


_COMMANDS = Commands(
    event,
    EVENT,
    {
        "event.input_switch.input_key": "--input-switch",
        "event.input_switch": "--input-switch",
        "event.ad_break": "--ad-break",
        "event.ad_break.duration": "--ad-break",
        "event.return_to_program": "--return-to-program",
        "event.execution_time": "--at",
    },
)
_COMMANDS.add(delete_options=())


def create(resource_id: str, as_json: bool, is_async: bool, **given: Any) -> None:
    """Have something happen on a channel, at a time, or at once: then it has when the command ends."""
    with _COMMANDS.server(given) as remote:
        created = remote.create(_COMMANDS.collection(given), resource_id, _message(given))
        if created.get("executeNow") and not is_async:
            begun = ["RUNNING"] if "adBreak" in created else []  # a break is RUNNING until it is over
            created = remote.until(created, ["SUCCEEDED", "STOPPED", *begun])
    state = created.get("state", "PENDING")
    say(f"{last(created['name'])}: {state}", created, as_json)


def _message(given: Mapping[str, Any]) -> Message:
    tasks: dict[str, Any] = {}
    if given["input_switch"] is not None:
        tasks["inputSwitch"] = {"inputKey": given["input_switch"]}
    if given["ad_break"] is not None:
        from livedvr.cli.channel_message import duration_text

        tasks["adBreak"] = {"duration": duration_text(parse_duration(given["ad_break"], field="--ad-break"))}
    if given["return_to_program"]:
        tasks["returnToProgram"] = {}
    if given["from_file"] is not None and not tasks:
        return read_message(given["from_file"])
    if len(tasks) != 1 or given["from_file"] is not None:
        hint = "one of --input-switch, --ad-break, --return-to-program, --from-file"
        raise InvalidArgument("what is to happen?", field="create", hint=hint)
    at = moment(given["at"], SystemClock().now(), "--at")
    when = {"executeNow": True} if at is None else {"executionTime": format_time(to_micros(at))}
    return {**tasks, **when, "labels": new_labels(given["label"])}


_COMMANDS.command(
    create,
    options=(
        click.argument("resource_id", metavar="ID"),
        click.option("--input-switch", metavar="KEY", help="The input by its key on the channel: primary, backup."),
        click.option("--ad-break", metavar="D", help="An ad break of that length."),
        click.option("--return-to-program", is_flag=True, help="An ad break ends early."),
        click.option("--at", metavar="T", help="When: RFC 3339, +1h. [default: at once]"),
        click.option("--label", multiple=True, metavar="K=V", help="Repeatable."),
        click.option("--from-file", metavar="FILE", help="The event as the API's JSON, instead; - is stdin."),
        ASYNC,
    ),
)
