"""Loss and return with real senders, followed by `livedvr check --deep --follow` from the first segment to the end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from live import (
    PATIENCE,
    Encoder,
    Line,
    Recording,
    clock_errors,
    ffmpeg_pids,
    free_udp_port,
    lines,
    listed_text,
    media_playlist,
    until,
    waiting_run,
)

pytestmark = pytest.mark.e2e

LIMIT = 0.25  # s, C1
SHORT = ("--session", "demo", "--segment-duration", "1s", "--target-duration", "2")


class Followed:
    """A recording and, as soon as it lists something, the check beside it."""

    def __init__(self, source: str, output: Path, *options: str) -> None:
        self.output = output
        self.recording = Recording(source, output, *options)
        self._check: subprocess.Popen[str] | None = None

    def follow(self, at_least: int) -> None:
        """Return when that many segments are listed; the check follows from now on."""
        listed_text(self.output, at_least)
        command = [sys.executable, "-m", "livedvr", "check", str(self.output / "dvr/demo/main.m3u8")]
        self._check = subprocess.Popen(
            [*command, "--follow", "120s", "--deep", "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ.copy(),
        )

    def finish(self) -> tuple[list[Line], list[dict[str, Any]]]:
        """What it lists and its gaps; nothing was wrong at any time, but that a lost source brings nothing new."""
        self.recording.send(signal.SIGINT)
        code, result, err = self.recording.finish()
        assert (code, result["state"]) == (0, "FINISHED"), err
        assert self._check is not None
        out, said = self._check.communicate(timeout=PATIENCE)
        report = json.loads(out)
        lasting = [found for found in report["findings"] if found["rule"] != "playlist-stalled"]
        assert (lasting, self._check.returncode) == ([], 0), said
        assert report["reloads"] >= 1
        return lines(media_playlist(self.output)), result["gaps"]


def lose_and_return(tmp_path: Path, source: str, url: str, *, bias: float = 0) -> None:
    """A sender that is killed after two segments, and another one in the next run: one gap, one break, true dates."""
    followed = Followed(source, tmp_path, *SHORT)
    waiting_run(tmp_path)
    until(lambda: ffmpeg_pids(tmp_path), "ffmpeg listens")
    with Encoder(url):
        followed.follow(2)
    before = {folder.name for folder in (tmp_path / "av").iterdir()}
    until(lambda: any(log.parent.name not in before for log in tmp_path.glob(".livedvr/spool/*/ffmpeg.log")), "run 2")
    until(lambda: ffmpeg_pids(tmp_path), "ffmpeg listens again")
    until(lambda: _returns(tmp_path, url), "the sender is back")
    verify_one_break(*followed.finish(), bias=bias)


def _returns(output: Path, url: str) -> bool:
    """Push until two segments of the second run are listed; False when nobody listened yet."""
    with Encoder(url) as encoder:
        until(lambda: encoder.process.poll() is not None or _since_break(output) >= 2, "the encoder is heard")
        return encoder.process.poll() is None


def _since_break(output: Path) -> int:
    return media_playlist(output).read_text().partition("#EXT-X-DISCONTINUITY\n")[2].count("#EXTINF")


def verify_one_break(listed: list[Line], gaps: list[dict[str, Any]], *, bias: float = 0) -> None:
    """One gap, and exactly there one discontinuity; after it the dates are those that the pictures carry."""
    breaks = [index for index, line in enumerate(listed) if line.discontinuity]
    assert len(breaks) == 1, listed
    assert [gap["reason"] for gap in gaps] == ["source lost"]
    after = listed[breaks[0] + 1 :]  # joined within a GOP, a run's first picture is shown early in fMP4
    assert after, "nothing after the break"
    assert max(abs(error - bias) for error in clock_errors(after)) < LIMIT


@pytest.mark.semantics("I3", "P4", "P8", "C3")
def test_udp_that_falls_silent_and_returns(wheel_ffmpeg: str, tmp_path: Path) -> None:
    port = free_udp_port()
    lose_and_return(tmp_path, f"udp://127.0.0.1:{port}", f"udp://127.0.0.1:{port}?pkt_size=1316")


@pytest.mark.semantics("I3", "P4", "P8", "C3")
def test_srt_whose_sender_is_killed_and_returns(wheel_ffmpeg: str, tmp_path: Path) -> None:
    port = free_udp_port()
    # SRT itself holds everything back for its latency, 120 ms by default: arrival is that much later.
    lose_and_return(tmp_path, f"srt://:{port}", f"srt://127.0.0.1:{port}?mode=caller", bias=0.12)


@pytest.mark.semantics("I2", "I3", "P4", "P8")
def test_an_ffmpeg_that_stands_still_is_ended_and_another_one_goes_on(wheel_ffmpeg: str, tmp_path: Path) -> None:
    followed = Followed("testsrc", tmp_path, *SHORT)
    followed.follow(2)
    (stopped,) = ffmpeg_pids(tmp_path)
    os.kill(stopped, signal.SIGSTOP)
    until(lambda: stopped not in ffmpeg_pids(tmp_path), "the ladder ends it")
    until(lambda: _since_break(tmp_path) >= 2, "the next run is listed")
    verify_one_break(*followed.finish())


@pytest.mark.semantics("I2", "I3", "P3")
@pytest.mark.parametrize("container", ["fmp4", "ts"])
def test_a_gop_of_ten_seconds_is_no_loss(wheel_ffmpeg: str, container: str, tmp_path: Path) -> None:
    port = free_udp_port()
    followed = Followed(f"udp://127.0.0.1:{port}", tmp_path, "--session", "demo", "--container", container)
    until(lambda: ffmpeg_pids(tmp_path), "ffmpeg listens")
    with Encoder(f"udp://127.0.0.1:{port}?pkt_size=1316", gop=300):
        followed.follow(2)
        listed, gaps = followed.finish()
    assert gaps == []
    assert not any(line.discontinuity for line in listed)
    assert listed[0].path.parent == listed[-1].path.parent
