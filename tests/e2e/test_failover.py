"""Two inputs: the backup takes over, the primary returns (FAILOVER_PREFER_PRIMARY); or somebody switches (MANUAL)."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import av
import pytest

from live import Encoder, Recording, clock_errors, free_udp_port, lines, media_playlist, until
from livedvr import Channel, Input, LiveDvr, Output, video_and_audio
from livedvr.check.run import run_check
from livedvr.resources.errors import FailedPrecondition, InvalidArgument

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(480)]  # half a minute and more of real time, on a quiet machine

PRIMARY, BACKUP = (320, 180), (480, 270)


async def _becomes(dvr: LiveDvr, active: str) -> None:
    loop = asyncio.get_running_loop()

    def look() -> bool:
        return asyncio.run_coroutine_threadsafe(dvr.channels.active_input("live"), loop).result() == active

    await asyncio.to_thread(until, look, f"{active} is on air")


async def _lists_more(playlist: Path, count: int) -> None:
    def listed() -> int:
        return playlist.read_text().count("#EXTINF") if playlist.exists() else 0

    before = listed()
    await asyncio.to_thread(until, lambda: listed() >= before + count, f"{count} more segments are listed")


@contextlib.asynccontextmanager
async def _recording(channel: Channel, data: Path, *, detach: bool = False) -> AsyncIterator[LiveDvr]:
    async with LiveDvr(data, detach=detach) as dvr:
        if not await dvr.channels.list():
            await dvr.channels.create(channel)
            await dvr.channels.start("live")
            await dvr.sessions.create("live", "demo")
        yield dvr


def _sizes(output: Path) -> list[tuple[int, int]]:
    """The picture's sizes one after the other; a busy machine may break one sender's part by a new anchor (C3)."""
    found: list[tuple[int, int]] = []
    for line in lines(media_playlist(output)):
        assert line.init is not None
        with av.open(str(line.init)) as init:
            video = init.streams.video[0].codec_context
            if found[-1:] != [(video.width, video.height)]:
                found.append((video.width, video.height))
    return found


@pytest.mark.semantics("I3", "P4", "P8", "C1", "S16")
async def test_the_backup_takes_over_and_the_primary_returns(wheel_ffmpeg: str, tmp_path: Path) -> None:
    ports, out = (free_udp_port(), free_udp_port()), tmp_path / "out"
    urls = [f"udp://127.0.0.1:{port}" for port in ports]
    channel = Channel(
        channel_id="live",
        input=Input(uri=urls[0]),
        backup_input=Input(uri=urls[1]),
        output=Output(uri=str(out)),
        target_duration=2,
    )
    with Encoder(f"{urls[1]}?pkt_size=1316", size=BACKUP):
        with Encoder(f"{urls[0]}?pkt_size=1316", size=PRIMARY):
            async with _recording(channel, tmp_path / "data", detach=True) as dvr:
                await _lists_more(media_playlist(out), 2)
                assert await dvr.channels.active_input("live") == "primary"
        # The next controller finds the primary silent, and the backup standing by.
        async with _recording(channel, tmp_path / "data") as dvr:
            await _becomes(dvr, "backup")
            with Encoder(f"{urls[0]}?pkt_size=1316", size=PRIMARY):
                await _becomes(dvr, "primary")
                await _lists_more(media_playlist(out), 2)
                await dvr.channels.stop("live")
            session = await dvr.sessions.get("live", "demo")
            kinds = [kind for _, kind, _ in dvr.events("live")]
    assert (session.state, kinds.count("INPUT_SWITCHED")) == ("FINISHED", 2)
    assert _sizes(out) == [PRIMARY, BACKUP, PRIMARY]
    # What stands by is kept for as long as it takes to notice a loss. What it lost and what it brings are cut apart, so
    # of each switch up to about half a segment may be missing. (When the primary came is another matter.)
    lost = [gap for gap in session.gaps if gap.reason != "no input yet"]
    lengths = [(gap.end_time - gap.start_time).total_seconds() for gap in lost]
    assert len(lengths) <= 2 and all(length <= 1.2 for length in lengths), session.gaps
    errors = clock_errors(lines(media_playlist(out)), joined=True)
    assert all(abs(error) < 0.25 for error in errors), errors
    assert run_check(session.output_uri, deep=True).ok


@pytest.mark.semantics("I5", "P4", "P7", "S16")
def test_a_ladder_fails_over_and_its_controller_is_killed_while_the_backup_is_on_air(
    wheel_ffmpeg: str, tmp_path: Path
) -> None:
    ports = free_udp_port(), free_udp_port()
    primary, backup = (f"udp://127.0.0.1:{port}" for port in ports)
    arguments = (primary, tmp_path, "--backup", backup, "--ladder", "240p", "--session", "demo")
    playlists = {mux: tmp_path / f"dvr/demo/{mux}/index-1.m3u8" for mux in ("v240p", "audio")}

    def has_switched() -> bool:
        return all("#EXT-X-DISCONTINUITY\n" in playlist.read_text() for playlist in playlists.values())

    with Encoder(f"{backup}?pkt_size=1316"):
        with Recording(*arguments) as killed:
            with Encoder(f"{primary}?pkt_size=1316"):
                until(lambda: all(path.exists() for path in playlists.values()), "both renditions are listed")
            until(has_switched, "the backup is on air")
            killed.send(signal.SIGKILL)
            killed.process.communicate()
        before = {mux: playlist.read_text() for mux, playlist in playlists.items()}
        with Recording(*arguments, "--resume") as recording:
            for mux, playlist in playlists.items():
                until(lambda mux=mux, now=playlist: now.read_text().count("INF") > before[mux].count("INF") + 1, mux)
            recording.send(signal.SIGINT)
            code, result, err = recording.finish()
    assert (code, result["state"]) == (0, "FINISHED"), err
    listed = {mux: lines(playlist) for mux, playlist in playlists.items()}
    assert all(playlist.read_text().startswith(before[mux]) for mux, playlist in playlists.items())
    joints = [[line for line in one if line.discontinuity] for one in listed.values()]
    assert [len(one) for one in joints] == [1, 1], "the backup's run was adopted"
    (video,), (audio,) = joints
    assert abs(video.date - audio.date) < 0.1, "audio is cut at its own frames"
    gaps = [gap for gap in result["gaps"] if gap["reason"] != "source lost"]
    assert gaps == [] and len(result["gaps"]) <= 1, "what is missing is missing where the primary was lost"
    errors = clock_errors(listed["v240p"], joined=True)
    assert all(abs(error) < 0.5 for error in errors), errors  # a busy machine's encoders add to the arrival
    assert run_check(result["output_uri"], deep=True).ok


@pytest.mark.usefixtures("small_testsrc")
async def test_somebody_switches(wheel_ffmpeg: str, tmp_path: Path) -> None:
    channel = Channel(
        channel_id="live",
        input=Input(uri="testsrc"),
        backup_input=Input(uri="testsrc"),
        input_switch_mode="MANUAL",
        output=Output(uri=str(tmp_path / "out")),
        elementary_streams=video_and_audio("h264"),
    )
    playlist = media_playlist(tmp_path / "out")
    async with _recording(channel, tmp_path / "data") as dvr:
        await _lists_more(playlist, 1)
        await dvr.channels.switch_input("live", "backup")
        await _becomes(dvr, "backup")
        await _lists_more(playlist, 1)
        await dvr.channels.stop("live")
        session = await dvr.sessions.get("live", "demo")
    assert session.state == "FINISHED" and session.duration.total_seconds() > 3
    assert sum((gap.end_time - gap.start_time).total_seconds() for gap in session.gaps) < 1, session.gaps
    assert [line.discontinuity for line in lines(playlist)].count(True) == 1
    assert run_check(session.output_uri, deep=True).ok


async def test_what_cannot_be_switched(tmp_path: Path) -> None:
    one = Channel(channel_id="live", input=Input(uri="udp://127.0.0.1:5001"), output=Output(uri=str(tmp_path / "a")))
    both = one.model_copy(update={"channel_id": "both", "backup_input": Input(uri="udp://127.0.0.1:5001")})
    async with LiveDvr(tmp_path / "data") as dvr:
        with pytest.raises(InvalidArgument, match="both inputs listen on one port"):
            await dvr.channels.create(both)
        await dvr.channels.create(one)
        with pytest.raises(FailedPrecondition, match="is STOPPED"):
            await dvr.channels.switch_input("live", "backup")


@pytest.mark.parametrize(
    ("primary", "backup", "is_free"),
    [
        ("rtmp://:5002/live", "srt://:5002", True),  # TCP and UDP
        ("udp://127.0.0.1:5002", "udp://127.0.0.2:5002", True),
        ("udp://239.1.1.1:5002", "udp://239.1.1.2:5002", True),
        ("udp://0.0.0.0:5002", "udp://127.0.0.1:5002", False),
        ("udp://127.0.0.1:5002", "srt://0.0.0.0:5002?mode=listener", False),
        ("rtmp://0.0.0.0:5002/live?mode=listener", "rtmp://127.0.0.1:5002/other?mode=listener", False),
    ],
)
async def test_one_port_at_two_addresses(primary: str, backup: str, is_free: bool, tmp_path: Path) -> None:
    channel = Channel(
        channel_id="live",
        input=Input(uri=primary),
        backup_input=Input(uri=backup),
        output=Output(uri=str(tmp_path / "out")),
    )
    async with LiveDvr(tmp_path / "data") as dvr:
        with contextlib.nullcontext() if is_free else pytest.raises(InvalidArgument, match="listen on one port"):
            await dvr.channels.create(channel)
