"""Sends one body to one receiver, where a policy lets it. A redirect's next hop is checked as the first."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Mapping

import httpcore

from livedvr.checked_network import CheckedNetwork
from livedvr.fetch import resolve
from livedvr.resources.errors import InvalidArgument, SourceError
from livedvr.resources.webhook_policy import WebhookPolicy

_HTTP = re.compile(r"(https?)://([^/?#@\\]+)([^#]*)")
_TROUBLE = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError)


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
        try:
            async with asyncio.timeout(seconds):
                return await self._post(uri, headers, body, redirects)
        except _TROUBLE as error:
            raise SourceError(str(error) or type(error).__name__) from error

    async def _post(self, uri: str, headers: Mapping[str, str], body: bytes, redirects: int) -> int:
        for _ in range(redirects + 1):
            host, port = self._policy.check(uri, field="notify.uri")
            found = _HTTP.fullmatch(uri)
            if found is None:
                raise InvalidArgument("it is no URL of HTTP without a user", field="notify.uri")
            path = found[3] if found[3].startswith("/") else f"/{found[3]}"
            target = httpcore.URL(scheme=found[1], host=host, port=port, target=path)
            given = {"Host": found[2], "User-Agent": "livedvr", "Content-Length": str(len(body)), **headers}
            async with self._pool.stream("POST", target, headers=list(given.items()), content=body) as answer:
                location = dict(answer.headers).get(b"Location") or dict(answer.headers).get(b"location")
                if answer.status not in (301, 302, 307, 308) or location is None or not redirects:
                    return answer.status
            uri = resolve(uri, location.decode("latin-1"))
        raise SourceError(f"more than {redirects} redirects")

    async def close(self) -> None:
        """Nothing is sent any more."""
        await self._pool.aclose()
