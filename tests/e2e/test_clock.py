"""The truthful clock with real senders: each date is held against the UTC clock that is burnt into the picture."""

from __future__ import annotations

import dataclasses
import itertools
import signal
import socket
import subprocess
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from builders import channel
from followed import LIMIT, SHORT, Followed
from live import (
    Encoder,
    Line,
    Recording,
    clock_errors,
    free_udp_port,
    lines,
    listed_text,
    media_playlist,
    until,
)
from livedvr.check.run import run_check
from livedvr.ingest.journal import parse_rows
from livedvr.resources.models import Input
from livedvr.resources.streams import MuxStream, video_and_audio
from offline import cut_clip

pytestmark = pytest.mark.e2e

ROLLOVER = 2**33 / 90_000  # s: where the timestamps of MPEG-TS begin anew


class Relay:
    """Passes a sender's datagrams on, or holds them back and then delivers the last seconds of them in a burst."""

    def __init__(self, to: int, keep: float) -> None:
        self._to = ("127.0.0.1", to)
        self._keep = keep
        self._kept: deque[tuple[float, bytes]] = deque()
        self._ending, self._wanted, self._passing = False, False, False
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.05)
        self.url = f"udp://127.0.0.1:{self._socket.getsockname()[1]}?pkt_size=1316"
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def holds(self) -> float:
        """Of how many seconds there are datagrams."""
        return self._kept[-1][0] - self._kept[0][0] if self._kept else 0.0

    def deliver(self, wanted: bool) -> None:
        self._wanted = wanted

    def __enter__(self) -> Relay:
        return self

    def __exit__(self, *_: object) -> None:
        self._ending = True
        self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        while not self._ending:
            if self._wanted and not self._passing:
                for number, (_, data) in enumerate(self._kept):
                    self._socket.sendto(data, self._to)
                    if number % 4 == 3:
                        time.sleep(0.002)  # 20 Mbit/s: what the receiver's socket can take on a busy machine
            self._passing = self._wanted
            try:
                data = self._socket.recv(2048)
            except TimeoutError:
                continue
            now = time.monotonic()
            self._kept.append((now, data))
            while now - self._kept[0][0] > self._keep:
                self._kept.popleft()
            if self._passing:
                self._socket.sendto(data, self._to)


def started(output: Path, source: str, *options: str) -> Recording:
    """A recording whose ffmpeg listens; short segments and a short target duration let the clock settle soon."""
    recording = Recording(source, output, *SHORT, *options)
    port = urlsplit(source).port
    assert port is not None
    until(lambda: _is_bound(port), "ffmpeg listens")
    return recording


def _is_bound(port: int) -> bool:
    return f":{port:04X} " in Path("/proc/net/udp").read_text()


def finished(recording: Recording) -> tuple[list[Line], dict[str, Any], str]:
    """The recording ended and checked: what it lists, its JSON, what it said."""
    recording.send(signal.SIGINT)
    code, result, err = recording.finish()
    assert (code, result["state"]) == (0, "FINISHED"), err
    report = run_check(result["output_uri"], deep=True)
    assert report.ok, report.to_text()
    return lines(media_playlist(recording.output)), result, err


def runs(output: Path) -> set[str]:
    """The runs of which something is in the spool or listed."""
    return {folder.name for pattern in ("av/2*", ".livedvr/spool/2*") for folder in output.glob(pattern)}


def breaks(listed: list[Line]) -> list[int]:
    return [index for index, line in enumerate(listed) if line.discontinuity]


def worst_error(listed: list[Line]) -> float:
    """The largest error of a date, without each run's first: joined within a GOP, fMP4 shows its picture early."""
    later = [line for before, line in itertools.pairwise(listed) if before.path.parent == line.path.parent]
    return max(map(abs, clock_errors(later)))


@pytest.mark.semantics("C1", "C2")
def test_a_burst_on_joining(ffmpeg: str, tmp_path: Path) -> None:
    port = free_udp_port()
    recording = started(tmp_path, f"udp://127.0.0.1:{port}")
    with Relay(port, keep=30) as relay, Encoder(relay.url):
        until(lambda: relay.holds() > 6, "six seconds wait in the relay")
        burst = time.time()
        relay.deliver(True)
        listed_text(tmp_path, 7)
        listed, _, _ = finished(recording)
    assert listed[0].date < burst - 4, "what came in the burst is older than its arrival"
    assert breaks(listed) == []
    assert worst_error(listed) < LIMIT
    for off in (-1, 1):  # the measure sees it
        assert worst_error([dataclasses.replace(line, date=line.date + off) for line in listed]) > LIMIT


@pytest.mark.semantics("C1", "C3", "P8", "I3")
def test_a_relay_that_sends_its_buffer_again_after_an_outage(wheel_ffmpeg: str, tmp_path: Path) -> None:
    port = free_udp_port()
    recording = started(tmp_path, f"udp://127.0.0.1:{port}")
    with Relay(port, keep=60) as relay, Encoder(relay.url):
        relay.deliver(True)
        before = listed_text(tmp_path, 4)
        relay.deliver(False)
        until(lambda: len(runs(tmp_path)) == 2 and _is_bound(port), "silence ends the run, the next one listens")
        relay.deliver(True)
        listed_text(tmp_path, before.count("#EXTINF") + 10)
        listed, result, err = finished(recording)
    assert "listed already" in err, "all that the first run had was sent again"
    joints = [(listed[i - 1], listed[i]) for i in breaks(listed)]
    assert joints[0][0].path.parent != joints[0][1].path.parent
    # The outage leaves no hole, although it lasted ten seconds; what the relay sent of it is dated when it was made.
    # On a busy machine the burst arrives late, and a date that was late catches up by a further break: never by a hole.
    assert all(-0.95 <= first.date - (last.date + last.duration) < 0.05 for last, first in joints), result["gaps"]
    assert result["gaps"] == []
    assert worst_error(listed) < LIMIT


