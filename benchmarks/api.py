"""What polling costs: 50 clients ask for sessions, channels and lists of both, while 20 sessions grow.

`livedvr serve` is a process of its own, its channels take testsrc. Beside it another process answers the same messages,
made once, from a bare Starlette app on uvicorn and a bare grpc.aio server: what the doors cost without a DVR.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from typing import Any

import grpc

from benchmarks.figures import table
from live import free_tcp_port, until
from livedvr.api.methods import METHODS
from livedvr.resources.models import to_datetime
from livestream import LOCATION, Client, Serving, av_channel, session

CLIENTS, CHANNELS, SESSIONS = 50, 2, 20
PAUSE = 0.5  # seconds between the requests of a client: 100 requests a second in all
RPCS = ("GetDvrSession", "GetChannel", "ListDvrSessions", "ListChannels")
BY_RPC = {method.rpc: method for method in METHODS}
CHANNEL = f"{LOCATION}/channels/c0"
ABOUT: Mapping[str, str] = {
    "GetDvrSession": f"{CHANNEL}/dvrSessions/s0",
    "GetChannel": CHANNEL,
    "ListDvrSessions": CHANNEL,
    "ListChannels": LOCATION,
}

Ask = Callable[[str], Awaitable[None]]


class RestClient:
    """One connection, kept open; no more of HTTP than uvicorn's answers need, so that the client costs little."""

    @classmethod
    async def connect(cls, address: str) -> RestClient:
        """``ADDRESS:PORT``."""
        host, _, port = address.partition(":")
        client = cls()
        client._reader, client._writer = await asyncio.open_connection(host, int(port))
        return client

    async def ask(self, rpc: str) -> None:
        """One request; its answer is read and left unread."""
        path = f"/v1/{ABOUT[rpc]}{BY_RPC[rpc].path.partition('}')[2]}"
        self._writer.write(f"GET {path} HTTP/1.1\r\nHost: here\r\n\r\n".encode())
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        assert head.startswith(b"http/1.1 200"), head
        await self._reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0]))

    async def close(self) -> None:
        """Close the connection."""
        self._writer.close()


class GrpcClient:
    """A channel of its own, answers parsed as any client does."""

    @classmethod
    async def connect(cls, address: str) -> GrpcClient:
        """``ADDRESS:PORT``."""
        client = cls()
        client._channel = grpc.aio.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)])
        return client

    async def ask(self, rpc: str) -> Any:
        """One request."""
        method = BY_RPC[rpc]
        request = method.request(**{method.variable: ABOUT[rpc]})
        call = self._channel.unary_unary(
            f"/{method.service}/{rpc}", method.request.SerializeToString, method.response.FromString
        )
        return await call(request)

    async def close(self) -> None:
        """Close the channel."""
        await self._channel.close()


class Measured:
    """Latencies by rpc, milliseconds, and the CPU that the server took meanwhile, milliseconds a second."""

    def __init__(self) -> None:
        self.latencies: defaultdict[str, list[float]] = defaultdict(list)
        self.cpu = 0.0

    def percentile(self, rpc: str, which: int) -> float:
        """The 50th, the 99th."""
        return quantiles(self.latencies[rpc], n=100)[which - 1]


async def poll(kind: Any, address: str, pid: int, rounds: int) -> Measured:
    """All clients, that many requests each, in turn of each rpc."""
    measured = Measured()

    async def client(number: int) -> None:
        connected = await kind.connect(address)
        await connected.ask(RPCS[0])  # connected, and not counted
        await asyncio.sleep(PAUSE * number / CLIENTS)
        for turn in range(rounds):
            rpc = RPCS[(number + turn) % len(RPCS)]
            began = time.perf_counter()
            await connected.ask(rpc)
            took = time.perf_counter() - began
            measured.latencies[rpc].append(took * 1000)
            await asyncio.sleep(max(0.0, PAUSE - took))
        await connected.close()

    began, before = time.perf_counter(), _cpu(pid)
    await asyncio.gather(*(client(number) for number in range(CLIENTS)))
    measured.cpu = (_cpu(pid) - before) / (time.perf_counter() - began)
    return measured


