"""`livedvr serve`: the DVR behind its doors. Owns the doors; everything of the DVR is `LiveDvr`'s."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from livedvr.api.assets import Assets
from livedvr.api.channels import Channels
from livedvr.api.clips import Clips
from livedvr.api.desk import Desk
from livedvr.api.dispatch import Dispatcher
from livedvr.api.dvr_sessions import DvrSessions
from livedvr.api.event_runner import EventRunner
from livedvr.api.events import Events
from livedvr.api.grpc_door import GrpcDoor
from livedvr.api.ingest_ports import IngestPorts
from livedvr.api.inputs import Inputs
from livedvr.api.locations import Locations
from livedvr.api.operations import Operations
from livedvr.api.outputs import Outputs
from livedvr.api.pools import Pools
from livedvr.api.rest import rest_app
from livedvr.app import LiveDvr
from livedvr.http_server import HttpServer
from livedvr.resources.pull_policy import PullPolicy
from livedvr.wallclock import SystemClock, WallClock


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """What `livedvr serve` is told. ``output``: see `Outputs`, ``ingest``: see `IngestPorts`.

    ``allow_pull``: from which ``host:port`` inputs may be pulled, none otherwise.
    ``stop_channels``: on the way out every channel is stopped and sealed; else ffmpeg goes on, for the next start.
    """

    data_dir: Path
    output: str
    http: str = "127.0.0.1:8080"
    grpc: str = "127.0.0.1:8090"
    ingest: str = "127.0.0.1:20000-20099"
    ingest_host: str | None = None
    allow_pull: tuple[str, ...] = ()
    stop_channels: bool = False


class Server:
    """The Live Stream API over one data dir. Use it as ``async with Server(options)``: inside, it answers."""

    def __init__(self, options: ServeOptions, clock: WallClock | None = None) -> None:
        self._options = options
        self._clock = clock or SystemClock()
        self._outputs = Outputs(options.output)
        self._ports = IngestPorts.parse(options.ingest, options.ingest_host)
        pull = PullPolicy.of(options.allow_pull)
        self.dvr = LiveDvr(options.data_dir, detach=not options.stop_channels, pull=pull, clock=self._clock)

    async def __aenter__(self) -> Self:
        await self.dvr.__aenter__()
        try:
            self._tasks = await asyncio.TaskGroup().__aenter__()
            catalog = self.dvr.catalog
            self._operations = Operations(catalog, self._clock, self._tasks)
            desk = Desk(self.dvr, catalog, self._operations, self._outputs, self._ports)
            runner = EventRunner(desk, self._clock)
            channels = Channels(desk)
            collections = [kind(desk) for kind in (Clips, DvrSessions, Assets, Pools)]
            table = Dispatcher(
                [
                    *collections,
                    channels,
                    Inputs(desk, channels.rebuild),
                    Events(desk, runner),
                    self._operations,
                    Locations(),
                ],
                catalog,
                self._clock,
            )
            self._chores = [
                self._tasks.create_task(runner.run(), name="events"),
                self._tasks.create_task(self._operations.keep_house(), name="old operations"),
            ]
            self._http = HttpServer(rest_app(table), self._options.http, self._tasks, field="--http")
            self._grpc = GrpcDoor(table, self._options.grpc)
            self._operations.resume()
            self._http.open()
            await self._grpc.open()
        except BaseException as error:
            await self.__aexit__(type(error), error, error.__traceback__)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.close()
        await self._grpc.close()
        for chore in self._chores:
            chore.cancel()
        self._operations.close()
        try:
            await self._tasks.__aexit__(kind, error, trace)
        finally:
            await self.dvr.__aexit__(kind, error, trace)
