"""What a facade reads of who asks has a size and a time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from starlette.requests import Request

from livedvr.api.guard.http import TooLarge
from livedvr.api.guard.limits import LARGEST_BODY
from livedvr.facades import body
from livedvr.resources.errors import InvalidArgument


def a_request(*parts: bytes) -> Request:
    """Its body comes in these parts, and then no more of it does."""
    coming = iter(parts)

    async def receive() -> Any:
        part = next(coming, None)
        if part is None:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": part, "more_body": part != b""}

    return Request({"type": "http", "method": "POST", "headers": []}, receive)


async def test_a_body_is_read_whole_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await body.body_of(a_request(b"a", b"b", b"")) == b"ab"
    with pytest.raises(TooLarge):
        await body.body_of(a_request(b"a" * LARGEST_BODY, b"a"))
    monkeypatch.setattr(body, "BODY_SECONDS", 0.01)
    with pytest.raises(InvalidArgument, match="it has not come"):
        await body.body_of(a_request(b"a"))
