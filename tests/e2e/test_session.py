"""`livedvr session` beside a recording, after one that was killed, and controllers that leave without stopping."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from builders import channel
from live import PATIENCE, Recording, ffmpeg_pids, media_playlist, until
from livedvr import LiveDvr
from livedvr.check.run import run_check

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("small_testsrc")]


def _ask(output: Path, *arguments: str, prefix: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    command = [*prefix, sys.executable, "-m", "livedvr", "session", *arguments, "--output", str(output), "--json"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _session(output: Path, *arguments: str) -> Any:
    process = _ask(output, *arguments)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    return json.loads(out)


def _listed(output: Path, at_least: int) -> str:
    def look() -> str:
        playlist = media_playlist(output)
        text = playlist.read_text() if playlist.exists() else ""
        return text if text.count("#EXTINF") >= at_least else ""

    text: str = until(look, f"a playlist with {at_least} segments")
    return text


def _end(session: dict[str, Any]) -> float:
    return datetime.fromisoformat(session["windows"][-1]["endTime"]).timestamp()


@pytest.mark.semantics("S6", "S7", "S8", "S13", "P1", "P2", "P8")
def test_a_running_recording_is_extended_shortened_and_left_in_cooldown(wheel_ffmpeg: str, tmp_path: Path) -> None:
    recording = Recording("testsrc", tmp_path, "--session", "demo")
    _listed(tmp_path, 1)
    assert [one["state"] for one in _session(tmp_path, "list")] == ["LIVE"]

    extended = _session(tmp_path, "update", "demo", "--end", "+5m", "--label", "kind=news")
    assert (extended["state"], extended["labels"]) == ("LIVE", {"livedvr-pin": "true", "kind": "news"})
    shortened = _session(tmp_path, "update", "demo", "--end", "+2m")
    assert _end(extended) - _end(shortened) > 60 and shortened["state"] == "LIVE"
    before = _listed(tmp_path, 3)

    cut = _session(tmp_path, "update", "demo", "--end", "-2s")
    assert cut["state"] == "COOLDOWN" and cut["cooldown_end"] is not None
    text = media_playlist(tmp_path).read_text()
    assert text.startswith(before) and text.endswith("#EXT-X-ENDLIST\n"), "sealed as it stands"
    assert cut["segments"] == text.count("#EXTINF")
    assert run_check(cut["output_uri"], deep=True).ok
    refused = _ask(tmp_path, "update", "demo", "--end", "+5m")
    _, err = refused.communicate(timeout=PATIENCE)
    assert refused.returncode == 6 and "COOLDOWN is over at" in err
    assert _session(tmp_path, "get", "demo") == cut

    recording.send(signal.SIGINT)
    code, result, err = recording.finish(patience=50)  # it does not wait for the end of the cooldown
    assert (code, result["state"]) == (0, "COOLDOWN"), err
    assert "the next controller (--resume) makes the edition that honours the new end" in err
    assert "session 'demo' was patched: it ends at" in err
    assert media_playlist(tmp_path).read_text() == text
    assert ffmpeg_pids(tmp_path) == []


@pytest.mark.semantics("S5", "S8")
def test_a_recording_without_an_end_ends_with_the_end_it_is_given(wheel_ffmpeg: str, tmp_path: Path) -> None:
    recording = Recording("testsrc", tmp_path, "--session", "demo")
    _listed(tmp_path, 1)
    given = _session(tmp_path, "update", "demo", "--end", "+3s")
    code, result, err = recording.finish()
    assert (code, result["state"], result["gaps"]) == (0, "FINISHED", []), err
    assert datetime.fromisoformat(result["actual_end"]).timestamp() >= _end(given)
    assert run_check(result["output_uri"], deep=True).ok and not (tmp_path / "dvr/demo/av/index-2.m3u8").exists()


@pytest.mark.semantics("S15")
def test_a_recording_whose_session_is_deleted_ends_and_says_so(wheel_ffmpeg: str, tmp_path: Path) -> None:
    recording = Recording("testsrc", tmp_path, "--session", "demo")
    _listed(tmp_path, 1)
    _session(tmp_path, "delete", "demo")
    code, result, err = recording.finish()
    assert (code, result["state"]) == (6, None), err
    assert result["error"].startswith("session 'demo' was deleted while it was being recorded")
    assert not (tmp_path / "dvr").exists() and list(tmp_path.glob("av/*/segment-*")), "its segments stay"
    assert ffmpeg_pids(tmp_path) == []


@pytest.mark.semantics("S7", "S8", "S13", "I5")
def test_the_session_of_a_killed_controller_is_updated_and_its_ffmpeg_goes_on(
    wheel_ffmpeg: str, tmp_path: Path
) -> None:
    recording = Recording("testsrc", tmp_path, "--session", "demo")
    before = _listed(tmp_path, 2)
    # A playlist can be read a moment before its session is stored as LIVE (S3).
    until(lambda: [one["state"] for one in _session(tmp_path, "list")] == ["LIVE"], "it is LIVE")
    recording.send(signal.SIGKILL)
    recording.process.communicate()
    encoder = ffmpeg_pids(tmp_path)
    try:
        assert [one["state"] for one in _session(tmp_path, "list")] == ["LIVE"]
        stored = _session(tmp_path, "get", "demo")
        assert stored["segments"] >= before.count("#EXTINF")

        extended = _session(tmp_path, "update", "demo", "--end", "+5m")
        assert extended["state"] == "LIVE" and _end(extended) > 0
        assert ffmpeg_pids(tmp_path) == encoder, "it was adopted and left"

        # As a script starts what it puts in the background: SIGINT is ignored unless somebody asks for it.
        in_background = ("sh", "-c", 'trap "" INT; exec "$@"', "sh")
        waiting = _ask(tmp_path, "update", "demo", "--end", "-1s", prefix=in_background)
        until(lambda: _session(tmp_path, "get", "demo")["state"] == "COOLDOWN", "the cooldown")
        until(lambda: media_playlist(tmp_path).read_text().endswith("#EXT-X-ENDLIST\n"), "the end of the playlist")
        waiting.send_signal(signal.SIGINT)
        out, err = waiting.communicate(timeout=PATIENCE)
        assert (waiting.returncode, json.loads(out)["state"]) == (130, "COOLDOWN")
        assert "Ctrl-C leaves it to the next controller" in err
        assert media_playlist(tmp_path).read_text().startswith(before)

        _session(tmp_path, "delete", "demo")
        assert not (tmp_path / "dvr").exists()
        assert ffmpeg_pids(tmp_path) == encoder
    finally:
        for pid in ffmpeg_pids(tmp_path):
            os.kill(pid, signal.SIGINT)


@pytest.mark.semantics("I5", "S16")
async def test_a_controller_that_detaches_leaves_everything_to_the_next(wheel_ffmpeg: str, tmp_path: Path) -> None:
    output = tmp_path / "out"
    async with LiveDvr(tmp_path / "data", detach=True) as dvr:
        await dvr.channels.create(channel(str(output)))
        await dvr.channels.start("live")
        await dvr.sessions.create("live", "demo")
        async for session in dvr.sessions.watch("live", "demo"):
            if session.state == "LIVE":
                break
    encoder = ffmpeg_pids(output)
    before = media_playlist(output).read_text()
    assert len(encoder) == 1 and "#EXT-X-ENDLIST" not in before
    async with LiveDvr(tmp_path / "data") as dvr:
        assert (await dvr.sessions.get("live", "demo")).state == "LIVE"
        async for session in dvr.sessions.watch("live", "demo"):
            if session.segments > before.count("#EXTINF"):
                break
        assert ffmpeg_pids(output) == encoder
    text = media_playlist(output).read_text()
    assert text.startswith(before) and text.endswith("#EXT-X-ENDLIST\n") and "DISCONTINUITY\n" not in text
    assert ffmpeg_pids(output) == []
