"""Retention on a real channel: the disk does not grow, what sessions list can be fetched, a full disk is relieved."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from builders import channel
from conftest import missing
from live import lines, media_playlist, until
from livedvr import Channel, LiveDvr, MuxStream, TimeInterval
from livedvr.check.run import run_check
from livedvr.ingest.surroundings import RunSettings
from livedvr.resources.errors import FailedPrecondition, NotFound

pytestmark = pytest.mark.e2e


def _channel(output: Path, retention: float) -> Channel:
    return channel(
        str(output),
        mux_streams=(MuxStream(segment_duration=timedelta(seconds=1)),),
        retention_window=timedelta(seconds=retention),
    )


def _from_now(seconds: float) -> list[TimeInterval]:
    now = datetime.now(UTC)
    return [TimeInterval(start_time=now, end_time=now + timedelta(seconds=seconds))]


async def _finished(dvr: LiveDvr, session: str) -> None:
    async for seen in dvr.sessions.watch("live", session):
        assert seen.state != "FAILED", seen.error
    assert (await dvr.sessions.get("live", session)).state == "FINISHED"


def _is_gone(output: Path, session: str) -> bool:
    return not (output / "dvr" / session).exists()


@pytest.mark.semantics("R1", "R2", "R3", "R4")
async def test_the_disk_does_not_grow_and_what_is_listed_stays(wheel_ffmpeg: str, tmp_path: Path) -> None:
    output = tmp_path / "out"
    counts: list[int] = []

    def segments() -> list[Path]:
        found = sorted((output / "av").glob("*/segment-*.m4s"))
        counts.append(len(found))
        return found

    async with LiveDvr(tmp_path / "data", settings=RunSettings(sweep_seconds=0.5)) as dvr:
        await dvr.channels.create(_channel(output, retention=3))
        await dvr.channels.start("live")
        pinned = await dvr.sessions.create("live", "pinned", _from_now(3), labels={"livedvr-pin": "true"})
        await dvr.sessions.create("live", "brief", _from_now(3))
        await dvr.sessions.create("live", "open")
        await _finished(dvr, "pinned")
        await dvr.sessions.delete("live", "open")
        await asyncio.to_thread(until, lambda: _is_gone(output, "brief"), "the session without a pin expires")
        listed = lines(media_playlist(output, "pinned"))
        await asyncio.to_thread(
            until, lambda: int(segments()[-1].stem[-6:]) > len(listed) + 18, "the channel goes on for a while"
        )
        # What is pinned and the one before it; the live list, the one before it and what slid out in 6 s (O5): this
        # is more than 3 s of retention; and what has come since the last look, busy machine or not.
        assert counts[-1] <= len(listed) + 1 + 5 + 1 + 6 + 4, counts
        assert all(line.path.exists() for line in listed)
        assert run_check(pinned.output_uri, deep=True).ok
        assert dvr.events("live") == []

        await dvr.channels.stop("live")
        with pytest.raises(FailedPrecondition, match="pinned sessions: pinned"):
            await dvr.channels.delete("live", force=True)
        await dvr.sessions.update("live", "pinned", labels={})
        await asyncio.to_thread(until, lambda: _is_gone(output, "pinned"), "without its pin it expires too")
        await asyncio.to_thread(until, lambda: len(segments()) == 6, "its grace is over, the live list stays")
        await dvr.channels.delete("live")
        with pytest.raises(NotFound):
            await dvr.channels.get("live")
    assert [path.name for path in output.iterdir()] == [".livedvr"]
    assert list((output / ".livedvr" / "spool").iterdir()) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() != 0:
        missing("root, to mount a small tmpfs,", "sudo")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=60M", "tmpfs", str(disk)], check=True)
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.semantics("R5")
async def test_a_nearly_full_disk_is_relieved_of_the_oldest_session(
    wheel_ffmpeg: str, tmp_path: Path, small_disk: Path
) -> None:
    reserve = 4 << 20
    settings = RunSettings(sweep_seconds=0.5, reserve_bytes=reserve)
    async with LiveDvr(tmp_path / "data", settings=settings) as dvr:
        await dvr.channels.create(_channel(small_disk, retention=3600))
        await dvr.channels.start("live")
        await dvr.sessions.create("live", "old", _from_now(4))
        await dvr.sessions.create("live", "open", [TimeInterval(start_time=datetime.now(UTC) + timedelta(seconds=5))])
        await _finished(dvr, "old")
        margin = shutil.disk_usage(small_disk).total // 20
        # A stranger fills the disk: pressure, and three quarters of the margin are left to the recording.
        fill = shutil.disk_usage(small_disk).free - reserve - margin * 3 // 4
        (small_disk / "ballast").write_bytes(bytes(fill))
        await asyncio.to_thread(until, lambda: _is_gone(small_disk, "old"), "the finished session is removed")
        events = {kind: text for _, kind, text in dvr.events("live")}
        assert "session 'old' is removed" in events["SESSION_RECLAIMED"]
        (small_disk / "ballast").unlink()
        await asyncio.to_thread(
            until, lambda: media_playlist(small_disk, "open").exists(), "the recording that runs goes on"
        )
        assert (await dvr.channels.state("live"))[0] == "STREAMING"
        await dvr.channels.stop("live")
        kept = await dvr.sessions.get("live", "open")
        assert kept.state == "FINISHED" and run_check(kept.output_uri, deep=True).ok
