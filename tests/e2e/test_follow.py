"""`livedvr check --follow` beside a recording that runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from live import PATIENCE, Recording, until

pytestmark = pytest.mark.e2e


@pytest.mark.semantics("P1", "P2", "P5", "C3")
def test_a_recording_is_followed_from_its_first_segment_to_its_end(wheel_ffmpeg: str, tmp_path: Path) -> None:
    recording = Recording("testsrc", tmp_path, "--duration", "8s", "--session", "demo")
    main = tmp_path / "dvr/demo/main.m3u8"
    until(main.exists, "the manifest")
    followed = subprocess.run(
        [sys.executable, "-m", "livedvr", "check", str(main), "--follow", "60s", "--deep", "--json"],
        capture_output=True,
        text=True,
        env=os.environ.copy(),
        timeout=PATIENCE,
        check=False,
    )
    code, result, err = recording.finish()
    assert code == 0, err
    report = json.loads(followed.stdout)
    assert report["findings"] == []
    assert (followed.returncode, report["ok"], followed.stderr) == (0, True, "")
    assert report["reloads"] >= 1
    assert report["playlists"][0]["segments"] == result["segments"]
    assert report["playlists"][0]["durationSeconds"] == pytest.approx(result["duration"], abs=1e-6)
