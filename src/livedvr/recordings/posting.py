"""Sends a body to one address, or fetches one, where a policy lets it. A redirect's next hop is checked, too."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

import httpcore

from livedvr.checked_network import CheckedNetwork
from livedvr.fetch import resolve
from livedvr.resources.errors import InvalidArgument, SourceError
from livedvr.resources.webhook_policy import WebhookPolicy

_HTTP = re.compile(r"(https?)://([^/?#@\\]+)([^#]*)")
_TROUBLE = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError)
_MOVED = (301, 302, 307, 308)


class Poster:
    """``policy``: whom it may reach."""

    def __init__(self, policy: WebhookPolicy) -> None:
        self._policy = policy
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_keepalive_connections=0,
            network_backend=CheckedNetwork(policy.permits, "no webhook goes into a private network unless allowed"),
        )

    async def post(self, uri: str, headers: Mapping[str, str], body: bytes, seconds: float, redirects: int) -> int:
        """The status that it is answered with. PERMISSION_DENIED, INVALID_ARGUMENT: not there; SourceError: none."""
        given = {"Content-Length": str(len(body)), **headers}
        async with self._answer("POST", uri, given, body, seconds, redirects) as answer:
            return answer.status

    async def fetch(self, uri: str, limit: int, seconds: float, redirects: int) -> bytes:
        """What is there, ``limit`` bytes at most. Raises as `post`; SourceError: none, or it is longer."""
        async with self._answer("GET", uri, {}, None, seconds, redirects) as answer:
            if answer.status != 200:
                raise SourceError(f"it is answered with {answer.status}")
            body = bytearray()
            async for part in answer.aiter_stream():
                body += part
                if len(body) > limit:
                    raise SourceError(f"it is longer than {limit} bytes")
            return bytes(body)

    @asynccontextmanager
    async def _answer(
        self, verb: str, uri: str, headers: Mapping[str, str], body: bytes | None, seconds: float, redirects: int
    ) -> AsyncGenerator[httpcore.Response, None]:
        """What is answered in the end; within ``seconds``, with what is made of it."""
        try:
            async with asyncio.timeout(seconds):
                for _ in range(redirects + 1):
                    target, host = self._target(uri)
                    given = {"Host": host, "User-Agent": "livedvr", **headers}
                    async with self._pool.stream(verb, target, headers=list(given.items()), content=body) as answer:
                        location = dict(answer.headers).get(b"Location") or dict(answer.headers).get(b"location")
                        if answer.status not in _MOVED or location is None or not redirects:
                            yield answer
                            return
                    uri = resolve(uri, location.decode("latin-1"))
                raise SourceError(f"more than {redirects} redirects")
        except _TROUBLE as error:
            raise SourceError(str(error) or type(error).__name__) from error

    def _target(self, uri: str) -> tuple[httpcore.URL, str]:
        """A URL that may be asked, and the host that it names."""
        host, port = self._policy.check(uri, field="uri")
        found = _HTTP.fullmatch(uri)
        if found is None:
            raise InvalidArgument("it is no URL of HTTP without a user", field="uri")
        path = found[3] if found[3].startswith("/") else f"/{found[3]}"
        return httpcore.URL(scheme=found[1], host=host, port=port, target=path), found[2]

    async def close(self) -> None:
        """Nothing is sent any more."""
        await self._pool.aclose()
