from __future__ import annotations

import asyncio
import time

import requests
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from live import free_tcp_port
from livedvr.http_server import HttpServer


async def test_on_a_connection_that_is_kept_an_answer_does_not_wait_for_an_acknowledgement() -> None:
    async def hello(http: Request) -> PlainTextResponse:
        return PlainTextResponse("hello")

    def ask() -> float:
        durations = []
        with requests.Session() as session:
            session.trust_env = False
            for _ in range(31):
                began = time.monotonic()
                assert session.get(f"http://{address}").text == "hello"
                durations.append(time.monotonic() - began)
        return min(durations[15:])  # at first it acknowledges at once; then all would wait, however fast the machine is

    address = f"127.0.0.1:{free_tcp_port()}"
    async with asyncio.TaskGroup() as tasks:
        server = HttpServer(Starlette(routes=[Route("/", hello)]), address, tasks, field="--http")
        server.open()
        quickest = await asyncio.to_thread(ask)
        await server.close()
    assert quickest < 0.03  # Linux waits 40 ms with an acknowledgement that nothing can be sent along with
