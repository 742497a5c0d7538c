"""What a server with tokens, limits and health answers at its doors: real sockets, no ffmpeg."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import requests
from google.cloud.location import locations_pb2
from google.longrunning import operations_pb2
from grpc_status import rpc_status
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from starlette.requests import Request
from starlette.types import Message, Receive, Scope, Send

from builders import FakeClock
from live import free_tcp_port
from livedvr import http_server
from livedvr.api.guard.http import HttpGuard
from livedvr.api.guard.limits import LARGEST_BODY
from livedvr.api.guard.porter import Porter
from livedvr.api.guard.rates import READS
from livedvr.api.methods import METHODS
from livedvr.api.watch.requests import Requests
from livedvr.resources.errors import Aborted
from livedvr.serving import ServeOptions, Server

READER, WRITER = "reader-0123456789abcdef", "writer-0123456789abcdef"
LOCATION = "/v1/projects/p1/locations/here"


def options(folder: Path, **more: Any) -> ServeOptions:
    ports = {door: f"127.0.0.1:{free_tcp_port()}" for door in ("http", "grpc")}
    return ServeOptions(folder / "data", str(folder / "media"), **{**ports, **more})


@pytest.fixture
async def closed(tmp_path: Path) -> AsyncIterator[ServeOptions]:
    """A server that asks for tokens."""
    tokens = tmp_path / "tokens"
    tokens.touch(0o600)
    tokens.write_text(f"{READER} read player\n{WRITER} write studio\n")
    made = options(tmp_path, token_file=tokens)
    async with Server(made, FakeClock()):
        yield made


@pytest.fixture
async def trusting(tmp_path: Path) -> AsyncIterator[ServeOptions]:
    """A server without tokens, on loopback."""
    made = options(tmp_path)
    async with Server(made, FakeClock()):
        yield made


def _ask(
    address: str, method: str, path: str, headers: dict[str, str], body: bytes | None
) -> tuple[int, Any, dict[str, str]]:
    with contextlib.closing(http.client.HTTPConnection(address, timeout=20)) as connection:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read()
        said = json.loads(text) if answer.headers["content-type"] == "application/json" else text.decode()
        return answer.status, said, {name.lower(): value for name, value in answer.getheaders()}


async def ask(
    at: ServeOptions, path: str, method: str = "GET", body: bytes | None = None, **headers: str
) -> tuple[int, Any, dict[str, str]]:
    """(code, JSON or text, headers). A header's name with _ for -."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await asyncio.to_thread(_ask, at.http, method, path, named, body)


def rpc(channel: grpc.aio.Channel, name: str) -> Any:
    """The method as a callable."""
    method = next(method for method in METHODS if method.rpc == name)
    return channel.unary_unary(
        f"/{method.service}/{method.rpc}", method.request.SerializeToString, method.response.FromString
    )


def reason(said: Any) -> tuple[str, str | None]:
    """(status, field) of an error's body."""
    info = said["error"]["details"][0]
    return said["error"]["status"], info["metadata"].get("field") if "metadata" in info else None


async def test_tokens_over_rest(closed: ServeOptions) -> None:
    code, said, _ = await ask(closed, f"{LOCATION}/inputs")
    assert (code, reason(said)) == (403, ("PERMISSION_DENIED", "authorization"))
    assert (await ask(closed, f"{LOCATION}/inputs", authorization="Bearer wrong"))[0] == 403
    assert (await ask(closed, f"{LOCATION}/inputs", authorization=f"Bearer {READER}"))[:2] == (200, {})
    assert (await ask(closed, f"{LOCATION}/inputs", x_goog_api_key=READER))[0] == 200
    code, said, _ = await ask(closed, f"{LOCATION}/inputs?inputId=i", "POST", b"{}", x_goog_api_key=READER)
    assert code == 403
    assert "'player' has the scope read, this needs write" in said["error"]["message"]
    code, said, _ = await ask(
        closed, f"{LOCATION}/inputs?inputId=i", "POST", b'{"type":"RTMP_PUSH"}', x_goog_api_key=WRITER
    )
    assert (code, said.get("done")) == (200, True)
    code, said, _ = await ask(closed, f"{LOCATION}/inputs?key={READER}", authorization=f"Bearer {READER}")
    assert code == 400  # it would stand in logs
    assert READER not in json.dumps(said)
    assert (await ask(closed, "/v1/nowhere"))[0] == 403  # what there is not, is not told either


