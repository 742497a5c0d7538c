"""Issue 6: from an input to a sealed recording by the command line alone: the examples of docs/cli.md."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from live import lines
from livedvr.check.run import run_check
from livedvr.cli import main
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


def test_what_a_server_lists_and_refuses(wheel_ffmpeg: str, tmp_path: Path) -> None:
    with Serving(tmp_path, "--stop-channels") as serving:
        runner = CliRunner(env={"LIVEDVR_SERVER": f"http://{serving.http}"})

        def run(*arguments: str, stdin: str | None = None) -> str:
            ran = runner.invoke(main, [*arguments], input=stdin)
            assert ran.exit_code == 0, ran.stderr
            return ran.stdout

        def refused(code: int, *arguments: str, stdin: str | None = None) -> str:
            ran = runner.invoke(main, [*arguments], input=stdin)
            assert (ran.exit_code, ran.stdout, ran.stderr.count("\n")) == (code, "", 1), ran.stderr
            return ran.stderr.removeprefix("livedvr: ")

        key = run("input", "create", "cam", "--type", "rtmp", "--label", "a=b").rstrip().rpartition("/")[2]
        assert run("input", "create", "test", "--pull", "testsrc") == "testsrc\n"
        for one in ("cam", "test"):
            assert key not in run("input", "list") + run("input", "list", "--json") + run("operation", "list", "--json")
            assert (key in run("input", "get", one)) == (one == "cam")
        for options, found in (
            (["--filter", 'labels.a="b"'], ["cam"]),
            (["--order-by", "name desc", "--page-size", "1"], ["test", "cam"]),
            (["--limit", "1"], ["cam"]),
        ):
            listed = json.loads(run("input", "list", "--json", *options))
            assert [one["name"].rpartition("/")[2] for one in listed] == found
        assert refused(2, "input", "list", "--filter", "labels.a=").startswith("--filter: a value is expected")
        assert refused(2, "input", "list", "--order-by", "foo").startswith("--order-by: there is no field 'foo'")
        assert refused(6, "input", "create", "cam", "--type", "srt").startswith("ID: ")
        assert refused(2, "input", "create", "A_", "--type", "srt").startswith("ID: 'A_' is not an id")

        to = ["--output", "gs://media/news", "--segment-duration", "3s", "--ladder", "360p,240p"]
        run("channel", "create", "news", "--input", "test", *to, "--label", "show=news")
        for code, option, value in (
            (3, "--input", "nobody"),
            (2, "--output", "../etc"),
            (6, "--output", "gs://media/news"),
            (2, "--segment-duration", "1s"),
            (2, "--segment-duration", "30s"),
        ):
            given = {"--input": "cam", "--output": "gs://media/other", option: value}
            told = refused(code, "channel", "create", "other", *(text for pair in given.items() for text in pair))
            assert told.startswith(f"{option}: "), told
        assert "manfests: there is no field 'manfests'" in refused(
            2, "channel", "update", "news", "--from-file", "-", stdin='{"manfests": []}'
        )
        arguments = ["session", "create", "later", "--channel", "news", "--start", "+1h"]
        assert refused(2, *arguments, "--manifest", "x").startswith("--manifest: the channel has no manifest 'x'")
        assert refused(2, *arguments, "--end", "now").startswith("--end: ")
        assert run(*arguments, "--duration", "1m").startswith("PENDING gs://media/news/dvr/later/main.m3u8\n")
        changed = json.loads(
            run("session", "update", "later", "--channel", "news", "--end", "open", "--label", "a=b", "--json")
        )
        assert (changed["windows"][0]["endTime"], changed["labels"]) == (None, {"a": "b"})
        assert "has sessions: later (delete them first, or with it by --force" in refused(
            6, "channel", "delete", "news"
        )
        assert run("session", "delete", "later", "--channel", "news") == "deleted later\n"
        assert refused(3, "session", "watch", "later", "--channel", "news").startswith("there is no session 'later'")
        assert refused(6, "event", "create", "e", "--channel", "news", "--ad-break", "30s").startswith("the channel is")
        assert run("channel", "delete", "news") == "deleted news\n"
        assert refused(3, "channel", "get", "news").startswith("there is no 'projects/default/locations/local/channels")
