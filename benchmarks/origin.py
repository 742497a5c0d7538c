"""What the origin costs: bytes of a reload, the delay of a line, requests a second beside nginx with the same files."""

from __future__ import annotations

import asyncio
import gzip
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import requests

from benchmarks.comparison import Row, beside
from benchmarks.figures import table
from benchmarks.processes import ENVIRONMENT
from builders import MEDIA, RUN, segment, window
from builders import channel as channel_resource
from live import free_tcp_port, until
from livedvr.origin.drawing import DrawnWindow
from livedvr.timeline.timeline import ChannelTimeline, Timeline
from livestream import LOCATION, Client, Serving, av_channel

DAY = 43_200  # segments of two seconds
CONNECTIONS = 4  # each a thread that asks without a pause
SECONDS = 1.0  # of a round
ROUNDS = 5
SEGMENT = 1_000_000  # bytes: two seconds of 4 Mbit/s
FILES = {
    "segment.m4s": "origin: a segment of 1 MB",
    "live.m3u8": "origin: a playlist of five segments",
    "day.m3u8": "origin: a playlist of a day",
}

_Rounds = dict[str, dict[str, list[float]]]

NGINX = """daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr crit;
events {{ worker_connections 64; }}
http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;
  server {{ listen 127.0.0.1:{port}; location /media/ {{ alias {media}/; }} }} }}
"""


async def run(folder: Path, rounds: int) -> str:
    """Measure and say it in three tables. ``rounds``: segments whose delay is measured."""
    folder.mkdir(parents=True)  # noqa: ASYNC240 - nothing is measured yet
    parts = [await reloads(), await delays(folder, rounds), await asyncio.to_thread(throughput, folder)]
    return "\n\n".join(parts)


async def rows(folder: Path, *, segments: int = DAY, seconds: float = SECONDS) -> list[Row]:
    """Bytes of a reload, and requests a second of each kind of file, beside nginx."""
    folder.mkdir(parents=True)  # noqa: ASYNC240 - nothing is measured yet
    reload = _reload(segments)
    found = [
        beside(
            f"bytes of a reload of a window of {segments * 2 / 3600:g} h, delta",
            reload.bytes_of["delta"],
            "the whole playlist",
            reload.bytes_of["whole"],
            unit="B",
            most=0.01,
        )
    ]
    rates, _ = await asyncio.to_thread(_rates, folder, seconds, segments)
    for file, what in FILES.items():
        ours, nginx = rates[file]["livedvr serve"], rates[file]["nginx"]
        aim = 0.5 if file == "segment.m4s" else 0.0
        found.append(beside(what, ours, "nginx, sendfile", nginx, unit="a second", least=aim))
    return found


@dataclass(frozen=True, slots=True)
class _Reload:
    """CPU of drawing the window at first, seconds; of each way of a reload the bytes and CPU, milliseconds."""

    first: float
    bytes_of: dict[str, list[float]]
    cost: dict[str, list[float]]


async def reloads() -> str:
    """Bytes and CPU of one reload of a window of a day, behind each new segment."""
    found = _reload(DAY)
    whole = median(found.bytes_of["whole"])
    rows = [
        [name, f"{median(sizes):,.0f}", f"{whole / median(sizes):,.0f}", f"{median(found.cost[name]):.2f}"]
        for name, sizes in found.bytes_of.items()
    ]
    head = ["a window of 24 h", "bytes a reload", "times less", "CPU ms a version"]
    return f"The first request draws {DAY:,} segments: {found.first:.2f} s, in pieces.\n\n" + table(head, rows)


