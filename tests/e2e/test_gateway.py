"""The gateway: one RTMP port for all channels (SEMANTICS I1, I3, I4, I5)."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import av
import imageio_ffmpeg
import pytest

from gateway import Elsewhere, Nginx, free_gateway, gateway_channel
from live import FLV, Encoder, clock_errors, events, ffmpeg_pids, journal_files, lines, media_playlist, until
from livedvr import Gateway, LiveDvr, TimeInterval
from livedvr.check.run import run_check
from livedvr.ingest.channel_ingest import StreamingState

pytestmark = pytest.mark.e2e

KEYS = {"news": "gateway-horse-battery", "sport": "gateway-tractor-meadow", "far": "gateway-from-elsewhere"}


def publisher(port: int, name: str, size: tuple[int, int] = (320, 180)) -> Encoder:
    return Encoder(f"rtmp://127.0.0.1:{port}/{name}", mux=FLV, size=size)


async def soon(happened: Callable[[], Any], what: str) -> Any:
    """As `until`, beside the loop."""
    return await asyncio.to_thread(until, happened, what)


def cut_off(encoder: Encoder) -> Callable[[], bool]:
    return lambda: encoder.process.poll() is not None


@contextmanager
def ended(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """A test that fails leaves no process behind."""
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def player(port: int, stream: str) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """Somebody who wants to see a stream of the gateway's."""
    play = ["-rtmp_app", "live", "-rtmp_playpath", stream, "-i", f"rtmp://127.0.0.1:{port}", "-f", "null", "-"]
    return ended(subprocess.Popen([imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-loglevel", "quiet", *play]))


def stored(folder: Path) -> list[Path]:
    """All that a channel of the folder has stored."""
    return [*folder.rglob("*.m3u8"), *folder.glob("*/av/*")]


def runs(output: Path) -> set[str]:
    return {path.name for path in output.glob(".livedvr/spool/*")}


def stream_name(output: Path) -> str:
    """The name that the waiting ffmpeg pulls by, as everybody on this machine can see it."""
    (spec,) = output.glob(".livedvr/spool/*/run.json")
    argv = json.loads(spec.read_text())["argv"]
    name: str = argv[argv.index("-rtmp_playpath") + 1]
    return name


def listed(output: Path, at_least: int) -> Callable[[], bool]:
    def look() -> bool:
        playlist = media_playlist(output)
        return playlist.exists() and playlist.read_text().count("#EXTINF") >= at_least

    return look


def sizes(output: Path) -> set[tuple[int, int]]:
    """The picture sizes of all that is listed."""
    found = set()
    for line in lines(media_playlist(output)):
        assert line.init is not None
        with av.open(str(line.init)) as container:
            found.add((container.streams.video[0].width, container.streams.video[0].height))
    return found


def holders_of_keys(folder: Path) -> set[str]:
    """The files that hold a stream key, and the programs that have one in their arguments or environment."""
    found = {
        path.name
        for path in folder.rglob("*")
        if path.is_file() and any(key.encode() in path.read_bytes() for key in KEYS.values())
    }
    for process in Path("/proc").glob("[0-9]*"):
        try:
            given = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
            if any(key.encode() in given for key in KEYS.values()) and b"lavfi" not in given:  # not the encoders'
                found.add(given.decode(errors="replace"))
        except OSError:
            continue
    return found


@pytest.mark.semantics("I1", "I3", "I4", "C1")
async def test_each_channel_gets_what_its_key_publishes_and_nobody_else_s(wheel_ffmpeg: str, tmp_path: Path) -> None:
    gateway = free_gateway()
    port = gateway.rtmp_port
    with Nginx(gateway, tmp_path) as nginx, Elsewhere(port) as elsewhere:
        async with LiveDvr(tmp_path / "data", gateway=gateway) as dvr:
            for name in ("news", "sport"):
                await dvr.channels.create(gateway_channel(gateway, name, tmp_path, KEYS[name]))
            allowed = ("192.0.2.0/24", Elsewhere.ADDRESS)
            await dvr.channels.create(gateway_channel(gateway, "far", tmp_path, KEYS["far"], *allowed))
            for name in KEYS:
                await dvr.channels.start(name)
            await soon(lambda: all(ffmpeg_pids(tmp_path / name) for name in KEYS), "three ffmpegs wait")
            waiting = {name: runs(tmp_path / name) for name in KEYS}
            inner = stream_name(tmp_path / "news")
            for wrong in (
                "live/wrong-horse", f"evil/{KEYS['news']}", f"live/{inner}", f"live/wrong?name={KEYS['news']}",
                f"live/{KEYS['far']}", f"live/{KEYS['far']}?addr={Elsewhere.ADDRESS}", "live/*",
            ):  # fmt: skip
                with publisher(port, wrong) as stranger:
                    await soon(cut_off(stranger), f"{wrong} is cut off")
            with player(elsewhere.port, inner) as spy:
                await soon(lambda: spy.poll() is not None, "a player from elsewhere is cut off")
            assert {name: runs(tmp_path / name) for name in KEYS} == waiting, "nobody has disturbed those who wait"
            assert not stored(tmp_path), "nothing of them is"
            assert [(await dvr.channels.state(name))[0] for name in KEYS] == [StreamingState.AWAITING_INPUT] * 3

            for name in KEYS:
                await dvr.sessions.create(name, "demo", [TimeInterval()])
            with (
                publisher(port, f"live/{KEYS['news']}"),
                publisher(port, f"live/{KEYS['sport']}", (480, 270)),
                publisher(elsewhere.port, f"live/{KEYS['far']}", (400, 226)),
            ):
                await soon(listed(tmp_path / "news", 1), "news is listed")
                with publisher(port, f"live/{KEYS['news']}", (640, 360)) as second:
                    await soon(cut_off(second), "a second publisher is refused")
                for name in KEYS:
                    await soon(listed(tmp_path / name, 3), f"three segments of {name}")
                assert holders_of_keys(tmp_path) <= {"catalog.sqlite3", "catalog.sqlite3-wal"}
                for name in KEYS:
                    await dvr.channels.stop(name)
            finished = {name: await dvr.sessions.get(name, "demo") for name in KEYS}
        assert not any(key in nginx.log for key in KEYS.values()), nginx.log
    assert events(tmp_path / "data") == [
        ("PUBLISHER_REFUSED", "a publisher was refused: 127.0.0.1 is not in the allow-list")
    ]
    assert {name: sizes(tmp_path / name) for name in KEYS} == {
        "news": {(320, 180)}, "sport": {(480, 270)}, "far": {(400, 226)}
    }  # fmt: skip
    for name, session in finished.items():
        assert session.state == "FINISHED" and {gap.reason for gap in session.gaps} <= {"no input yet"}, session
        assert len({path.parent.name for path in (tmp_path / name).glob("av/*/*")}) == 1, "one run"
        report = run_check(session.output_uri, deep=True)
        assert report.ok, report.to_text()
        errors = clock_errors(lines(media_playlist(tmp_path / name)))
        assert all(abs(error) < 0.25 for error in errors), errors


def controller(gateway: Gateway, folder: Path) -> AbstractContextManager[subprocess.Popen[bytes]]:
    program = Path(__file__).with_name("gateway_controller.py")
    given = [gateway.rtmp, gateway.controller, str(folder), KEYS["news"], KEYS["sport"]]
    path = os.pathsep.join([str(program.parent), str(program.parents[1])])
    return ended(subprocess.Popen([sys.executable, str(program), *given], env=os.environ | {"PYTHONPATH": path}))


async def visit(folder: Path) -> str:
    """The session's state as `livedvr session` sees it when nobody runs the channel."""
    async with LiveDvr(folder / "data", visiting=True) as dvr:
        runtime = await dvr.runtime("channel-0")
        await soon(lambda: runtime.supervisor and runtime.supervisor.streams, "it has looked at the run")
        return runtime.sessions.get("demo").state


@pytest.mark.parametrize("ffmpeg", ["debian"], indirect=True)
@pytest.mark.semantics("I3", "I4", "I5", "P4", "S16")
def test_a_publisher_outlives_the_controller_and_an_encoder_that_is_lost_returns(ffmpeg: str, tmp_path: Path) -> None:
    gateway = free_gateway()
    news, sport = tmp_path / "channel-0", tmp_path / "channel-1"
    with Nginx(gateway, tmp_path), ExitStack() as controllers:
        first = controllers.enter_context(controller(gateway, tmp_path))
        until(lambda: ffmpeg_pids(news) and ffmpeg_pids(sport), "two ffmpegs wait")
        with publisher(gateway.rtmp_port, f"live/{KEYS['news']}") as encoder:
            until(listed(news, 2), "two segments")
            before, ffmpegs = media_playlist(news).read_text(), ffmpeg_pids(news)
            first.kill()
            first.wait()
            with publisher(gateway.rtmp_port, f"live/{KEYS['sport']}") as late:
                until(cut_off(late), "nobody is let in without a controller")
            (journal,) = journal_files(news)
            rows = journal.read_text().count("\n")
            until(lambda: journal.read_text().count("\n") > rows, "ffmpeg goes on without a controller")
            assert asyncio.run(visit(tmp_path)) == "LIVE"

            second = controllers.enter_context(controller(gateway, tmp_path))
            until(listed(news, before.count("#EXTINF") + 2), "two more segments")
            assert encoder.process.poll() is None, "the publisher has not been disconnected"
            assert ffmpeg_pids(news) == ffmpegs, "the running ffmpeg is adopted, also by a visitor without a gateway"
            assert "#EXT-X-DISCONTINUITY\n" not in media_playlist(news).read_text()
        until(lambda: ffmpeg_pids(news) not in ([], ffmpegs), "the next ffmpeg waits")
        with publisher(gateway.rtmp_port, f"live/{KEYS['news']}"):
            until(lambda: "#EXT-X-DISCONTINUITY\n" in media_playlist(news).read_text(), "it has returned")
            second.terminate()
            assert second.wait() == 0
    assert media_playlist(news).read_text().startswith(before), "no published line has changed"
    assert not list(sport.glob("av/*/*"))
    shown = lines(media_playlist(news))
    assert len({line.path.parent for line in shown}) == 2, "a run before the loss, a run after it"
    first_run = [int(line.path.stem[-6:]) for line in shown if line.path.parent == shown[0].path.parent]
    assert first_run == list(range(len(first_run))), "every segment once, in order"
    assert all(abs(error) < 0.25 for error in clock_errors(shown)), clock_errors(shown)
    report = run_check(str(news / "dvr" / "demo" / "main.m3u8"), deep=True)
    assert report.ok, report.to_text()


@pytest.mark.semantics("I3", "I4")
async def test_without_nginx_it_is_said_what_to_do_and_all_goes_on_when_nginx_comes(
    wheel_ffmpeg: str, tmp_path: Path
) -> None:
    gateway = free_gateway()
    async with LiveDvr(tmp_path / "data", gateway=gateway) as dvr:
        await dvr.channels.create(gateway_channel(gateway, "news", tmp_path, KEYS["news"]))
        await dvr.channels.start("news")
        ((kind, text),) = await soon(lambda: events(tmp_path / "data"), "it is said")
        assert kind == "GATEWAY_UNAVAILABLE" and text.startswith(f"rtmp://{gateway.rtmp}: ")
        assert "Connection refused (start nginx with what `livedvr gateway nginx` prints" in text
        assert await dvr.channels.state("news") == (StreamingState.AWAITING_INPUT, None)
        await dvr.sessions.create("news", "demo", [TimeInterval()])
        with Nginx(gateway, tmp_path), publisher(gateway.rtmp_port, f"live/{KEYS['news']}"):
            await soon(listed(tmp_path / "news", 1), "a segment")
            await dvr.channels.stop("news")
    assert len(events(tmp_path / "data")) == 1, "once"
