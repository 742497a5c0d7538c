"""Issue 6: from an input to a sealed recording by the command line alone: the examples of docs/cli.md."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from live import lines
from livedvr.check.run import run_check
from livestream import Serving

pytestmark = pytest.mark.e2e

DOC = Path(__file__).parents[2] / "docs/cli.md"
EXAMPLES = re.findall(r"```bash\n(.*?)```", DOC.read_text(), re.DOTALL)


def test_the_examples_of_the_documentation(wheel_ffmpeg: str, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/ffmpeg").symlink_to(wheel_ffmpeg)
    (tmp_path / "bin/livedvr").symlink_to(Path(sys.executable).with_name("livedvr"))
    with Serving(tmp_path, "--stop-channels") as serving:
        trap = "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n"  # the encoder goes with the script, whatever happens
        script = trap + "".join(EXAMPLES).replace("127.0.0.1:8080", serving.http)
        environment = os.environ | {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}
        shell = ["bash", "-euo", "pipefail", "-c", script]
        ran = subprocess.run(shell, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=90)
    assert ran.returncode == 0, ran.stderr + serving.log
    said = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "T", ran.stdout)
    first, rest = said.split("SESSION ", 1)
    assert first == (
        "created news: gs://media/news\n"
        "news: AWAITING_INPUT\n"
        "PENDING gs://media/news/dvr/goal/main.m3u8\n"
        "  window    T/T\n"
        "  label     half=1\n"
        "  created   T\n"
        "  updated   T\n"
    )
    assert [line.split() for line in f"SESSION {rest}".splitlines()] == [
        ["SESSION", "STATE", "SEGMENTS", "DURATION", "GAPS", "WINDOWS", "LABELS"],
        ["goal", "FINISHED", "-", "-", "-", "T/T", "half=1"],
        ["news:", "STOPPED"],
        ["created", "copy:", "gs://media/copy"],
        ["CHANNEL", "STATE", "INPUTS", "ACTIVE", "OUTPUT", "RETENTION", "LABELS"],
        ["copy", "STOPPED", "cam", "primary", "gs://media/copy", "86400s", "show=news"],
        ["news", "STOPPED", "cam", "primary", "gs://media/news", "86400s", "show=news"],
        ["updated", "cam"],
        ["deleted", "copy"],
    ]
    states = [json.loads(line)["state"] for line in (tmp_path / "changes.jsonl").read_text().splitlines()]
    assert states[-1] == "FINISHED" and len(set(states)) == len(states), "each change once"
    recorded = tmp_path / "media/media/news/dvr/goal"
    assert len(lines(recorded / "av/index-1.m3u8"))
    assert run_check(str(recorded / "main.m3u8"), deep=False).ok
