"""What facades are asked stands in the log: who, how it ended, how long it took, and no secret."""

from __future__ import annotations

import httpx
import pytest
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from tests.builders import FakeClock

from livedvr.api.watch.requests import Requests
from livedvr.facades.told import told


async def test_a_line_for_each_request(caplog: pytest.LogCaptureFixture) -> None:
    clock, registry = FakeClock(), CollectorRegistry()

    async def answer(_: Request) -> Response:
        clock.advance(1500)
        return Response(status_code=403)

    app = told(Starlette(routes=[Route("/audio/{key}", answer)]), "enfonica", Requests(registry, clock))
    caplog.set_level("INFO", "livedvr.request")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://a") as client:
        await client.get("/audio/a-key?Signature=b-key", headers={"Authorization": "Bearer c-key"})
    (line,) = [one.__dict__["fields"] for one in caplog.records if one.name == "livedvr.request"]
    assert line == {
        "door": "enfonica",
        "method": "-",
        "resource": "GET",
        "code": "403",
        "ms": 1.5,
        "client": "127.0.0.1",
    }
    labels = {"method": "-", "door": "enfonica", "code": "403"}
    assert registry.get_sample_value("livedvr_requests_total", labels) == 1
