"""`livedvr serve` within the test's process, on free ports and in a loop of its own, and Google's clients for it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import grpc
import requests
from google.auth.credentials import AnonymousCredentials
from google.cloud.video.live_stream_v1 import LivestreamServiceClient
from google.cloud.video.live_stream_v1.services.livestream_service.transports import (
    LivestreamServiceGrpcTransport,
)

from live import free_tcp_port, free_tcp_ports
from livedvr.serving import ServeOptions, Server
from livedvr.wallclock import WallClock

HERE = "projects/p/locations/l"
INGEST_PORTS = 41


class Served:
    """A server that answers, and the ways to ask it."""

    def __init__(self, server: Server, options: ServeOptions, loop: asyncio.AbstractEventLoop) -> None:
        self.server = server
        self.options = options
        self._loop = loop

    @property
    def url(self) -> str:
        return f"http://{self.options.http}"

    @cached_property
    def rest(self) -> LivestreamServiceClient:
        return LivestreamServiceClient(
            credentials=AnonymousCredentials(), transport="rest", client_options={"api_endpoint": self.url}
        )

    @cached_property
    def channel(self) -> grpc.Channel:
        return grpc.insecure_channel(self.options.grpc)

    @cached_property
    def grpc(self) -> LivestreamServiceClient:
        return LivestreamServiceClient(transport=LivestreamServiceGrpcTransport(channel=self.channel))

    @cached_property
    def http(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False  # a proxy of the machine has no business here
        return session

    def ask(self, verb: str, path: str, **given: Any) -> requests.Response:
        """``path``: ``{HERE}/channels?channelId=c``, or one that begins with a slash."""
        return self.http.request(verb, f"{self.url}{path if path.startswith('/') else f'/v1/{path}'}", **given)

    def within(self, work: Callable[[Server], Coroutine[Any, Any, Any]]) -> Any:
        """Something done in the server's own loop."""
        return asyncio.run_coroutine_threadsafe(work(self.server), self._loop).result(60)

    def close(self) -> None:
        for name in ("channel", "http"):
            if name in self.__dict__:
                self.__dict__[name].close()


@contextmanager
def serving(data_dir: Path, clock: WallClock | None = None, **options: Any) -> Iterator[Served]:
    """A server over ``data_dir``, closed at the end. ``options``: of `ServeOptions`."""
    first = free_tcp_ports(INGEST_PORTS)
    given = {
        "output": str(data_dir / "media"),
        "http": f"127.0.0.1:{free_tcp_port()}",
        "grpc": f"127.0.0.1:{free_tcp_port()}",
        "ingest": f"127.0.0.1:{first}-{first + INGEST_PORTS - 1}",
        "stop_channels": True,
    }
    wanted = ServeOptions(data_dir, **{**given, **options})
    opened: Future[Served] = Future()
    done: Future[Callable[[], None]] = Future()

    async def serve() -> None:
        loop, end = asyncio.get_running_loop(), asyncio.Event()
        async with Server(wanted, clock) as server:
            done.set_result(lambda: loop.call_soon_threadsafe(end.set) and None)
            opened.set_result(Served(server, wanted, loop))
            await end.wait()

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as error:
            if opened.done():
                raise
            opened.set_exception(error)

    thread = threading.Thread(target=run, name="livedvr serve")
    thread.start()
    try:
        served = opened.result(60)
        try:
            yield served
        finally:
            served.close()
    finally:
        if done.done():
            done.result()()
        thread.join(60)
