"""The resources of a `livedvr serve`, for the commands that are its clients."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from livedvr.cli.reported import note
from livedvr.cli.rest import Rest, error_in
from livedvr.resources.errors import InvalidArgument

DEFAULT_SERVER = "http://127.0.0.1:8080"

Message = dict[str, Any]
"""A resource as the API's JSON has it, names in camelCase."""

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Listing:
    """What a list is to have. ``page_size``: how many come at a time, ``limit``: how many at all; None: all."""

    filter: str | None = None
    order_by: str | None = None
    page_size: int | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True)
class Remote:
    """A server's location. Collections are named from there on: ``channels/news/clips``."""

    rest: Rest
    location: str

    def name(self, collection: str, resource_id: str) -> str:
        """The full name of a resource that the user named by its id, or by its full name."""
        if resource_id.startswith("projects/"):
            return resource_id
        if not resource_id or "/" in resource_id:
            raise InvalidArgument(f"'{resource_id}' is no id", field="ID")
        return f"{self.location}/{collection}/{resource_id}"

    def get(self, name: str) -> Message:
        """The resource."""
        found = self.rest.ask("GET", name)
        if "name" not in found:
            raise self.rest.stranger("it answers with no resource")
        return found

    def list(self, collection: str, listing: Listing) -> list[Message]:
        """A collection, page by page."""
        page_size = listing.page_size or listing.limit
        given = {"filter": listing.filter, "orderBy": listing.order_by, "pageSize": page_size and str(page_size)}
        query = {key: value for key, value in given.items() if value}
        found: list[Message] = []
        field = collection.rpartition("/")[2]
        while True:
            answer = self.rest.ask("GET", f"{self.location}/{collection}", query)
            if answer and not answer.keys() & {field, "nextPageToken", "unreachable"}:  # an empty list is {}
                raise self.rest.stranger(f"it answers with no {field}")
            found += answer.get(field, [])
            token = answer.get("nextPageToken")
            if not token or (listing.limit is not None and len(found) >= listing.limit):
                return found[: listing.limit]
            query["pageToken"] = token

    def create(self, collection: str, resource_id: str, body: Message) -> Message:
        """The operation, or the resource where the API has none (events)."""
        kind = collection.rpartition("/")[2].removesuffix("s")
        return self.rest.ask("POST", f"{self.location}/{collection}", {f"{kind}Id": resource_id}, body)

    def update(self, name: str, body: Message, mask: str | None) -> Message:
        """The operation. ``mask``: fields, with commas between; None: those that the body has."""
        return self.rest.ask("PATCH", name, {"updateMask": mask} if mask else None, body)

    def delete(self, name: str, *, force: bool = False) -> Message:
        """The operation, or nothing where the API has none."""
        return self.rest.ask("DELETE", name, {"force": "true"} if force else None)

    def act(self, name: str, verb: str) -> Message:
        """The operation of ``:start`` and the like."""
        return self.rest.ask("POST", f"{name}:{verb}", body={})

    def wait(self, operation: Message) -> Message:
        """The response of an operation, when it is done; raises the error it ends with."""
        name = operation.get("name")
        if name is None:
            raise self.rest.stranger("it answers with no operation")
        for pause in pauses():
            if operation.get("done"):
                break
            try:
                time.sleep(pause)
            except KeyboardInterrupt:
                note(f"nobody waits for it any more, but it goes on: {name}")
                raise
            operation = self.get(name)
        if "error" in operation:
            raise error_in(operation)
        return {key: value for key, value in operation.get("response", {}).items() if key != "@type"}

    def until(self, resource: Message, states: Collection[str]) -> Message:
        """The resource as soon as it is in one of these states; raises the error it has failed with."""
        for pause in pauses():
            if resource.get("state") == "FAILED":
                raise error_in(resource)
            if resource.get("state") in states:
                break
            time.sleep(pause)
            resource = self.get(resource["name"])
        return resource


def pauses() -> Iterator[float]:
    """Seconds between two looks: what is done soon is seen soon, what takes long is not asked for all the time."""
    pause = 0.1
    while True:
        yield pause
        pause = min(pause * 1.5, 2.0)


def at_server(default: str | None = DEFAULT_SERVER) -> Callable[[F], F]:
    """The options by which a server is named."""

    def decorate(command: F) -> F:
        for option in (
            click.option("--location", metavar="L", default="local", show_default=True, help="The API's location."),
            click.option("--project", metavar="P", default="default", show_default=True, help="The API's project."),
            click.option(
                "--token-file",
                metavar="F",
                help="Its first line is the token for the server. [default: what the environment's LIVEDVR_TOKEN is]",
            ),
            click.option(
                "--server",
                metavar="URL",
                envvar="LIVEDVR_SERVER",
                show_envvar=True,
                default=default,
                show_default=default is not None,
                help="The `livedvr serve` to talk to, http:// or https://.",
            ),
        ):
            command = option(command)
        return command

    return decorate


def remote_of(given: Mapping[str, Any]) -> Remote:
    """The server that the options of `at_server` name."""
    parts = {name: given[name] for name in ("project", "location")}
    for name, part in parts.items():
        if not part or "/" in part:
            raise InvalidArgument(f"'{part}' is no {name}", field=f"--{name}")
    location = f"projects/{parts['project']}/locations/{parts['location']}"
    return Remote(Rest(given["server"], _token(given["token_file"])), location)


def _token(file: str | None) -> str | None:
    text, field = os.environ.get("LIVEDVR_TOKEN"), "LIVEDVR_TOKEN"
    if file is not None:
        text, field = read_text(file, field="--token-file").partition("\n")[0], "--token-file"
    if text is None:
        return None
    token = text.strip()
    if not (token.isascii() and token.isprintable() and token):
        raise InvalidArgument("this is no token", field=field, hint="one line of printable ASCII")
    return token


def read_text(file: str, *, field: str) -> str:
    """What is in a file, in stdin for ``-``; INVALID_ARGUMENT names the option."""
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text()
    except OSError as error:
        raise InvalidArgument(f"{file}: {error.strerror}", field=field) from error
    except UnicodeDecodeError as error:
        raise InvalidArgument(f"{file}: this is no text", field=field) from error


@contextmanager
def spinner(text: str) -> Iterator[None]:
    """A line on stderr that says what is waited for; nothing where that is no terminal."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.text import Text

    with Console(stderr=True).status(Text(text)):
        yield