def _cpu(pid: int) -> float:
    """User and system time of a process, milliseconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


async def fill(serving: Serving) -> None:
    """Channels that record testsrc, and sessions over the hour that has begun, LIVE."""
    client = Client("grpc", serving)
    for number in range(CHANNELS):
        given = {"parent": LOCATION, "input_id": f"i{number}", "input": {"uri": "testsrc"}}
        await client.done("create_input", **given)
        channel = av_channel(f"{LOCATION}/inputs/i{number}", f"gs://bucket/c{number}")
        video, audio = channel.elementary_streams  # testsrc is raw
        video.video_stream.h264 = {"width_pixels": 320, "height_pixels": 180, "frame_rate": 25, "bitrate_bps": 200_000}
        audio.audio_stream = {"codec": "aac", "bitrate_bps": 64_000}
        await client.done("create_channel", parent=LOCATION, channel_id=f"c{number}", channel=channel)
        await client.done("start_channel", name=f"{LOCATION}/channels/c{number}")
    now = int(time.time() * 1_000_000)
    window = (to_datetime(now), to_datetime(now + 3600 * 1_000_000))
    for number in range(SESSIONS):
        parent = f"{LOCATION}/channels/c{number % CHANNELS}"
        await client.done("create_dvr_session", parent=parent, dvr_session_id=f"s{number}", dvr_session=session(window))
    while (await client.call("get_dvr_session", name=ABOUT["GetDvrSession"])).state.name != "LIVE":  # noqa: ASYNC110
        await asyncio.sleep(0.2)


@contextmanager
def echoing(folder: Path) -> Iterator[tuple[str, str, int]]:
    """The bare servers: their addresses over REST and gRPC, and their process."""
    http, door = free_tcp_port(), f"127.0.0.1:{free_tcp_port()}"
    command = [sys.executable, "-m", "benchmarks.api_echo", str(http), door, str(folder)]
    process = subprocess.Popen(command)
    try:
        yield f"127.0.0.1:{http}", door, process.pid
    finally:
        process.kill()
        process.wait()


async def run(folder: Path, rounds: int) -> str:
    """Measure and say it in a table."""
    folder.mkdir(parents=True)  # noqa: ASYNC240 - nothing is measured yet
    with Serving(folder, "--stop-channels") as serving:
        await fill(serving)
        client = await GrpcClient.connect(serving.grpc)
        for rpc in RPCS:
            (folder / f"{rpc}.pb").write_bytes((await client.ask(rpc)).SerializeToString())
        await client.close()
        pid = serving.process.pid
        began, before = time.perf_counter(), _cpu(pid)
        await asyncio.sleep(5)
        idle = (_cpu(pid) - before) / (time.perf_counter() - began)
        rows = []
        with echoing(folder) as (http, door, echo):
            until(lambda: _answers(http), "the bare servers answer")
            for name, kind, ours, bare in (
                ("REST", RestClient, serving.http, http),
                ("gRPC", GrpcClient, serving.grpc, door),
            ):
                plain = await poll(kind, bare, echo, rounds)
                rows += _rows(name, await poll(kind, ours, pid, rounds), plain, idle)
    head = ["door", "method", "p50 ms", "p99 ms", "bare p50", "bare p99", "p50 ratio", "CPU ms/s", "bare CPU ms/s"]
    return (
        f"{CLIENTS} clients, {CLIENTS / PAUSE:.0f} requests a second, {SESSIONS} live sessions on {CHANNELS} channels; "
        f"without clients the server takes {idle:.0f} ms of CPU a second\n\n" + table(head, rows)
    )


def _answers(address: str) -> bool:
    host, _, port = address.partition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=1):
            return True
    except OSError:
        return False


def _rows(door: str, ours: Measured, bare: Measured, idle: float) -> list[list[str]]:
    return [
        [
            door,
            rpc,
            *(f"{one.percentile(rpc, which):.1f}" for one in (ours, bare) for which in (50, 99)),
            f"{ours.percentile(rpc, 50) / bare.percentile(rpc, 50):.1f}",
            *([f"{ours.cpu - idle:.0f}", f"{bare.cpu:.0f}"] if rpc == RPCS[0] else ["", ""]),
        ]
        for rpc in RPCS
    ]
