"""The commands and the Python code of docs/clips.md do what it says."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from livedvr.check.run import run_check

pytestmark = pytest.mark.e2e

TEXT = (Path(__file__).parents[2] / "docs" / "clips.md").read_text()
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", TEXT, re.DOTALL)


def test_everything_that_it_shows(wheel_ffmpeg: str, tmp_path: Path) -> None:
    commands, code = BLOCKS[0][1].splitlines(), next(text for name, text in BLOCKS if name == "python")
    argvs = [[sys.executable, "-m", *shlex.split(command)] for command in commands]
    for argv in [*argvs, [sys.executable, "-c", code]]:
        done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, (argv, done.stderr)
    said = done.stdout.splitlines()
    assert sum(line.startswith("SUCCEEDED") for line in said) == 2, said
    assert said[-1].endswith(" EDGES")
    for name in ("match.mp4", "last-hour.mp4", "clips/file/main.mp4"):
        assert (tmp_path / name).stat().st_size > 10_000
    assert run_check(str(tmp_path / "clips/goal/main.m3u8"), deep=True).ok
