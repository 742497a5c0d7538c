"""A request's body as facades read it: not too much, not too late."""

from __future__ import annotations

import asyncio

from starlette.requests import Request

from livedvr.api.guard.limits import BODY_SECONDS, LARGEST_BODY
from livedvr.resources.errors import InvalidArgument


class TooLarge(InvalidArgument):
    """No request needs so much."""


async def body_of(http: Request) -> bytes:
    """All of it. TooLarge; INVALID_ARGUMENT: it does not come."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in http.stream():
                body += part
                if len(body) > LARGEST_BODY:
                    raise TooLarge(f"it has more than {LARGEST_BODY} bytes", field="body")
    except TimeoutError:
        raise InvalidArgument(f"it has not come within {BODY_SECONDS:g} s", field="body") from None
    return bytes(body)
