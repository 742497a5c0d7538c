"""docs/google-client.md: its example runs as it stands, but for the ports."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import imageio_ffmpeg
import pytest

from livedvr.check.run import run_check
from livestream import Serving

pytestmark = pytest.mark.e2e

DOC = Path(__file__).parents[2] / "docs" / "google-client.md"


def test_the_example_runs(wheel_ffmpeg: str, tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", DOC.read_text(), re.DOTALL)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "ffmpeg").symlink_to(imageio_ffmpeg.get_ffmpeg_exe())  # the README asks for no other
    with Serving(tmp_path) as serving:
        run = subprocess.run(
            [sys.executable, "-c", example.replace("127.0.0.1:8080", serving.http)],
            env=os.environ | {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            timeout=90,
        )
    assert run.returncode == 0, run.stderr
    assert run.stdout == "FINISHED gs://media/news/dvr/evening/manifest.m3u8\n"
    assert run_check(str(serving.media / "media" / "news" / "dvr" / "evening" / "manifest.m3u8"), deep=True).ok
