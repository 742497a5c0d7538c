"""HLS that is read through our own fetcher is what it is without (SEMANTICS I6, C5)."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from hls_source import listed, live_playlist
from live import Line, clock_errors, events, lines, media_playlist, until
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
        (folder / "main.m3u8").write_text("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlive.m3u8\n")
        policy = PullPolicy.of([server.url.removeprefix("http://")])
        async with (
            LiveDvr(tmp_path / "data-without") as without,
            LiveDvr(tmp_path / "data-through", pull=policy) as through,
        ):
            for name, dvr in (("without", without), ("through", through)):
                await dvr.channels.create(channel(name, f"{server.url}/main.m3u8?token=horse", outputs[name]))
                await dvr.channels.start(name)
                await dvr.sessions.create(name, "demo")
            for output in outputs.values():
                await asyncio.to_thread(until, lambda output=output: count(output) >= 2, "two segments")
            logs = "".join(path.read_text() for path in outputs["through"].rglob("ffmpeg.log"))
    opened = re.findall(r"Opening '(http[^']*)' for reading", logs)
    assert opened and all("/http/127.0.0.1:" in url for url in opened), "ffmpeg has asked nobody but us"
    assert [kind for kind, _ in events(tmp_path / "data-through")] == []
    listed_by = {name: lines(media_playlist(output)) for name, output in outputs.items()}
    for name, output in outputs.items():
        assert run_check(str(output / "dvr/demo/main.m3u8"), deep=True).ok
        assert all(abs(error) < 0.05 for error in source_errors(folder, listed_by[name])), name
    dates = {name: {round(line.date, 2) for line in found[:3]} for name, found in listed_by.items()}
    assert dates["without"] & dates["through"], "the same cuts with the same dates"


def count(output: Path) -> int:
    playlist = media_playlist(output)
    return playlist.read_text().count("#EXTINF") if playlist.exists() else 0


def source_errors(folder: Path, ours: list[Line]) -> list[float]:
    """How much later our dates are than the source's own, by the clock in the picture."""
    (theirs, *_) = clock_errors(lines(folder / "live.m3u8"))
    return [error - theirs for error in clock_errors(ours[1:])]
