"""The channel's own live manifest, followed as a player does (O5)."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from live import ffmpeg_pids, until
from livedvr import Channel, Input, LiveDvr, Manifest, MuxStream, Output
from livedvr.check.follow import follow, monotonic
from livedvr.check.report import Report
from livedvr.check.run import run_check
from livedvr.hls.parsed import parse_playlist
from livedvr.resources.streams import video_and_audio
from livedvr.resources.times import SECOND

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("small_testsrc")]


@pytest.mark.semantics("O5", "P4")
async def test_a_live_manifest_is_followed_over_a_reconnect_and_a_restart(wheel_ffmpeg: str, tmp_path: Path) -> None:
    output = tmp_path / "out"
    muxes = (
        MuxStream(key="v", elementary_streams=("video",), segment_duration=timedelta(seconds=1)),
        MuxStream(key="a", elementary_streams=("audio",), segment_duration=timedelta(seconds=1)),
    )
    channel = Channel(
        channel_id="live",
        input=Input(uri="testsrc"),
        output=Output(uri=str(output)),
        elementary_streams=video_and_audio("h264"),
        mux_streams=muxes,
        manifests=(Manifest(mux_streams=("v", "a")), Manifest(key="sound", file_name="sound.m3u8", mux_streams=("a",))),
        retention_window=timedelta(0),
    )
    main = output / "main.m3u8"
    async with LiveDvr(tmp_path / "data", detach=True) as dvr:
        await dvr.channels.create(channel)
        await dvr.channels.start("live")
        await asyncio.to_thread(until, main.exists, "the live manifest")
        enough = threading.Event()
        following = asyncio.create_task(asyncio.to_thread(_followed, main, enough))
        await asyncio.to_thread(until, lambda: _numbers(output)[0] >= 2, "a list that slides")
        os.kill(ffmpeg_pids(output)[0], signal.SIGKILL)
        await asyncio.to_thread(until, lambda: b"#EXT-X-DISCONTINUITY\n" in _text(output, "v"), "the reconnect")
    async with LiveDvr(tmp_path / "data") as dvr:
        await asyncio.to_thread(until, lambda: _numbers(output)[0] > 5, "it goes on with the next controller")
        enough.set()
        report = await following
        # While ffmpeg is away nothing comes, and a peak may grow between two loads of main.m3u8: both are SHOULD.
        assert {finding.rule_id for finding in report.findings} <= {"playlist-stalled", "bandwidth-small"}
        assert report.ok and report.reloads > 5
        await dvr.channels.stop("live")
        for name in ("main.m3u8", "sound.m3u8"):
            assert run_check(str(output / name), deep=True).findings == ()
        _, listed = _numbers(output)
        assert listed == 5
        assert b"ENDLIST" not in _text(output, "v") + _text(output, "a")
        epochs = [parse_playlist(_text(output, mux).decode(), mux).segments[-1].discontinuity_number for mux in "va"]
        assert epochs == [1, 1]
        await dvr.channels.update(
            channel.model_copy(update={"manifests": (Manifest(file_name="tv.m3u8", mux_streams=("v",)),)})
        )
        assert sorted(path.name for path in output.glob("*.m3u8")) == []
        assert not (output / "a/index-1.m3u8").exists()
        await dvr.channels.delete("live")
    assert not list(output.glob("**/*.m3u8"))


def _followed(main: Path, enough: threading.Event) -> Report:
    def wait(micros: int) -> bool:
        return enough.wait(micros / SECOND)

    return follow(str(main), duration=600 * SECOND, deep=True, now=monotonic, wait=wait)


def _text(output: Path, mux: str) -> bytes:
    return (output / mux / "index-1.m3u8").read_bytes()


def _numbers(output: Path) -> tuple[int, int]:
    """The first media sequence number, and how many segments are listed."""
    playlist = parse_playlist(_text(output, "v").decode(), "v")
    return playlist.first_number, len(playlist.segments)
