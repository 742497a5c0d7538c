"""The README's Python code runs, and does what it says."""

from __future__ import annotations

import functools
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from live import lines
from livedvr.cli import main

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parent.parent
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


def _run(code: str, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_one_recording_from_a_script(wheel_ffmpeg: str, tmp_path: Path) -> None:
    out = _run(BLOCKS[0], tmp_path)
    assert out == f"FINISHED {tmp_path}/out/dvr/demo/main.m3u8\n"
    assert len(lines(tmp_path / "out/dvr/demo/av/index-1.m3u8")) >= 2


def test_a_channel_with_sessions(wheel_ffmpeg: str, tmp_path: Path) -> None:
    assert len(BLOCKS) == 2, "each Python block of the README has its test"
    out = _run(BLOCKS[1], tmp_path).splitlines()
    assert out[0].startswith("PENDING 0") and out[-1].startswith("FINISHED")
    assert lines(tmp_path / "out-news/dvr/evening/av/index-1.m3u8")


@functools.cache
def _options() -> str:
    """The help of the commands that the README speaks of."""
    commands = (["record"], ["check"], ["session", "list"], ["session", "update"])
    return "".join(CliRunner().invoke(main, [*command, "--help"]).stdout for command in commands)


@pytest.mark.parametrize("option", sorted(set(re.findall(r"`(--[a-z-]+)", (ROOT / "README.md").read_text()))))
def test_every_option_it_names_exists(option: str) -> None:
    assert re.search(rf"{option}\b", _options())
