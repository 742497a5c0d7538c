"""`livedvr operation`."""

from __future__ import annotations

from typing import Any

import click

from livedvr.cli.collection import Commands, say
from livedvr.cli.kinds import OPERATION, last, listed
from livedvr.cli.remote import spinner
from livedvr.cli.reported import EPILOG


@click.group(epilog=EPILOG)
def operation() -> None:
    """The operations of a `livedvr serve`: what was asked for, and how it stands. ID may be the whole name."""


_COMMANDS = Commands(operation, OPERATION)
_COMMANDS.add(delete_options=())


def wait(resource_id: str, as_json: bool, **given: Any) -> None:
    """Wait until an operation is done; ends with its error."""
    with _COMMANDS.server(given) as remote:
        name = remote.name("operations", resource_id)
        with spinner(f"{last(name)} is under way"):
            response = remote.wait(remote.get(name))
    say(f"done {last(name)}", listed(response), as_json)


_COMMANDS.command(wait, options=(click.argument("resource_id", metavar="ID"),))
