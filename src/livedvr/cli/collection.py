"""The commands that all collections of a server have: get, list, delete, and update by a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

import click

from livedvr.cli.columns import columns, outline
from livedvr.cli.kinds import Kind, last, listed
from livedvr.cli.remote import Listing, Message, Remote, at_server, read_text, remote_of, spinner
from livedvr.cli.reported import EPILOG, reported
from livedvr.resources.errors import InvalidArgument

F = TypeVar("F", bound=Callable[..., Any])

_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON on stdout and nothing else.")
ASYNC = click.option("--async", "is_async", is_flag=True, help="Do not wait; print the operation, if it is one.")
FORCE = click.option("--force", is_flag=True, help="Delete its sessions and events, too, but no pinned sessions.")
_CHANNEL = click.option("--channel", metavar="ID", default="live", show_default=True, help="The channel's id.")
_LARGEST_PAGE = 1000  # that the API gives
_FIELDS = {"filter": "--filter", "order_by": "--order-by", "page_size": "--page-size", "update_mask": "--mask"}


def listing_options(command: F) -> F:
    """What a list is to have; `listing_of` reads them."""
    for option in (
        click.option("--limit", type=click.IntRange(1), metavar="N", help="No more than so many."),
        click.option("--page-size", type=click.IntRange(1), metavar="N", help="Ask for so many at a time."),
        click.option("--order-by", metavar="FIELDS", help="As the API has it: 'create_time desc'."),
        click.option("--filter", metavar="EXPR", help="As the API has it (AIP-160): 'labels.show=\"news\"'."),
    ):
        command = option(command)
    return command


def listing_of(given: Mapping[str, Any]) -> Listing:
    """The options of `listing_options`."""
    return Listing(given["filter"], given["order_by"], given["page_size"], given["limit"])


class Commands:
    """Adds the commands of a kind of resource to its group."""

    def __init__(self, group: click.Group, kind: Kind, fields: Mapping[str, str] | None = None) -> None:
        self._group = group
        self._kind = kind
        self._fields = {**_FIELDS, f"{kind.word}_id": "ID"} | dict(fields or {})

    def command(self, function: F, name: str | None = None, *, options: Iterable[Callable[[F], F]] = ()) -> F:
        """Make a command of a function: options of its own first, then the server's."""
        for option in (*([_CHANNEL] if self._kind.on_channel else []), _JSON):
            function = option(function)
        function = at_server()(function)
        for option in reversed(list(options)):
            function = option(function)
        self._group.command(name or function.__name__.strip("_"), epilog=EPILOG)(function)
        return function

    def collection(self, given: Mapping[str, Any]) -> str:
        """The kind's collection from the location on."""
        return (
            f"channels/{given['channel']}/{self._kind.collection}" if self._kind.on_channel else self._kind.collection
        )

    @contextmanager
    def server(self, given: Mapping[str, Any]) -> Iterator[Remote]:
        """The server that is asked; what goes wrong meanwhile is told, and ends the command."""
        with reported(self._option):
            yield remote_of(given)

    def _option(self, field: str) -> str | None:
        """``name`` and ``parent`` are in the message."""
        return None if field in ("name", "parent") else self._fields.get(field, field)

    def add(self, *, update: bool = False, delete_options: Iterable[Callable[[Any], Any]] = (ASYNC,)) -> None:
        """`get`, `list`, `delete`, and `update`."""
        an_id = click.argument("resource_id", metavar="ID")
        word = self._kind.word
        for function, name, options, text in (
            (self._get, "get", [an_id], f"Show {_a(word)} with all that is in it."),
            (self._list, "list", [listing_options], f"List {word}s."),
            (self._delete, "delete", [an_id, *delete_options], f"Delete {_a(word)}."),
            (self._update, "update", [an_id, *_FROM_FILE], f"Change {_a(word)} by the fields of a JSON file."),
        ):
            if name != "update" or update:
                command = _bound(function)
                command.__doc__ = text
                self.command(command, name, options=options)

    def _get(self, resource_id: str, as_json: bool, **given: Any) -> None:
        with self.server(given) as remote:
            found = remote.get(remote.name(self.collection(given), resource_id))
        self.show(found, as_json)

    def show(self, resource: Message, as_json: bool) -> None:
        """All that is in it; of an operation, what it answers without its keys."""
        shown = listed(resource) if self._kind.word == "operation" else resource
        print_json(shown) if as_json else print_lines(outline(shown))

    def _list(self, as_json: bool, **given: Any) -> None:
        with self.server(given) as remote:
            found = self._found(remote, self.collection(given), listing_of(given))
        if as_json:
            print_json([listed(one) for one in found])
        else:
            print_lines(columns(self._kind.header(), [self._kind.row(one) for one in found]))

    def _found(self, remote: Remote, collection: str, listing: Listing) -> list[Message]:
        if not self._kind.newest_first:
            return remote.list(collection, listing)
        size = listing.page_size or _LARGEST_PAGE
        return remote.list(collection, replace(listing, limit=None, page_size=size))[::-1][: listing.limit]

    def _delete(self, resource_id: str, as_json: bool, **given: Any) -> None:
        with self.server(given) as remote:
            name = remote.name(self.collection(given), resource_id)
            answer = remote.delete(name, force=given.get("force", False))
            if answer and given.get("is_async"):
                say(answer["name"], answer, as_json)
                return
            if answer:
                with spinner(f"{last(name)} is deleted"):
                    remote.wait(answer)
        say(f"deleted {last(name)}", {"name": name}, as_json)

    def _update(self, resource_id: str, as_json: bool, from_file: str, mask: str | None, **given: Any) -> None:
        with self.server(given) as remote:
            name = remote.name(self.collection(given), resource_id)
            updated = remote.wait(remote.update(name, read_message(from_file), mask))
        say(f"updated {last(name)}", listed(updated), as_json)


_FROM_FILE = (
    click.option("--from-file", required=True, metavar="FILE", help="The resource as JSON; - is stdin."),
    click.option("--mask", metavar="FIELDS", help="Which of its fields, with commas. [default: those that it has]"),
)


def _bound(method: Callable[..., None]) -> Callable[..., None]:
    """A function of its own: a method has no attributes for click to keep its options in."""
    return lambda **given: method(**given)


def _a(word: str) -> str:
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"


def read_message(file: str) -> Message:
    """The resource in a file, without its name: the id is an argument."""
    try:
        message = json.loads(read_text(file, field="--from-file"))
    except json.JSONDecodeError as error:
        raise InvalidArgument(f"{file}: line {error.lineno}: {error.msg}", field="--from-file") from error
    if not isinstance(message, dict):
        raise InvalidArgument(f"{file}: this is no JSON object", field="--from-file")
    message.pop("name", None)
    return message


def say(text: str, resource: Message, as_json: bool) -> None:
    """A result: a line for people, the object for machines."""
    print_json(resource) if as_json else click.echo(text)


def print_json(shown: Any) -> None:
    """One JSON text on stdout."""
    click.echo(json.dumps(shown, indent=2))


def print_lines(lines: Iterable[str]) -> None:
    """Lines on stdout."""
    for line in lines:
        click.echo(line)
