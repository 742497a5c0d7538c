"""docs/recordings.md: its Python code records what it says."""

from __future__ import annotations

import re
import subprocess
import sys
import wave
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

TEXT = (Path(__file__).parents[2] / "docs" / "recordings.md").read_text()


def test_its_code_records(wheel_ffmpeg: str, tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    argv = [sys.executable, "-c", code]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "SUCCEEDED MAX_DURATION 0:00:02\n"
    with wave.open(str(tmp_path / "out/recordings/take-1.wav")) as wav:
        assert wav.getnframes() == 2 * wav.getframerate(), "to the sample"
    assert (tmp_path / "out/recordings/take-1.mp4").stat().st_size > 10_000
