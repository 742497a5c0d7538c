"""uvicorn as a task that somebody owns: no signals of its own, no log of what is asked."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Generator

import uvicorn
from starlette.types import ASGIApp

from livedvr.resources.addresses import split_address
from livedvr.resources.errors import Aborted, InvalidArgument

MOST_AT_ONCE = 64  # requests; more are answered 503


class HttpServer:
    """Serves an app on ``ADDRESS:PORT``. ``field``: what names that address, for errors."""

    def __init__(self, app: ASGIApp, address: str, tasks: asyncio.TaskGroup, *, field: str) -> None:
        self._address = address
        self._field = field
        self._tasks = tasks
        config = uvicorn.Config(
            app,
            lifespan="off",
            ws="none",
            access_log=False,
            log_config=None,  # logging is the application's whose library we are
            log_level="error",
            server_header=False,
            limit_concurrency=MOST_AT_ONCE,
            timeout_graceful_shutdown=1,
        )
        self._server = _Server(config)
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Listen from now on. ABORTED when the port is taken, INVALID_ARGUMENT when the address is not ours."""
        listening = self._listen()
        self._task = self._tasks.create_task(self._serve(listening), name=f"http {self._address}")

    def _listen(self) -> socket.socket:
        host, port = split_address(self._address)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            listening = socket.create_server((host, port), family=family)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise Aborted(
                    f"port {port}/tcp on {host} is taken by another program", field=self._field, hint="use another port"
                ) from error
            raise InvalidArgument(
                f"cannot listen on {host}: {error.strerror}",
                field=self._field,
                hint="use another address of this machine, or a port above 1023",
            ) from error
        # Connections inherit it. asyncio sets it only on sockets that name their protocol, and without it an answer's
        # body waits for the acknowledgement of its headers: 40 ms on a connection that is kept open.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening

    async def _serve(self, listening: socket.socket) -> None:
        with contextlib.closing(listening):
            await self._server.serve(sockets=[listening])

    async def close(self) -> None:
        """Listen no more; returns when what was asked is answered, after a second at the latest."""
        if self._task is not None:
            self._server.should_exit = True
            await asyncio.wait([self._task])


class _Server(uvicorn.Server):
    """Without handlers of signals: they are the command's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield
