"""Whether the server is alive, and ready for work: for supervisors and load balancers, which have no token."""

from __future__ import annotations

import asyncio
import logging
import sqlite3

from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from livedvr.api.rest import refusal
from livedvr.catalog.catalog import Catalog
from livedvr.resources.errors import LiveDvrError, NotServing
from livedvr.resources.times import SECOND
from livedvr.wallclock import WallClock

LIVE, READY = "/livez", "/readyz"
LOOK_EACH = 2 * SECOND  # a look writes to the catalog, and anybody may ask
WRITE_SECONDS = 5.0

_log = logging.getLogger(__name__)


class Front:
    """What the HTTP door serves from its first moment to its last: health always, the API while it is there.

    ``missing``: what has still to come, or why it goes; empty: the API is there.
    """

    def __init__(self, clock: WallClock) -> None:
        self._clock = clock
        self._app: ASGIApp | None = None
        self._catalog: Catalog | None = None
        self._written: tuple[int, bool] | None = None  # when the catalog was last looked at, and whether it was well
        self._answering = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self.missing = "channels"

    def open(self, app: ASGIApp, catalog: Catalog) -> None:
        """The API is there."""
        self._app, self._catalog, self.missing = app, catalog, ""

    def leave(self) -> None:
        """No new request is answered any more; those under way are."""
        self._app, self.missing = None, "shutting down"

    async def idle(self) -> None:
        """Return when no request is under way."""
        await self._idle.wait()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["path"] == LIVE:
            await Response("ok\n", media_type="text/plain")(scope, receive, send)
        elif scope["path"] == READY:
            await (await self._ready())(scope, receive, send)
        elif self._app is None:
            error = NotServing(f"the server is not ready: {self.missing}", hint="try again in a moment")
            await refusal(error)(scope, receive, send)
        else:
            await self._answer(self._app, scope, receive, send)

    async def _answer(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        self._answering += 1
        self._idle.clear()
        try:
            await app(scope, receive, send)
        finally:
            self._answering -= 1
            if not self._answering:
                self._idle.set()

    async def _ready(self) -> Response:
        missing = self.missing
        if self._catalog is not None and not missing and not await self._can_write(self._catalog):
            missing = "the catalog cannot be written, see the server's log"
        return JSONResponse({"ready": not missing, "missing": [missing] if missing else []}, 503 if missing else 200)

    async def _can_write(self, catalog: Catalog) -> bool:
        now = self._clock.now()
        if self._written is None or now - self._written[0] >= LOOK_EACH:
            self._written = (now, await _try_to_write(catalog))
        return self._written[1]


async def _try_to_write(catalog: Catalog) -> bool:
    try:
        async with asyncio.timeout(WRITE_SECONDS):
            await catalog.write(_write)
    except (LiveDvrError, TimeoutError) as error:
        _log.error("the catalog cannot be written: %s", error)
        return False
    return True


def _write(db: sqlite3.Connection) -> None:
    """A page is written and nothing is changed."""
    version = db.execute("PRAGMA user_version").fetchone()[0]
    db.execute(f"PRAGMA user_version={version}")
