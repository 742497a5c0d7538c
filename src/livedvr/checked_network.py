"""Connections for an HTTP client that go only where a policy lets them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable

import httpcore

from livedvr.resources.errors import PermissionDenied


class CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Looks a name up once, and connects to what was found and checked: no second answer can lead elsewhere.

    Args:
        permits: whether a connection to this host and port may go to this address.
        refused: what an operator should know where none may.
    """

    def __init__(self, permits: Callable[[str, int, str], bool], refused: str) -> None:
        self._permits = permits
        self._refused = refused
        self._tcp = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect; PERMISSION_DENIED where the name leads to no address that may be."""
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise httpcore.ConnectError(f"'{host}' is not known: {error.strerror}") from error
        addresses = dict.fromkeys(str(info[4][0]) for info in found)
        trouble: Exception = PermissionDenied(f"{host} is {', '.join(addresses)}: {self._refused}")
        for address in [one for one in addresses if self._permits(host, port, one)]:
            try:
                return await self._tcp.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                trouble = error
        raise trouble

    async def sleep(self, seconds: float) -> None:
        """As httpcore wants it."""
        await self._tcp.sleep(seconds)
