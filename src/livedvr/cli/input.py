"""`livedvr input`."""

from __future__ import annotations

from typing import Any

import click

from livedvr.cli.arguments import new_labels
from livedvr.cli.collection import ASYNC, Commands, print_json
from livedvr.cli.kinds import INPUT
from livedvr.cli.reported import EPILOG
from livedvr.resources.errors import InvalidArgument

_TYPES = {"rtmp": "RTMP_PUSH", "srt": "SRT_PUSH"}


@click.group(epilog=EPILOG)
def input() -> None:
    """The inputs of a `livedvr serve`: addresses to push to, and sources that it pulls."""


_COMMANDS = Commands(
    input,
    INPUT,
    {
        "input.security_rules": "--allow-ip",
        "input.security_rules.ip_ranges": "--allow-ip",
        "input.uri": "--pull",
        "input.type": "--type",
    },
)
_COMMANDS.add(update=True, delete_options=(ASYNC,))


def create(resource_id: str, as_json: bool, **given: Any) -> None:
    """Create an input and print the address to push to, which has the key in it that lets a publisher in."""
    with _COMMANDS.server(given) as remote:
        if (given["type"] is None) == (given["pull"] is None):
            raise InvalidArgument("pushed, or pulled?", field="--type", hint="rtmp or srt; or --pull URI")
        body: dict[str, Any] = {"labels": new_labels(given["label"])}
        body |= {"uri": given["pull"]} if given["pull"] is not None else {"type": _TYPES[given["type"]]}
        if given["allow_ip"]:
            body["securityRules"] = {"ipRanges": list(given["allow_ip"])}
        created = remote.wait(remote.create("inputs", resource_id, body))
    print_json(created) if as_json else click.echo(created["uri"])


_COMMANDS.command(
    create,
    options=(
        click.argument("resource_id", metavar="ID"),
        click.option("--type", type=click.Choice(list(_TYPES)), help="What publishers push."),
        click.option("--pull", metavar="URI", help="testsrc, or what the server's operator lets it pull."),
        click.option("--allow-ip", multiple=True, metavar="CIDR", help="Who may publish, repeatable. RTMP only."),
        click.option("--label", multiple=True, metavar="K=V", help="Repeatable."),
    ),
)
