"""Loss and return with real senders, followed by `livedvr check --deep --follow` from the first segment to the end."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from followed import SHORT, Followed, verify_outages
from hls_source import listed, live_playlist
from live import FLV, Encoder, ffmpeg_pids, free_tcp_port, free_udp_port, listening, until, waiting_run
from web_server import WebServer

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(480)]  # half a minute and more of real time, on a quiet machine


def lose_and_return(tmp_path: Path, source: str, url: str, *, bias: float = 0) -> None:
    """A sender that is killed after two segments, and another one in the next run: one gap, one break, true dates."""
    with Followed(source, tmp_path, *SHORT) as followed:
        waiting_run(tmp_path)
        until(lambda: ffmpeg_pids(tmp_path), "ffmpeg listens")
        with Encoder(url):
            followed.follow(2)
            followed.lost()
        listens_again(tmp_path)
        with followed.returning(url):
            verify_outages(followed, bias=bias)


def listens_again(output: Path) -> None:
    """Return when the run has ended that something is listed of, and the next one has begun."""
    before = {folder.name for folder in (output / "av").iterdir()}
    until(lambda: any(log.parent.name not in before for log in output.glob(".livedvr/spool/*/ffmpeg.log")), "a run")
    until(lambda: ffmpeg_pids(output), "ffmpeg listens again")


@pytest.mark.semantics("I3", "P4", "P8", "C3")
def test_udp_that_falls_silent_and_returns(wheel_ffmpeg: str, tmp_path: Path) -> None:
    port = free_udp_port()
    lose_and_return(tmp_path, f"udp://127.0.0.1:{port}", f"udp://127.0.0.1:{port}?pkt_size=1316")


@pytest.mark.semantics("I3", "P4", "P8", "C3")
def test_srt_whose_sender_is_killed_and_returns(wheel_ffmpeg: str, tmp_path: Path) -> None:
    port = free_udp_port()
    # SRT itself holds everything back for its latency, 120 ms by default: arrival is that much later.
    lose_and_return(tmp_path, f"srt://:{port}", f"srt://127.0.0.1:{port}?mode=caller", bias=0.12)


@pytest.mark.semantics("I3", "P4", "P8", "C3")
def test_rtmp_that_breaks_and_rtmp_that_closes(wheel_ffmpeg: str, tmp_path: Path) -> None:
    port = free_tcp_port()
    url = f"rtmp://127.0.0.1:{port}/live/key"
    with Followed(f"rtmp://:{port}/live/key", tmp_path, *SHORT) as followed:
        listening(port)
        with Encoder(url, mux=FLV):
            followed.follow(2)
            followed.lost()
        listens_again(tmp_path)
        listening(port)
        with Encoder(url, mux=FLV) as encoder:
            followed.returned(time.time())
            encoder.process.send_signal(signal.SIGINT)  # it ends its stream as one that is told to does
            encoder.process.wait()
            followed.lost()
        listens_again(tmp_path)
        with followed.returning(url, mux=FLV):
            verify_outages(followed)


@pytest.mark.semantics("I3", "P4", "P8", "C3")
def test_an_hls_source_that_stalls_and_goes_on(wheel_ffmpeg: str, tmp_path: Path) -> None:
    folder, output = tmp_path / "source", tmp_path / "out"
    folder.mkdir()
    with WebServer(folder) as server, live_playlist(folder, seconds=1) as source:
        listed(folder, 3)
        with Followed(f"{server.url}/live.m3u8", output, *SHORT) as followed:
            followed.follow(2)
            source.stop()
            followed.lost()
            until(lambda: not ffmpeg_pids(output), "silence ends the run")
            ended = time.monotonic()
            while time.monotonic() - ended < 2:  # the back-off is half a second: a run would be seen by then
                assert not ffmpeg_pids(output), "there is nothing to be read but what is listed already"
                time.sleep(0.05)
            began = time.time()
            with live_playlist(folder, seconds=1):
                followed.returned(began)
                # A source's segment of a second can be read when it is complete and somebody looks; the one that
                # breaks off never is.
                verify_outages(followed, bias=1.4, limit=0.7, loses=2.5, comes=6.0)


@pytest.mark.semantics("I2", "I3", "P4", "P8")
def test_an_ffmpeg_that_stands_still_is_ended_and_another_one_goes_on(wheel_ffmpeg: str, tmp_path: Path) -> None:
    with Followed("testsrc", tmp_path, *SHORT) as followed:
        followed.follow(2)
        (stopped,) = ffmpeg_pids(tmp_path)
        followed.lost()
        os.kill(stopped, signal.SIGSTOP)
        until(lambda: stopped not in ffmpeg_pids(tmp_path), "the ladder ends it")
        followed.returned(time.time())
        # Before it ends, what it was making when it was stopped is made.
        verify_outages(followed, reason="ingest restarted", still=1.0)


@pytest.mark.semantics("I2", "I3", "P3")
def test_a_gop_of_ten_seconds_is_no_loss(wheel_ffmpeg: str, tmp_path: Path) -> None:
    port = free_udp_port()
    with Followed(f"udp://127.0.0.1:{port}", tmp_path, "--session", "demo") as followed:
        until(lambda: ffmpeg_pids(tmp_path), "ffmpeg listens")
        with Encoder(f"udp://127.0.0.1:{port}?pkt_size=1316", gop=300):
            followed.follow(2)
            listed = verify_outages(followed)
    assert listed[0].path.parent == listed[-1].path.parent