def _reload(segments: int) -> _Reload:
    timeline = Timeline(["av"])
    for number in range(segments):
        timeline.append("av", segment(number))
    known = ChannelTimeline(timeline, 2, media={RUN: {"av": MEDIA}})
    channel = channel_resource()
    drawn = DrawnWindow(channel, channel.manifests[0], window(0, None), 2, "../../../media/tv/")
    began = time.process_time()
    while not drawn.grow_until(known, None):
        pass
    first = time.process_time() - began
    bytes_of: dict[str, list[float]] = {}
    cost: dict[str, list[float]] = {}
    for number in range(segments, segments + ROUNDS):
        timeline.append("av", segment(number))
        drawn.grow_until(known, None)
        version = drawn.version("av")
        ways: dict[str, Callable[[], bytes]] = {
            "whole": lambda: version.whole.data,  # noqa: B023 - called in this turn
            "whole, gzip": lambda: gzip.compress(version.whole.data, 6, mtime=0),  # noqa: B023
            "delta": lambda: version.delta.data,  # noqa: B023
            "delta, gzip": lambda: gzip.compress(version.delta.data, 6, mtime=0),  # noqa: B023
        }
        for name, make in ways.items():
            began = time.process_time()
            bytes_of.setdefault(name, []).append(len(make()))
            cost.setdefault(name, []).append((time.process_time() - began) * 1000)
    return _Reload(first, bytes_of, cost)


async def delays(folder: Path, rounds: int) -> str:
    """From "the segment's file is closed" to "a player has its line", of who waits and of who polls."""
    live = folder / "live"
    live.mkdir()
    with Serving(live, "--stop-channels") as serving:
        client = Client("grpc", serving)
        await client.done("create_input", parent=LOCATION, input_id="i", input={"uri": "testsrc"})
        channel = av_channel(f"{LOCATION}/inputs/i", "gs://bucket/c")
        video, audio = channel.elementary_streams
        video.video_stream.h264 = {"width_pixels": 320, "height_pixels": 180, "frame_rate": 25, "bitrate_bps": 200_000}
        audio.audio_stream = {"codec": "aac", "bitrate_bps": 64_000}
        await client.done("create_channel", parent=LOCATION, channel_id="c", channel=channel)
        await client.done("start_channel", name=f"{LOCATION}/channels/c")
        root = f"http://{serving.http}"
        until(lambda: _get(f"{root}/live/c/main.m3u8?start=-1h").ok, "there is something to play")
        main = _get(f"{root}/live/c/main.m3u8?start=-1h").text
        url = f"{root}/live/c/" + next(line for line in main.splitlines() if line.startswith("mux_video"))
        ways = {"blocking reload": True, "polling as 6.3.4 says": False}
        output = serving.media / "bucket/c"
        took = []
        for waits in ways.values():
            players = [asyncio.to_thread(_player, url, output, waits, rounds, late) for late in (0.0, 0.5, 1.0, 1.5)]
            took.append([one for each in await asyncio.gather(*players) for one in each])
    rows = [[way, _range(of), f"{median(of) / median(took[0]):.0f}"] for way, of in zip(ways, took, strict=True)]
    return table(["a player", "ms behind the closing", "ratio"], rows)


def _player(url: str, output: Path, waits: bool, rounds: int, late: float) -> list[float]:
    """Milliseconds of each segment that a player learns of that begins ``late`` seconds later."""
    took: list[float] = []
    with requests.Session() as session:
        session.trust_env = False
        time.sleep(late)
        count = session.get(url).text.count("#EXTINF")
        while len(took) < rounds:
            text = session.get(f"{url}&_HLS_msn={count}&_HLS_skip=YES" if waits else url, timeout=20).text
            arrived = time.time()
            skipped = int(text.partition("SKIPPED-SEGMENTS=")[2].partition("\n")[0] or 0)
            names = [line.rpartition("/media/bucket/c/")[2] for line in text.splitlines() if line.startswith("..")]
            new, count = skipped + len(names) - count, skipped + len(names)
            took += [(arrived - (output / name).stat().st_mtime) * 1000 for name in names[len(names) - new :]]
            if not waits:
                time.sleep(2 if new else 1)
    return took[:rounds]


