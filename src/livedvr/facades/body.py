"""A request's body as facades read it: not too much, not too late, as at the server's own door."""

from __future__ import annotations

from starlette.requests import Request

from livedvr.api.guard.http import Body
from livedvr.api.guard.limits import BODY_SECONDS


async def body_of(http: Request) -> bytes:
    """All of it. TooLarge; INVALID_ARGUMENT: it does not come."""
    return await Request(http.scope, Body(http.receive, BODY_SECONDS).receive).body()
