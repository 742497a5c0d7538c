"""Clips of a real channel, with a real ffmpeg."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from live import lines
from livedvr import Channel, Clip, DvrSession, Input, LiveDvr, Output, TimeSlice
from livedvr.check.run import run_check
from livedvr.resources.streams import video_and_audio

pytestmark = pytest.mark.e2e


def a_channel(output: Path) -> Channel:
    return Channel(
        channel_id="live",
        input=Input(uri="testsrc"),
        output=Output(uri=str(output)),
        elementary_streams=video_and_audio("h264"),
    )


async def until_session(dvr: LiveDvr, session: str, enough: int) -> DvrSession:
    async for seen in dvr.sessions.watch("live", session):
        if seen.segments >= enough:
            return seen
    raise AssertionError("it ended before")


async def until_made(dvr: LiveDvr, clip: str) -> Clip:
    return [seen async for seen in dvr.clips.watch("live", clip)][-1]


def cut(start: datetime, first: float, last: float) -> list[TimeSlice]:
    return [TimeSlice(markin_time=start + timedelta(seconds=first), markout_time=start + timedelta(seconds=last))]


async def test_a_manifest_clip_outlives_its_channel(wheel_ffmpeg: str, tmp_path: Path) -> None:
    async with LiveDvr(tmp_path / "data") as dvr:
        await dvr.channels.create(a_channel(tmp_path / "out"))
        await dvr.channels.start("live")
        await dvr.sessions.create("live", "all")
        begin = (await until_session(dvr, "all", 2)).actual_start
        assert begin is not None
        await dvr.channels.stop("live")
        await dvr.channels.start("live")
        await dvr.sessions.create("live", "more")
        await until_session(dvr, "more", 1)
        await dvr.channels.stop("live")
        made = await dvr.clips.create("live", "goal", cut(begin, 1, 3), output_uri=str(tmp_path / "clips/goal"))
        assert made.state == "PENDING"
        made = await until_made(dvr, "goal")
        assert made.state == "SUCCEEDED", made.error
        await dvr.channels.delete("live", force=True)
    assert not list((tmp_path / "out").glob("av/**/*.m4s"))
    assert run_check(made.manifest_uri, deep=True).ok
    assert len(lines(tmp_path / "clips/goal/av/index-1.m3u8")) == 2
