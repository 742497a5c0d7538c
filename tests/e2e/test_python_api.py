"""The Python API on a running channel: past, running and future windows on one timeline."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from builders import channel
from live import ffmpeg_pids, lines, media_playlist, until, until_state
from livedvr import DvrSession, LiveDvr, Manifest, TimeInterval
from livedvr.check.run import run_check
from livedvr.resources.errors import AlreadyExists, FailedPrecondition, NotFound, StorageError
from livedvr.storage.local import LocalStore

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("small_testsrc")]

FRAME = 0.05


@pytest.mark.semantics("W1", "W3", "W5", "W6", "S1", "S2", "S3", "S4", "S5", "S15", "P4", "O6")
async def test_windows_in_the_past_present_and_future(wheel_ffmpeg: str, tmp_path: Path) -> None:
    async with LiveDvr(tmp_path / "data") as dvr:
        await dvr.channels.create(channel(str(tmp_path / "out")))
        await dvr.channels.start("live")
        opened = await dvr.sessions.create("live", "open")
        assert opened.state == "PENDING"
        running = await until_state(dvr.sessions.watch("live", "open"), "LIVE")
        assert running.actual_start is not None
        begin = running.actual_start

        def at(seconds: float) -> datetime:
            return begin + timedelta(seconds=seconds)

        # Two windows with two segments between them: one is running, one is to come.
        windows = [TimeInterval(start_time=at(1), end_time=at(3)), TimeInterval(start_time=at(9), end_time=at(11))]
        await dvr.sessions.create("live", "joined", windows)
        await dvr.sessions.create("live", "future", [TimeInterval(start_time=at(9), end_time=at(12))])
        assert (await until_state(dvr.sessions.watch("live", "future"), "SCHEDULED")).segments == 0
        with pytest.raises(AlreadyExists):
            await dvr.sessions.create("live", "open")

        joined = await until_state(dvr.sessions.watch("live", "joined"), "FINISHED")
        listed = lines(media_playlist(tmp_path / "out", "joined"))
        assert [line.discontinuity for line in listed] == [False, False, True, False]
        assert [line.date - begin.timestamp() for line in listed] == pytest.approx([0, 2, 8, 10], abs=FRAME)
        assert joined.gaps == ()
        future = await until_state(dvr.sessions.watch("live", "future"), "FINISHED")
        assert future.segments == 2 and future.actual_start and future.actual_end
        assert (future.actual_start - at(8)).total_seconds() == pytest.approx(0, abs=FRAME)
        assert (future.actual_end - at(12)).total_seconds() == pytest.approx(0, abs=FRAME)
        past = await dvr.sessions.create("live", "past", [TimeInterval(start_time=at(1), end_time=at(4))])
        past = await until_state(dvr.sessions.watch("live", "past"), "FINISHED")
        assert past.segments == 2 and past.actual_start == begin, "edges snap outward to whole segments"
        for session in (joined, future, past):
            assert run_check(session.output_uri, deep=True).ok

        await dvr.sessions.delete("live", "past")
        assert not (tmp_path / "out/dvr/past").exists()
        with pytest.raises(NotFound):
            await dvr.sessions.get("live", "past")
        await dvr.sessions.create("live", "past", [TimeInterval(start_time=at(1), end_time=at(4))])
        await until_state(dvr.sessions.watch("live", "past"), "FINISHED")
        assert (tmp_path / "out/dvr/past/av/index-2.m3u8").exists(), "edition numbers of an id never restart"
        assert [s.session_id for s in await dvr.sessions.list("live")] == ["open", "joined", "future", "past"]

        await dvr.channels.stop("live")
        assert (await dvr.sessions.get("live", "open")).state == "FINISHED"
        assert ffmpeg_pids(tmp_path / "out") == []


@pytest.mark.semantics("S12", "W4", "O1", "O5")
async def test_a_stopped_channel_keeps_its_timeline(wheel_ffmpeg: str, tmp_path: Path) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    async with LiveDvr(tmp_path / "data") as dvr:
        await dvr.channels.create(channel(str(tmp_path / "out")))
        with pytest.raises(FailedPrecondition, match="already writes to"):
            await dvr.channels.create(channel(str(tmp_path / "out")).model_copy(update={"channel_id": "other"}))
        await dvr.channels.start("live")
        await dvr.sessions.create("live", "later", [TimeInterval(start_time=soon)])
        await dvr.sessions.create("live", "first")
        await until_state(dvr.sessions.watch("live", "first"), "LIVE")
        await dvr.channels.stop("live")
        assert (await dvr.sessions.get("live", "later")).state == "SCHEDULED"
        first = await dvr.sessions.get("live", "first")
    async with LiveDvr(tmp_path / "data") as dvr:
        assert (await dvr.sessions.get("live", "later")).state == "SCHEDULED"
        assert await dvr.sessions.get("live", "first") == first
        everything = TimeInterval(start_time=datetime.now(UTC) - timedelta(hours=1), end_time=datetime.now(UTC))
        await dvr.sessions.create("live", "again", [everything])
        again = await until_state(dvr.sessions.watch("live", "again"), "FINISHED")
        assert (again.actual_start, again.segments) == (first.actual_start, first.segments)
        assert again.gaps[0].reason == "no input yet"


async def test_watching_ends_with_the_session(wheel_ffmpeg: str, tmp_path: Path) -> None:
    async with LiveDvr(tmp_path / "data") as dvr:
        await dvr.channels.create(channel(str(tmp_path / "out")))
        await dvr.channels.start("live")
        await dvr.sessions.create("live", "demo")
        seen: list[DvrSession] = []

        async def follow() -> None:
            async for session in dvr.sessions.watch("live", "demo"):
                seen.append(session)

        follower = asyncio.create_task(follow())
        await until_state(dvr.sessions.watch("live", "demo"), "LIVE")
        await dvr.channels.stop("live")
        await asyncio.wait_for(follower, 10)
        assert seen[0].state == "PENDING" and seen[-1].state == "FINISHED"
        assert [s.segments for s in seen] == sorted(s.segments for s in seen)


async def test_starts_and_stops_at_once_come_after_each_other(wheel_ffmpeg: str, tmp_path: Path) -> None:
    async with LiveDvr(tmp_path / "data") as dvr:
        await dvr.channels.create(channel(str(tmp_path / "out")))
        await asyncio.gather(
            dvr.channels.start("live"), dvr.channels.start("live"), dvr.sessions.create("live", "demo")
        )
        assert len(list((tmp_path / "out/.livedvr/spool").glob("*"))) <= 1
        await dvr.channels.stop("live")
        assert (await dvr.channels.state("live"))[0] == "STOPPED"
        await asyncio.gather(dvr.channels.start("live"), dvr.channels.stop("live"), dvr.channels.start("live"))
        await until_state(dvr.sessions.watch("live", "demo"), "LIVE", "FINISHED", "FAILED")
        assert (await dvr.channels.state("live"))[0] in ("STARTING", "AWAITING_INPUT", "STREAMING")
        await asyncio.to_thread(until, lambda: len(ffmpeg_pids(tmp_path / "out")) == 1, "one ffmpeg, not two")
    assert ffmpeg_pids(tmp_path / "out") == []


async def test_an_error_in_the_block_is_the_error_that_comes_out(wheel_ffmpeg: str, tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        async with LiveDvr(tmp_path / "data") as dvr:
            await dvr.channels.create(channel(str(tmp_path / "out")))
            await dvr.channels.start("live")
            await dvr.sessions.create("live", "demo")
            await until_state(dvr.sessions.watch("live", "demo"), "LIVE")
            raise ZeroDivisionError
    assert ffmpeg_pids(tmp_path / "out") == []
    assert media_playlist(tmp_path / "out").read_text().endswith("#EXT-X-ENDLIST\n"), "sealed all the same"


async def test_who_watches_is_not_left_waiting(wheel_ffmpeg: str, tmp_path: Path) -> None:
    async with LiveDvr(tmp_path / "data") as dvr:
        await dvr.channels.create(channel(str(tmp_path / "out")))
        await dvr.sessions.create("live", "later", [TimeInterval(start_time=datetime.now(UTC) + timedelta(hours=1))])

        async def follow() -> list[str]:
            return [session.state async for session in dvr.sessions.watch("live", "later")]

        follower = asyncio.create_task(follow())
        await until_state(dvr.sessions.watch("live", "later"), "SCHEDULED")
    assert (await asyncio.wait_for(follower, 10))[-1] == "SCHEDULED"


async def test_a_manifest_that_sessions_use_stays(wheel_ffmpeg: str, tmp_path: Path) -> None:
    async with LiveDvr(tmp_path / "data") as dvr:
        created = await dvr.channels.create(channel(str(tmp_path / "out")))
        await dvr.sessions.create("live", "later", [TimeInterval(start_time=datetime.now(UTC) + timedelta(hours=1))])
        other = Manifest(file_name="other.m3u8")
        with pytest.raises(FailedPrecondition, match="sessions use a manifest"):
            await dvr.channels.update(created.model_copy(update={"manifests": (other,)}))


async def test_on_state_is_told_each_state_and_what_it_raises_ends_nothing(wheel_ffmpeg: str, tmp_path: Path) -> None:
    told: list[str] = []

    def on_state(session: DvrSession) -> None:
        told.append(session.state)
        if session.state == "LIVE":
            raise RuntimeError("my own mistake")

    async with LiveDvr(tmp_path / "data", on_state=on_state) as dvr:
        await dvr.channels.create(channel(str(tmp_path / "out")))
        await dvr.channels.start("live")
        await dvr.sessions.create("live", "first")
        live = await until_state(dvr.sessions.watch("live", "first"), "LIVE")
        assert live.actual_start is not None
        start = live.actual_start + timedelta(seconds=1)
        await dvr.sessions.update("live", "first", windows=[TimeInterval(end_time=start + timedelta(seconds=2))])
        await until_state(dvr.sessions.watch("live", "first"), "FINISHED", "COOLDOWN")
        await dvr.channels.stop("live")
        events = dvr.events("live")
    assert told[0] == "PENDING"
    assert "LIVE" in told
    assert [(kind, "my own mistake" in text) for _, kind, text in events] == [("ON_STATE_FAILED", True)]


@pytest.mark.semantics("S14")
async def test_storage_that_takes_no_more_segments_fails_what_runs(
    wheel_ffmpeg: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_new = LocalStore.put_new

    def refusing(self: LocalStore, name: str, source: Path) -> None:
        if name.endswith("segment-000002.m4s"):
            raise StorageError("permission denied", field=name)
        put_new(self, name, source)

    monkeypatch.setattr(LocalStore, "put_new", refusing)
    async with LiveDvr(tmp_path / "data") as dvr:
        await dvr.channels.create(channel(str(tmp_path / "out")))
        await dvr.channels.start("live")
        await dvr.sessions.create("live", "match")
        failed = await until_state(dvr.sessions.watch("live", "match"), "FAILED")
        assert failed.error is not None and "permission denied" in failed.error
        assert failed.segments == 2, "what was recorded stays"
        await dvr.channels.stop("live")
        assert (await dvr.sessions.get("live", "match")).state == "FAILED"
