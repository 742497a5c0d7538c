"""Files go from the page cache into the socket: ASGI's Zero Copy Send extension for uvicorn, by sendfile(2).

Measured (docs/benchmarks.md): read in threads and written by the event loop, a segment of 1 MB costs three times the
CPU.
"""

from __future__ import annotations

import asyncio
import os
from io import FileIO
from typing import Any, cast

import h11
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import RequestResponseCycle

EXTENSION = "http.response.zerocopysend"


class ZeroCopy:
    """Offers the app behind it the extension: ``{"type": EXTENSION, "file", "offset", "count", "more_body"}``.

    ``file``: an open one of the disk, unbuffered; it stays open. ``offset``, ``count``: bytes. The answer has to have a
    ``content-length``. Over TLS the event loop reads and writes, in threads.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        cycle = cast(Any, getattr(send, "__self__", None))
        if not isinstance(cycle, RequestResponseCycle):  # no request of HTTP, or in a test
            await self._app(scope, receive, send)
            return

        async def send_all(message: Message) -> None:
            if message["type"] != EXTENSION:
                await send(message)
                return
            await _send_file(cycle, message)
            if not message.get("more_body", False):
                await send({"type": "http.response.body"})

        scope["extensions"] = {**(scope.get("extensions") or {}), EXTENSION: {}}
        await self._app(scope, receive, send_all)


class _Passed:
    """So many bytes that h11 counts and does not see (its documentation: "sendfile")."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __len__(self) -> int:
        return self._count


async def _send_file(cycle: RequestResponseCycle, message: Message) -> None:
    if cycle.disconnected or cycle.scope["method"] == "HEAD":
        return
    passed = cast(bytes, _Passed(message["count"]))
    sent = cycle.conn.send_with_data_passthrough(h11.Data(data=passed))
    assert sent == [passed], "an answer with a content-length has no framing around its bytes"
    if not message["count"]:
        return
    try:
        count = await _pass_on(cycle.transport, message["file"], message["offset"], message["count"])
    except (OSError, RuntimeError, ValueError):  # who asked has gone, or we go
        count = -1
    if count != message["count"]:  # or the file is shorter than when it was opened: the answer cannot be ended
        cycle.disconnected = True
        cycle.transport.abort()


async def _pass_on(transport: asyncio.Transport, file: FileIO, offset: int, count: int) -> int:
    """How many bytes of the file have gone into the socket: fewer when it has become shorter."""
    sent = _at_once(transport, file, offset, count)
    if sent < count:
        sent += await asyncio.get_running_loop().sendfile(transport, file, offset + sent, count - sent)
    return sent


def _at_once(transport: asyncio.Transport, file: FileIO, offset: int, count: int) -> int:
    """How many the socket takes now: mostly all of a segment.

    The event loop's sendfile takes its socket out of epoll and puts it back, and waits for a turn when all is sent.
    """
    if transport.get_extra_info("sslcontext") is not None or transport.get_write_buffer_size():
        return 0  # the socket takes no plain bytes, or the answer's head has to go first
    try:
        return os.sendfile(transport.get_extra_info("socket").fileno(), file.fileno(), offset, count)
    except BlockingIOError:
        return 0
