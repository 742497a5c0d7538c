"""HLS that is read through our own fetcher is what it is without (SEMANTICS I6, C5)."""

from __future__ import annotations

import asyncio
import re
import socket
from pathlib import Path

import pytest

from hls_source import listed, live_playlist
from live import burnt_clock, events, lines, media_playlist, until
from livedvr import Channel, Input, LiveDvr, Output, PullPolicy
from livedvr.check.run import run_check
from web_server import WebServer

pytestmark = pytest.mark.e2e


def channel(name: str, url: str, output: Path) -> Channel:
    return Channel(
        channel_id=name,
        input=Input(uri=url),
        output=Output(uri=str(output)),
        source_dates=True,
        target_duration=2,
    )


@pytest.mark.semantics("I6", "C5")
async def test_through_the_fetcher_hls_is_what_it_is_without(wheel_ffmpeg: str, tmp_path: Path) -> None:
    folder, outputs = tmp_path / "source", {"without": tmp_path / "without", "through": tmp_path / "through"}
    folder.mkdir()
    with live_playlist(folder, seconds=1), WebServer(folder) as server:
        await asyncio.to_thread(listed, folder, 3)
        variant = "#EXT-X-STREAM-INF:BANDWIDTH=1\n"
        (folder / "without.m3u8").write_text(f"#EXTM3U\n{variant}live.m3u8\n")
        (folder / "through.m3u8").write_text(f"#EXTM3U\n{variant}live.m3u8\n{variant}http://127.0.0.1:1/other.m3u8\n")
        policy = PullPolicy.of([server.url.removeprefix("http://")])
        async with (
            LiveDvr(tmp_path / "data-without") as without,
            LiveDvr(tmp_path / "data-through", pull=policy) as through,
        ):
            for name, dvr in (("without", without), ("through", through)):
                await dvr.channels.create(channel(name, f"{server.url}/{name}.m3u8?token=horse", outputs[name]))
                await dvr.channels.start(name)
                await dvr.sessions.create(name, "demo")
            for output in outputs.values():
                await asyncio.to_thread(until, lambda output=output: count(output) >= 2, "two segments")
            logs = "".join(path.read_text() for path in outputs["through"].rglob("ffmpeg.log"))
    opened = re.findall(r"Opening '(http[^']*)' for reading", logs)
    assert opened and all("/http/127.0.0.1:" in url for url in opened), "ffmpeg has asked nobody but us"
    assert events(tmp_path / "data-through") == [
        (
            "PULL_REFUSED",
            "http://127.0.0.1:1/other.m3u8 is not read: 127.0.0.1:1 is not on the operator's list of hosts to pull from"
            " (--allow-pull 127.0.0.1:1 allows it)",
        )
    ]
    with pytest.raises(ConnectionRefusedError):  # it has gone with its channel
        socket.create_connection(("127.0.0.1", int(opened[0].split(":")[2].partition("/")[0])))
    source = lines(folder / "live.m3u8")
    for name, output in outputs.items():
        assert run_check(str(output / "dvr/demo/main.m3u8"), deep=True).ok
        for line in lines(media_playlist(output)):
            own = min(source, key=lambda one, date=line.date: abs(one.date - date))
            assert abs(line.date - own.date) < 0.02, f"{name}: a segment has the source's own date"
            assert burnt_clock(line) == burnt_clock(own), f"{name}: and its picture"


def count(output: Path) -> int:
    playlist = media_playlist(output)
    return playlist.read_text().count("#EXTINF") if playlist.exists() else 0
