"""What every facade is, and what it works with."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

from starlette.types import ASGIApp

from livedvr.app import LiveDvr
from livedvr.catalog import channel_rows, facade_rows
from livedvr.catalog.facade_rows import FacadeRow
from livedvr.recordings.dialects import Dialect
from livedvr.recordings.place import local_root
from livedvr.resources.base import Resource
from livedvr.resources.errors import NotFound
from livedvr.wallclock import WallClock

T = TypeVar("T")
NO_RECEIVERS: Mapping[str, str] = MappingProxyType({})
"""Of facades whose clients name in each request who is told."""


class FacadeSettings(Resource):
    """What all facades' sections in the configuration have.

    Attributes:
        listen: its own ``ADDRESS:PORT``: its clients name no path of ours, and bring keys of their own.
        channels: which channel is meant by a room, or whatever they call it; one that is not here is its own name.
    """

    listen: str
    channels: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class FacadeDesk:
    """What a facade works with.

    Attributes:
        facade: its name, under which its resources are stored.
        tasks: owns what it does in the background; cancelled when the server ends.
    """

    facade: str
    dvr: LiveDvr
    clock: WallClock
    tasks: asyncio.TaskGroup

    def channel(self, channels: Mapping[str, str], given: str, *, field: str) -> str:
        """The id of the channel that is meant, or NOT_FOUND naming what was given."""
        name = channels.get(given, given)
        if self.dvr.catalog.read(lambda db: channel_rows.get_channel(db, name)) is None:
            raise NotFound(f"there is no channel for '{given}'", field=field)
        return name

    def folder(self, channel: str, *below: str) -> Path:
        """A folder in the channel's output, for the files of recordings.

        UNIMPLEMENTED: that is a bucket; NOT_FOUND: the channel has been deleted.
        """
        row = self.dvr.catalog.read(lambda db: channel_rows.get_channel(db, channel))
        if row is None:
            raise NotFound(f"there is no channel '{channel}' any more", field="channel")
        return local_root(row.channel.output.uri).joinpath("recordings", *below)

    def find(self, kind: str, name: str) -> FacadeRow | None:
        """A resource of this facade by its id."""
        return self.dvr.catalog.read(lambda db: facade_rows.find_facade_row(db, self.facade, kind, name))

    def list(self, kind: str, since: int = 0) -> list[FacadeRow]:
        """Its resources of a kind that were made since then, by creation."""
        return self.dvr.catalog.read(lambda db: facade_rows.list_facade_rows(db, self.facade, kind, since))

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """One transaction of the catalog."""
        return await self.dvr.catalog.write(work)


class Background(asyncio.TaskGroup):
    """Of tasks that have no end of their own: they are cancelled when it is left."""

    def __init__(self) -> None:
        super().__init__()
        self._made: set[asyncio.Task[Any]] = set()

    def create_task(self, *given: Any, **named: Any) -> asyncio.Task[Any]:
        """See `asyncio.TaskGroup`."""
        task: asyncio.Task[Any] = super().create_task(*given, **named)
        self._made.add(task)
        task.add_done_callback(self._made.discard)
        return task

    async def __aexit__(self, *error: Any) -> None:
        for task in self._made:
            task.cancel()
        await super().__aexit__(*error)


class Facade(Protocol):
    """One system's. Made before the server opens, with its section of the configuration."""

    @property
    def name(self) -> str:
        """Of its section, and of its dialect."""

    @property
    def listen(self) -> str:
        """See `FacadeSettings`."""

    @property
    def receivers(self) -> Mapping[str, str]:
        """URLs of webhooks that the section itself has, by their keys in it."""

    @property
    def dialect(self) -> Dialect:
        """In which words it tells of recordings."""

    def open(self, desk: FacadeDesk) -> ASGIApp:
        """What answers at its address. The DVR is open; it may start tasks."""