def _get(url: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        return session.get(url, timeout=10)


@dataclass(frozen=True)
class Server:
    """One of those that serve the same files."""

    name: str
    port: int
    pid: int


def throughput(folder: Path) -> str:
    """Requests a second over connections that are kept, and the server's CPU for each."""
    rates, costs = _rates(folder, SECONDS, DAY)
    rows = []
    for file, of in rates.items():
        for name, rate in of.items():
            ratio = median(rate) / median(of["nginx"])
            cost = median(costs[file][name]) / max(1.0, median(costs[file]["nginx"]))
            rows.append([file, name, _range(rate), f"{ratio:.2f}", _range(costs[file][name]), f"{cost:.1f}"])
    head = ["file", "server", "requests/s", "ratio", "CPU us a request", "ratio"]
    return f"{CONNECTIONS} connections, {ROUNDS} rounds of {SECONDS:g} s in turns\n\n" + table(head, rows)


def _rates(folder: Path, seconds: float, day: int) -> tuple[_Rounds, _Rounds]:
    """Of each file and server: requests a second, CPU microseconds a request, of each round."""
    media = folder / "serve/media"
    media.mkdir(parents=True)
    (media / "segment.m4s").write_bytes(os.urandom(SEGMENT))
    lines = "#EXTINF:2.000000,\n../av/20261121T020000Z-k3f9/segment-000000.m4s\n"
    (media / "live.m3u8").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:2\n" + lines * 5)
    (media / "day.m3u8").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:2\n" + lines * day)
    with ExitStack() as opened:
        servers = [opened.enter_context(made) for made in (_nginx(media), _ours(folder / "serve"), _reader(media))]
        rates, costs = ({file: {one.name: list[float]() for one in servers} for file in FILES} for _ in range(2))
        for file in FILES:
            for turn in range(ROUNDS):
                for server in servers[turn % 3 :] + servers[: turn % 3]:
                    before, count = _cpu(server.pid), _load(server.port, f"/media/{file}", seconds)
                    rates[file][server.name].append(count / seconds)
                    costs[file][server.name].append((_cpu(server.pid) - before) * 1000 / count)
    return rates, costs


def _load(port: int, path: str, seconds: float) -> int:
    """How many requests are answered in a round."""
    until_then, counts = time.perf_counter() + seconds, [0] * CONNECTIONS
    threads = [threading.Thread(target=_ask, args=(port, path, until_then, counts, i)) for i in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts)


def _ask(port: int, path: str, until_then: float, counts: list[int], which: int) -> None:
    buffer = memoryview(bytearray(1 << 20))
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        while not counts[which] or time.perf_counter() < until_then:
            connection.sendall(request)
            got = b""
            while b"\r\n\r\n" not in got:
                got += connection.recv(4096)
            head, _, body = got.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200"), head
            left = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]) - len(body)
            while left > 0:
                left -= connection.recv_into(buffer, min(left, len(buffer)))
            counts[which] += 1


@contextmanager
def _nginx(media: Path) -> Iterator[Server]:
    port = free_tcp_port()
    config = media.parent / "nginx.conf"
    config.write_text(NGINX.format(folder=media.parent, port=port, media=media))
    with _process([shutil.which("nginx") or "/usr/sbin/nginx", "-c", str(config), "-p", str(media.parent)]) as pid:
        yield _answering(Server("nginx", port, pid))


@contextmanager
def _ours(folder: Path) -> Iterator[Server]:
    with Serving(folder) as serving:
        yield Server("livedvr serve", int(serving.http.rpartition(":")[2]), serving.process.pid)


@contextmanager
def _reader(media: Path) -> Iterator[Server]:
    port = free_tcp_port()
    with _process([sys.executable, "-m", "benchmarks.origin_reader", str(port), str(media)]) as pid:
        yield _answering(Server("Starlette's files", port, pid))


@contextmanager
def _process(command: list[str]) -> Iterator[int]:
    process = subprocess.Popen(command, env=ENVIRONMENT)
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()


def _answering(server: Server) -> Server:
    def answers() -> bool:
        try:
            return _get(f"http://127.0.0.1:{server.port}/media/live.m3u8").ok
        except requests.ConnectionError:
            return False

    until(answers, f"{server.name} answers")
    return server


def _range(values: Sequence[float]) -> str:
    """``median (least-most)``: there are too few for percentiles."""
    least, middle, most = min(values), median(values), max(values)
    return f"{middle:,.0f} ({least:,.0f}-{most:,.0f})"


def _cpu(pid: int) -> float:
    """User and system time of a process, milliseconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")
