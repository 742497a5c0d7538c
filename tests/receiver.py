"""Who is told of recordings: a server of webhooks on loopback, and what it was sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Message:
    """One of HTTP; ``headers`` by lower-case names."""

    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Posted(Message):
    """What somebody was sent. ``uri``: as it was called."""

    uri: str


class Receiver:
    """An HTTP server on loopback that is told of recordings. Answers with the next of ``statuses``, else 200.

    ``verify`` is called with each message before it is answered: what it raises is raised by `wait`. ``redirects``:
    where paths lead to, with the next of ``statuses``, else 302.
    """

    def __init__(self, verify: Callable[[Posted], None] = lambda _: None) -> None:
        self.statuses: list[int] = []
        self.redirects: dict[str, str] = {}
        self.got: list[Posted] = []
        self._verify = verify
        self._failed: list[Exception] = []
        self._more = asyncio.Condition()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    @property
    def authority(self) -> str:
        """``host:port``: what may be told."""
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def uri(self, path: str = "/told") -> str:
        return f"http://{self.authority}{path}"

    async def wait(self, count: int) -> list[Posted]:
        """All that has come, as soon as it is so many."""
        async with self._more:
            await asyncio.wait_for(self._more.wait_for(lambda: self._failed or len(self.got) >= count), 60)
        if self._failed:
            raise self._failed[0]
        return self.got

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Who tells may go away in the middle of it."""
        with closing(writer), suppress(asyncio.IncompleteReadError):
            await self._answer(reader, writer)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers["content-length"]))
        target = head[0].split(" ")[1]
        leads = self.redirects.get(target)
        status = self.statuses.pop(0) if self.statuses else 302 if leads else 200
        more = f"Location: {leads}\r\n" if leads else ""
        posted = Posted(headers, body, f"http://{headers['host']}{target}")
        try:
            self._verify(posted)
        except Exception as error:  # noqa: BLE001 - told where it is waited for
            self._failed.append(error)
        writer.write(f"HTTP/1.1 {status} X\r\n{more}Content-Length: 0\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        async with self._more:
            self.got.append(posted)
            self._more.notify_all()
