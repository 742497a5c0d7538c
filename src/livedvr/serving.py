"""`livedvr serve`: the DVR behind its doors. Owns the doors; everything of the DVR is `LiveDvr`'s."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from prometheus_client import CollectorRegistry

from livedvr.api.assets import Assets
from livedvr.api.channels import Channels
from livedvr.api.clips import Clips
from livedvr.api.desk import Desk
from livedvr.api.dispatch import Dispatcher
from livedvr.api.docs import is_documentation
from livedvr.api.dvr_sessions import DvrSessions
from livedvr.api.event_runner import EventRunner
from livedvr.api.events import Events
from livedvr.api.grpc_door import GrpcDoor
from livedvr.api.guard.doors import check_door
from livedvr.api.guard.http import HttpGuard
from livedvr.api.guard.limits import MOST_AT_ONCE
from livedvr.api.guard.porter import Porter
from livedvr.api.guard.tls import open_tls
from livedvr.api.ingest_ports import IngestPorts
from livedvr.api.inputs import Inputs
from livedvr.api.locations import Locations
from livedvr.api.operations import Operations
from livedvr.api.outputs import Outputs
from livedvr.api.pools import Pools
from livedvr.api.recordings import recording_routes
from livedvr.api.rest import rest_app
from livedvr.api.watch.events import EventTail, tell_session
from livedvr.api.watch.health import Front
from livedvr.api.watch.metrics import ChannelCollector, look_at_channels, metrics_route
from livedvr.api.watch.requests import Requests
from livedvr.app import LiveDvr
from livedvr.console.console import Console
from livedvr.console.routes import is_page
from livedvr.facades.config import check_facades, read_facades
from livedvr.facades.facade import Background, FacadeDesk
from livedvr.facades.told import told
from livedvr.http_server import HttpServer
from livedvr.origin.live import Live
from livedvr.origin.media import Media
from livedvr.origin.session_view import SessionView
from livedvr.origin.waiting import Waiting
from livedvr.resources.errors import InvalidArgument, LiveDvrError
from livedvr.resources.pull_policy import PullPolicy
from livedvr.resources.webhook_policy import WebhookPolicy
from livedvr.storage.local import make_private_root
from livedvr.storage.lock import OwnerLock
from livedvr.wallclock import SystemClock, WallClock
from livedvr.zero_copy import ZeroCopy

GRACE_SECONDS = 5.0  # for answers that are under way when the server ends


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """What `livedvr serve` is told. ``output``: see `Outputs`, ``ingest``: see `IngestPorts`.

    ``allow_pull``: from which ``host:port`` inputs may be pulled, none otherwise;
    ``allow_webhook``: which of private networks may be told of recordings. ``token_file``: see `read_tokens`;
    ``facades``: other systems' APIs, see `read_facades`.
    ``tls_cert`` and ``tls_key``: of all doors, see `open_tls`; ``tls_by_proxy``: a proxy in front of us does TLS.
    ``public_media``: what players fetch, ``/media`` and ``/live``, is for everybody who reaches the door.
    ``stop_channels``: on the way out every channel is stopped and sealed; else ffmpeg goes on, for the next start.
    """

    data_dir: Path
    output: str
    http: str = "127.0.0.1:8080"
    grpc: str = "127.0.0.1:8090"
    ingest: str = "127.0.0.1:20000-20099"
    ingest_host: str | None = None
    allow_pull: tuple[str, ...] = ()
    allow_webhook: tuple[str, ...] = ()
    facades: Path | None = None
    token_file: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_by_proxy: bool = False
    public_media: bool = False
    stop_channels: bool = False


class Server:
    """The Live Stream API over one data dir. Use it as ``async with Server(options)``: inside, it answers.

    Raises INVALID_ARGUMENT or PERMISSION_DENIED naming an option when it is made; ABORTED on entry: a port is taken, or
    the data dir is.
    """

    def __init__(self, options: ServeOptions, clock: WallClock | None = None) -> None:
        self._options = options
        self._clock = clock or SystemClock()
        self._outputs = Outputs(options.output)
        self._ports = IngestPorts.parse(options.ingest, options.ingest_host)
        self._tls = open_tls(options.tls_cert, options.tls_key)
        if self._tls is not None and options.tls_by_proxy:
            raise InvalidArgument("TLS is either ours or a proxy's", field="--tls-by-proxy", hint="leave it out")
        is_encrypted, has_tokens = self._tls is not None or options.tls_by_proxy, options.token_file is not None
        for option, address in (("--http", options.http), ("--grpc", options.grpc)):
            check_door(option, address, has_tokens=has_tokens, is_encrypted=is_encrypted)
        self._facades = read_facades(options.facades)
        for facade in self._facades:  # each asks for keys of its own
            check_door(f"[{facade.name}] listen", facade.listen, has_tokens=True, is_encrypted=is_encrypted)
        webhooks = WebhookPolicy.of(options.allow_webhook)
        check_facades(self._facades, {"--http": options.http, "--grpc": options.grpc}, webhooks)
        self._porter = Porter(options.token_file, self._clock)
        self._metrics = ChannelCollector(lambda: look_at_channels(self.dvr))
        self.dvr = LiveDvr(
            options.data_dir,
            on_state=tell_session,
            detach=not options.stop_channels,
            pull=PullPolicy.of(options.allow_pull),
            clock=self._clock,
            on_published=self._metrics.published,
            webhooks=webhooks,
            dialects={facade.name: facade.dialect for facade in self._facades},
        )
        self._media = Media(options.output)
        self._waiting = Waiting(self._clock)
        self._live = Live(self.dvr, self._media, self._waiting, self._clock)
        self._view = SessionView(self.dvr, self._media, self._waiting)
        self._registry = CollectorRegistry()
        self._requests = Requests(self._registry, self._clock)
        self._front = Front(self._clock)
        self._console = Console(self.dvr, options.output, options.data_dir / "thumbs", self._clock)
        self._hurried = asyncio.Event()

    @property
    def addresses(self) -> Mapping[str, str]:
        """Where it is: ``rest``, ``grpc``, and each facade by its name."""
        scheme = "https" if self._tls else "http"
        facades = {facade.name: f"{scheme}://{facade.listen}" for facade in self._facades}
        return {"rest": f"{scheme}://{self._options.http}", "grpc": self._options.grpc, **facades}

    def reload(self) -> None:
        """Read the token file again. INVALID_ARGUMENT: it is wrong, and the tokens stay as they were."""
        self._porter.reload()

    def hurry(self) -> None:
        """Have an end that is under way wait for nothing: neither for answers nor for the last segments."""
        self._hurried.set()
        self.dvr.kill()

    async def __aenter__(self) -> Self:
        self._opened = contextlib.AsyncExitStack()
        try:
            await self._open(self._opened)
        except BaseException as error:
            await self.__aexit__(type(error), error, error.__traceback__)
            raise
        return self

    async def _open(self, opened: contextlib.AsyncExitStack) -> None:
        """Each thing that is opened says how it is closed: what comes last goes first."""
        make_private_root(self._options.data_dir)
        lock = OwnerLock(
            self._options.data_dir / "serve.lock",
            field=f"--data-dir {self._options.data_dir}",
            hint="stop that one, or use another --data-dir",
        )
        opened.callback(lock.release)
        doors = await opened.enter_async_context(asyncio.TaskGroup())
        files = (self._tls.certificate, self._tls.key) if self._tls else None
        front = ZeroCopy(self._front)
        http = HttpServer(front, self._options.http, doors, field="--http", most_at_once=MOST_AT_ONCE, tls=files)
        http.open()  # first, so that /readyz tells how far we are
        opened.push_async_callback(http.close)
        await opened.enter_async_context(self.dvr)
        tasks = await opened.enter_async_context(asyncio.TaskGroup())
        table = self._table(tasks, opened)
        self._registry.register(self._metrics)
        self._grpc = GrpcDoor(
            table, self._options.grpc, self._porter, self._requests, self._tls.pem() if self._tls else None
        )
        opened.callback(self._console.close)
        opened.push_async_callback(table.close)
        opened.push_async_callback(self._leave, table)
        await self._grpc.open()
        media = [route for part in (self._media, self._view, self._live) for route in part.routes()]
        seen = [*media, *self._console.open(tasks), *recording_routes(self._desk)]
        app, public = rest_app(table, [metrics_route(self._registry), *seen]), self._options.public_media
        rest = HttpGuard(app, self._porter, self._requests, public_media=public, is_page=_is_for_everybody)
        background = await opened.enter_async_context(Background())
        for facade in self._facades:
            answers = facade.open(FacadeDesk(facade.name, self.dvr, self._clock, background))
            answers = told(answers, facade.name, self._requests)
            door = HttpServer(answers, facade.listen, doors, field=f"[{facade.name}] listen", tls=files)
            door.open()
            opened.push_async_callback(door.close)
        self._front.open(rest, self.dvr.catalog)

    def _table(self, tasks: asyncio.TaskGroup, opened: contextlib.AsyncExitStack) -> Dispatcher:
        """The handlers, and their tasks."""
        catalog = self.dvr.catalog
        operations = Operations(catalog, self._clock, tasks)
        desk = self._desk = Desk(self.dvr, catalog, operations, self._outputs, self._ports)
        runner = EventRunner(desk, self._clock)
        channels = Channels(desk)
        collections = [kind(desk) for kind in (Clips, DvrSessions, Assets, Pools)]
        inputs, events = Inputs(desk, channels.rebuild), Events(desk, runner)
        table = Dispatcher([*collections, channels, inputs, events, operations, Locations()], catalog, self._clock)
        for work in (runner.run(), operations.keep_house(), EventTail(catalog, self._clock).run()):
            opened.callback(tasks.create_task(work).cancel)
        opened.callback(operations.close)
        operations.resume()
        return table

    async def _leave(self, table: Dispatcher) -> None:
        """The doors close; answers that are under way have their time. The HTTP door goes on to tell that we leave."""
        self._front.leave()
        self._waiting.leave()
        self._console.leave()
        ways = [asyncio.create_task(self._answered(table)), asyncio.create_task(self._hurried.wait())]
        await asyncio.wait(ways, timeout=GRACE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        await self._grpc.close(0)

    async def _answered(self, table: Dispatcher) -> bool:
        await asyncio.gather(self._front.idle(), self._grpc.close(GRACE_SECONDS), table.idle())
        return True

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._opened.__aexit__(kind, error, trace)
        except BaseExceptionGroup as died:
            leaves = list(_leaves(died))
            if leaves != [error]:  # a task's own error is what ended us
                raise next((one for one in leaves if isinstance(one, LiveDvrError)), died) from None


def _is_for_everybody(path: str) -> bool:
    return is_page(path) or is_documentation(path)


def _leaves(died: BaseException) -> Iterator[BaseException]:
    if isinstance(died, BaseExceptionGroup):
        for one in died.exceptions:
            yield from _leaves(one)
    else:
        yield died
