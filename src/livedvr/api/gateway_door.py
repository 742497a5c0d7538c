"""Where nginx asks whether a publisher may publish (SEMANTICS I4): ``POST /publish``, and nothing else.

nginx sends a form with the publisher's address and the name it gives, which has to be a stream key. The answer is 302
with the name under which its media goes from there on, or 403. A key stands in no log and in no answer.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections import defaultdict
from http import HTTPStatus
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from livedvr.api.nginx import PUBLISH_PATH
from livedvr.catalog import channel_rows
from livedvr.catalog.catalog import Catalog
from livedvr.http_server import HttpServer
from livedvr.ingest.door import Refusals
from livedvr.ingest.gateway import Answer, GatewayInputs
from livedvr.resources.gateway import GATEWAY_APP
from livedvr.wallclock import WallClock

LONGEST_REQUEST = 16_384  # bytes; nginx's fields have 256 characters at most, three bytes each when escaped
PATIENCE = 5.0  # seconds that a request may take to come

_FORM = "application/x-www-form-urlencoded"
_ASKED = ("call", "app", "name", "addr")


class GatewayDoor:
    """Answers nginx from what the catalog has, while `LiveDvr` is open."""

    def __init__(self, inputs: GatewayInputs, catalog: Catalog, clock: WallClock, tasks: asyncio.TaskGroup) -> None:
        self._inputs = inputs
        self._catalog = catalog
        self._clock = clock
        self._refusals: dict[str, Refusals] = defaultdict(Refusals)
        app = Starlette(routes=[Route(PUBLISH_PATH, self._publish, methods=["POST"])])
        self._server = HttpServer(app, inputs.gateway.controller, tasks, field="gateway.controller")

    def open(self) -> None:
        """Answer from now on. ABORTED: the port is taken."""
        self._server.open()

    async def close(self) -> None:
        """Answer no more: nginx lets nobody in from now on, and keeps whom it has."""
        await self._server.close()

    async def _publish(self, request: Request) -> Response:
        try:
            async with asyncio.timeout(PATIENCE):
                body = await _read(request)
        except (TimeoutError, ClientDisconnect):
            return Response(status_code=HTTPStatus.REQUEST_TIMEOUT)
        if body is None:
            return Response(status_code=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        asked = read_form(body) if request.headers.get("content-type") == _FORM else None
        if asked is None:
            return Response(status_code=HTTPStatus.FORBIDDEN)
        answer = await self._answer(*asked)
        if answer.stream is None:
            return Response(status_code=HTTPStatus.FORBIDDEN)
        return Response(status_code=HTTPStatus.FOUND, headers={"location": answer.stream})

    async def _answer(self, name: str, address: str) -> Answer:
        channels = [row.channel for row in self._catalog.read(channel_rows.list_channels) if not row.deleting]
        answer = self._inputs.answer(channels, name, address)
        if answer.channel is not None and answer.refusal is not None:
            now, channel = self._clock.now(), answer.channel
            text = self._refusals[channel].note(now, answer.refusal)
            if text is not None:
                await self._catalog.write(
                    lambda db: channel_rows.add_event(db, channel, now, "PUBLISHER_REFUSED", text)
                )
        return answer


async def _read(request: Request) -> bytes | None:
    """The body; None when it is longer than any that nginx sends."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > LONGEST_REQUEST:
            return None
    return body


def read_form(body: bytes) -> tuple[str, str] | None:
    """The name that a publisher gives and its address; None when this is not nginx asking for a publisher.

    nginx appends what stands behind a ``?`` in the publisher's address as it is: who sets ``name`` or ``addr`` there
    sets it a second time, and is refused.
    """
    try:
        fields = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError:
        return None
    given = {name: value for name, value in fields if name in _ASKED}
    if sorted(name for name, _ in fields if name in _ASKED) != sorted(_ASKED):
        return None
    if (given["call"], given["app"]) != ("publish", GATEWAY_APP) or not _is_address(given["addr"]):
        return None
    return given["name"], given["addr"]


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
