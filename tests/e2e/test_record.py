"""From a real source to a playlist that players accept."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import m3u8
import pytest

from conftest import missing
from live import Recording, clock_errors, ffmpeg_pids, lines, media_playlist, record, until
from livedvr.check.run import run_check

pytestmark = pytest.mark.e2e


@pytest.mark.semantics("O3", "O4", "P2", "P6", "C1", "C6", "I1")
@pytest.mark.parametrize("container", ["fmp4", "ts"])
def test_testsrc_becomes_a_finished_session(ffmpeg: str, container: str, tmp_path: Path) -> None:
    code, result, err = record("testsrc", tmp_path, "--duration", "5s", "--session", "demo", "--container", container)
    assert code == 0, err
    assert result["state"] == "FINISHED"
    assert result["error"] is None
    assert result["gaps"] == []
    assert result["labels"] == {"livedvr-pin": "true"}, "a recording stays until somebody deletes it"
    assert result["output_uri"] == str(tmp_path / "dvr/demo/main.m3u8")
    playlist = media_playlist(tmp_path)
    listed = lines(playlist)
    assert result["segments"] == len(listed) == 3
    assert sum(line.path.stat().st_size for line in listed) == result["bytes"]
    assert all(abs(error) < 0.25 for error in clock_errors(listed)), clock_errors(listed)
    parsed = m3u8.load(str(playlist))
    assert parsed.is_endlist and parsed.playlist_type == "event" and parsed.target_duration == 2
    assert m3u8.load(result["output_uri"]).playlists[0].stream_info.resolution == (1280, 720)
    report = run_check(result["output_uri"], deep=True)
    assert report.ok, report
    assert ffmpeg_pids(tmp_path) == []
    assert list((tmp_path / ".livedvr/spool").iterdir()) == [], "what is committed leaves the spool"


def test_ffprobe_accepts_the_manifest(wheel_ffmpeg: str, tmp_path: Path) -> None:
    ffprobe = Path("/usr/bin/ffprobe")
    if not ffprobe.exists():
        missing("ffprobe", "ffmpeg")
    code, result, err = record("testsrc", tmp_path, "--duration", "4s", "--session", "demo")
    assert code == 0, err
    shown = subprocess.run(
        [ffprobe, "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", result["output_uri"]],
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stderr == ""
    assert float(shown.stdout) == pytest.approx(result["duration"], abs=0.1)


@pytest.mark.semantics("P1", "P2", "S3")
def test_a_player_that_starts_while_it_runs_sees_every_picture(ffmpeg: str, tmp_path: Path) -> None:
    recording = Recording("testsrc", tmp_path, "--duration", "8s", "--session", "demo")
    main = tmp_path / "dvr/demo/main.m3u8"
    until(main.exists, "the manifest")
    assert "#EXT-X-ENDLIST" not in media_playlist(tmp_path).read_text()
    player = subprocess.run(
        f"{ffmpeg} -nostdin -loglevel warning -live_start_index 0 -i {main} -f null -progress pipe:1 -".split(),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    code, result, err = recording.finish()
    assert code == 0, err
    frames = int(re.findall(r"frame=\s*(\d+)", player.stdout)[-1])
    assert frames == pytest.approx(result["duration"] * 30, abs=2), player.stderr