def _interrupted(output: Path, options: tuple[str, ...], first: str, second: str) -> list[Line]:
    """One run whose encoder is away for 0.7 s; its timestamps begin at these offsets, before and after."""
    port = free_udp_port()
    url = f"udp://127.0.0.1:{port}?pkt_size=1316"
    with Followed(f"udp://127.0.0.1:{port}", output, *SHORT, *options) as followed:
        until(lambda: _is_bound(port), "ffmpeg listens")
        with Encoder(url, extra=("-output_ts_offset", first)):
            followed.follow(4)
        followed.lost()
        until(lambda: time.time() - followed.outages[-1].lost > 0.7, "0.7 s without an encoder")
        began = time.time()
        with Encoder(url, extra=("-output_ts_offset", second)):
            followed.returned(began)
            listed, _ = followed.finish()
    assert len(runs(output)) == 1
    return listed


@pytest.mark.semantics("C1", "C4", "P4")
def test_a_jump_that_ffmpeg_smooths_over(wheel_ffmpeg: str, tmp_path: Path) -> None:
    listed = _interrupted(tmp_path, (), "0", "3600")
    assert len(breaks(listed)) == 1
    assert worst_error(listed) < LIMIT


@pytest.mark.semantics("C1", "C4", "P4")
@pytest.mark.parametrize("ffmpeg", ["debian"], indirect=True)
def test_a_jump_that_the_journal_shows(ffmpeg: str, tmp_path: Path) -> None:
    # By five to eight seconds: ffmpeg smooths over what is ten or more.
    listed = _interrupted(tmp_path, ("--container", "ts"), "0", "15")
    assert len(breaks(listed)) == 1
    assert worst_error(listed) < LIMIT


@pytest.mark.semantics("C1", "C5")
def test_mpeg_ts_timestamps_begin_anew_inside_a_session(wheel_ffmpeg: str, tmp_path: Path) -> None:
    port = free_udp_port()
    recording = started(tmp_path, f"udp://127.0.0.1:{port}")
    began = time.time()
    with Encoder(f"udp://127.0.0.1:{port}?pkt_size=1316", extra=("-output_ts_offset", str(ROLLOVER - 7))):
        listed_text(tmp_path, 8)
        listed, result, _ = finished(recording)
    # The muxer's first timestamp is 1.4 s above the offset, so they begin anew within 5.6 s of the first picture.
    assert listed[0].date < began + 3 and listed[-1].date > listed[0].date + 6
    assert breaks(listed) == [] and result["gaps"] == []
    assert worst_error(listed) < LIMIT


@pytest.mark.semantics("C5")
def test_timestamps_that_begin_anew_long_after_a_run_began(ffmpeg: str, tmp_path: Path) -> None:
    # ffmpeg looks ahead by 60 s when it joins; what begins anew later takes another way through it. Not in real time.
    clip, run = tmp_path / "clip.ts", tmp_path / "run"
    make = f"{ffmpeg} -nostdin -loglevel error -f lavfi -i testsrc2=s=320x180:r=10:d=80 -f lavfi -i sine=r=48000:d=80"
    coded = f"-g 10 -c:v libx264 -preset ultrafast -c:a aac -output_ts_offset {ROLLOVER - 71.4} {clip}"
    subprocess.run([*make.split(), *coded.split()], check=True)
    made = channel(elementary_streams=video_and_audio(), mux_streams=(MuxStream(container="ts"),), input=Input(uri="-"))
    cut_clip(ffmpeg, clip, made, run)
    rows, _ = parse_rows((run / "av/journal.csv").read_bytes())
    assert rows[-1].end == pytest.approx(80_000_000, abs=100_000)
    assert all(before.end == row.start for before, row in itertools.pairwise(rows))


@pytest.mark.semantics("C1", "P4", "P8")
def test_an_encoder_that_returns_after_an_outage(wheel_ffmpeg: str, tmp_path: Path) -> None:
    port = free_udp_port()
    recording = started(tmp_path, f"srt://127.0.0.1:{port}?mode=listener")
    url = f"srt://127.0.0.1:{port}?mode=caller&latency=20000"
    with Encoder(url) as encoder:
        before = listed_text(tmp_path, 2)
        encoder.process.terminate()  # it says goodbye, so that this takes no 5 s of silence
        until(lambda: len(runs(tmp_path)) == 2 and _is_bound(port), "the next run listens")
    with Encoder(url):
        listed_text(tmp_path, before.count("#EXTINF") + 4)
        listed, result, _ = finished(recording)
    (second,) = breaks(listed)
    assert [gap["reason"] for gap in result["gaps"]] == ["source lost"]
    assert listed[second].date - listed[second - 1].date > listed[second - 1].duration + 0.5, "the outage"
    assert worst_error(listed) < LIMIT
