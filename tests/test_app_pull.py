"""`LiveDvr(pull=...)`: the operator's list holds for every channel (SEMANTICS I6). No ffmpeg is needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from livedvr import Channel, Input, LiveDvr, Output, PullPolicy
from livedvr.resources.errors import PermissionDenied

pytestmark = pytest.mark.semantics("I6")

POLICY = PullPolicy.of(["tv.example:443", "tv.example:9000"])


def channel(tmp_path: Path, uri: str, backup: str | None = None) -> Channel:
    second = None if backup is None else Input(uri=backup)
    return Channel(
        channel_id="live", input=Input(uri=uri), backup_input=second, output=Output(uri=str(tmp_path / "out"))
    )


@pytest.mark.parametrize(
    "uri",
    ["https://evil.example/a.m3u8", "rtmp://evil.example/app/stream", "rtsp://tv.example/cam", "srt://127.0.0.1:9000"],
)
async def test_a_channel_that_pulls_from_elsewhere_is_refused(tmp_path: Path, uri: str) -> None:
    async with LiveDvr(tmp_path / "data", pull=POLICY) as dvr:
        with pytest.raises(PermissionDenied, match=r"^input\.uri: .*--allow-pull"):
            await dvr.channels.create(channel(tmp_path, uri))
        with pytest.raises(PermissionDenied, match=r"^backupInput\.uri: .*--allow-pull"):
            await dvr.channels.create(channel(tmp_path, "udp://127.0.0.1:9002", uri))
        assert await dvr.channels.list() == []
        await dvr.channels.create(channel(tmp_path, "udp://127.0.0.1:9002"))
        with pytest.raises(PermissionDenied):
            await dvr.channels.update(channel(tmp_path, uri))


async def test_what_is_on_the_list_and_who_waits_for_publishers_is_taken(tmp_path: Path) -> None:
    async with LiveDvr(tmp_path / "data", pull=POLICY) as dvr:
        await dvr.channels.create(channel(tmp_path, "https://tv.example/a.m3u8", "srt://tv.example:9000"))
        await dvr.channels.update(channel(tmp_path, "srt://127.0.0.1:9001?mode=listener", "rtmp://:1936/live"))
        await dvr.channels.update(channel(tmp_path, "udp://127.0.0.1:9002"))


async def test_a_channel_from_before_the_list_is_not_started(tmp_path: Path) -> None:
    async with LiveDvr(tmp_path / "data") as dvr:
        await dvr.channels.create(channel(tmp_path, "https://evil.example/a.m3u8"))
    async with LiveDvr(tmp_path / "data", pull=POLICY) as dvr:
        with pytest.raises(PermissionDenied, match=r"https://evil\.example/a\.m3u8: evil\.example:443 is not"):
            await dvr.channels.start("live")
        assert (await dvr.channels.state("live"))[0] == "STOPPED"
