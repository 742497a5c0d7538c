"""uvicorn as a task that somebody owns: no signals of its own, no log of what is asked."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Generator
from pathlib import Path

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from livedvr.resources.addresses import split_address
from livedvr.resources.errors import Aborted, InvalidArgument

HEAD_SECONDS = 10.0  # in which a request's line and headers have to be there
# A connection that asks nothing is closed by its client first (httpx after 5 s, aiohttp after 15): one that we close
# just when it is used again fails a request that may not be repeated.
IDLE_SECONDS = 20


class HttpServer:
    """Serves an app on ``ADDRESS:PORT``.

    Args:
        field: what names that address, for errors.
        most_at_once: connections, also those that ask nothing now; a request beyond them is answered 503.
        tls: files with the certificate chain and its key, PEM.
    """

    def __init__(
        self,
        app: ASGIApp,
        address: str,
        tasks: asyncio.TaskGroup,
        *,
        field: str,
        most_at_once: int = 64,
        tls: tuple[Path, Path] | None = None,
    ) -> None:
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
            http=_Protocol,
            limit_concurrency=most_at_once,
            timeout_keep_alive=IDLE_SECONDS,
            timeout_graceful_shutdown=1,
            ssl_certfile=tls[0] if tls else None,
            ssl_keyfile=tls[1] if tls else None,
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


class _Protocol(H11Protocol):
    """Closes a connection on which no request's head gets complete; uvicorn itself would wait for ever."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget()
        super().connection_lost(exc)

    def _watch(self) -> None:
        if self.conn.their_state is not h11.IDLE:  # the head is there
            self._forget()
        elif self._late is None:
            self._late = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _forget(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