async def test_tokens_over_grpc(closed: ServeOptions) -> None:
    async with grpc.aio.insecure_channel(closed.grpc) as channel:
        list_locations = rpc(channel, "ListLocations")
        asked = locations_pb2.ListLocationsRequest(name="projects/p1")
        for metadata in ((), (("authorization", "Bearer a.self-signed.jwt"),)):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await list_locations(asked, metadata=metadata)
            assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
        assert (await list_locations(asked, metadata=(("x-goog-api-key", READER),))).locations
        with pytest.raises(grpc.aio.AioRpcError, match="has the scope read"):
            await rpc(channel, "DeleteOperation")(
                operations_pb2.DeleteOperationRequest(name="projects/p/locations/l/operations/o"),
                metadata=(("authorization", f"Bearer {READER}"),),
            )


async def test_too_often(closed: ServeOptions) -> None:
    async with grpc.aio.insecure_channel(closed.grpc) as channel:
        list_locations = rpc(channel, "ListLocations")
        asked, token = locations_pb2.ListLocationsRequest(name="projects/p1"), (("x-goog-api-key", READER),)
        for _ in range(READS.burst):
            await list_locations(asked, metadata=token)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await list_locations(asked, metadata=token)
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        status = rpc_status.from_call(caught.value)
        assert any(detail.type_url.endswith("google.rpc.RetryInfo") for detail in status.details)
    code, said, headers = await ask(closed, f"{LOCATION}/inputs", x_goog_api_key=READER)  # one bucket for both doors
    assert (code, reason(said)[0], headers["retry-after"]) == (429, "RESOURCE_EXHAUSTED", "1")
    assert said["error"]["details"][-1] == {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.010s"}


async def test_pages_of_other_sites(trusting: ServeOptions) -> None:
    here = trusting.http
    code, said, _ = await ask(trusting, f"{LOCATION}/inputs", host="attacker.example")
    assert (code, reason(said)) == (403, ("PERMISSION_DENIED", "Host"))
    made = (f"{LOCATION}/inputs?inputId=i", "POST", b'{"type":"RTMP_PUSH"}')
    for headers, field in (
        ({"origin": "https://attacker.example"}, "Origin"),
        ({"sec_fetch_site": "cross-site"}, "Sec-Fetch-Site"),
    ):
        code, said, _ = await ask(trusting, *made, **headers)
        assert (code, reason(said)) == (403, ("PERMISSION_DENIED", field))
    assert (await ask(trusting, *made, origin=f"http://{here}", sec_fetch_site="same-origin"))[0] == 200


async def test_with_tokens_any_name_will_do(closed: ServeOptions) -> None:
    assert (await ask(closed, f"{LOCATION}/inputs", host="dvr.example", x_goog_api_key=READER))[0] == 200


async def test_a_large_body_is_refused_before_it_is_read(trusting: ServeOptions) -> None:
    url = f"http://{trusting.http}{LOCATION}/inputs?inputId=i"  # requests: what the official client sends with
    answer = await asyncio.to_thread(requests.post, url, b"x" * 10_000_000, timeout=20)
    assert (answer.status_code, reason(answer.json())) == (400, ("INVALID_ARGUMENT", "body"))
    assert answer.headers["connection"] == "close"


async def test_a_large_body_of_unknown_size(trusting: ServeOptions) -> None:
    def send() -> tuple[int, bytes]:
        host, port = trusting.http.split(":")
        sent = 0
        with socket.create_connection((host, int(port)), timeout=20) as sender:
            head = (f"POST {LOCATION}/inputs HTTP/1.1", f"Host: {trusting.http}", "Transfer-Encoding: chunked", "", "")
            sender.sendall("\r\n".join(head).encode())
            with contextlib.suppress(ConnectionError):  # it is closed while we send
                while sent < 100 * LARGEST_BODY:
                    sender.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
                    sent += 0x10000
            return sent, sender.recv(1000)

    sent, answer = await asyncio.to_thread(send)
    assert answer.startswith(b"HTTP/1.1 400")
    assert sent < 50 * LARGEST_BODY  # what the kernel holds of it too


async def test_a_body_that_does_not_come() -> None:
    async def silent() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    sent: list[Message] = []

    async def keep(message: Message) -> None:
        sent.append(message)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await Request(scope, receive).body()

    clock = FakeClock()
    guard = HttpGuard(app, Porter(None, clock), Requests(CollectorRegistry(), clock), body_seconds=0.01)
    head = {"type": "http", "method": "POST", "path": "/v1/x", "query_string": b"", "client": ("127.0.0.1", 1)}
    await guard({**head, "headers": [(b"host", b"localhost"), (b"content-length", b"5")]}, silent, keep)
    assert sent[0]["status"] == 400
    assert b"it has not come within 0.01 s" in sent[1]["body"]


async def test_a_large_message_over_grpc(trusting: ServeOptions) -> None:
    async with grpc.aio.insecure_channel(trusting.grpc) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await rpc(channel, "ListLocations")(locations_pb2.ListLocationsRequest(name="projects/" + "p" * 10_000_000))
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_a_head_that_does_not_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_server, "HEAD_SECONDS", 0.05)
    made = options(tmp_path)
    async with Server(made):
        host, port = made.http.split(":")
        for head in (b"", b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Slow: "):
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(head)
            assert await reader.read() == b""  # closed
            writer.close()


async def test_large_headers(trusting: ServeOptions) -> None:
    code, said, _ = await ask(trusting, f"{LOCATION}/inputs", x_large="x" * 100_000)
    assert (code, reason(said)) == (400, ("INVALID_ARGUMENT", "headers"))


async def test_health_needs_no_token_and_no_name(closed: ServeOptions) -> None:
    assert (await ask(closed, "/livez", host="10.0.0.7"))[:2] == (200, "ok\n")
    assert (await ask(closed, "/readyz", host="10.0.0.7"))[:2] == (200, {"ready": True, "missing": []})


async def test_metrics_need_the_scope_read(closed: ServeOptions) -> None:
    assert (await ask(closed, "/metrics"))[0] == 403
    await ask(closed, f"{LOCATION}/inputs", x_goog_api_key=READER)
    code, text, _ = await ask(closed, "/metrics", x_goog_api_key=READER)
    assert code == 200
    families = {family.name: family for family in text_string_to_metric_families(text)}
    counted = {
        (sample.labels["method"], sample.labels["door"], sample.labels["code"]): sample.value
        for sample in families["livedvr_requests"].samples
        if sample.name == "livedvr_requests_total"
    }
    assert counted == {("-", "rest", "403"): 1, ("ListInputs", "rest", "200"): 1}
    assert READER not in text


async def test_one_server_a_data_dir_and_a_port(trusting: ServeOptions, tmp_path: Path) -> None:
    other = options(tmp_path / "other")
    with pytest.raises(Aborted, match="taken by another controller") as caught:
        await Server(ServeOptions(trusting.data_dir, trusting.output, other.http, other.grpc)).__aenter__()
    assert str(caught.value).startswith("--data-dir")
    for door in ("http", "grpc"):
        doors = {"http": other.http, "grpc": other.grpc, door: getattr(trusting, door)}
        (tmp_path / "other").mkdir(exist_ok=True)
        with pytest.raises(Aborted, match="taken") as caught:
            await Server(ServeOptions(other.data_dir, other.output, **doors)).__aenter__()
        assert caught.value.field == f"--{door}"
    async with Server(other):  # what could not be opened has been let go
        assert (await ask(other, "/readyz"))[0] == 200


async def test_an_error_in_its_body_is_raised_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        async with Server(options(tmp_path)):
            raise ZeroDivisionError


def test_ports_are_let_go(tmp_path: Path) -> None:
    made = options(tmp_path)

    async def once() -> None:
        async with Server(made):
            pass

    for _ in range(2):
        asyncio.run(once())
    for address in (made.http, made.grpc):
        host, port = address.split(":")
        socket.create_server((host, int(port))).close()
