"""`livedvr recording` against a server: from start to a file, the commands of docs/recordings.md, what is refused."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from livedvr.cli import main
from serving import serving

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("small_testsrc")]

PAGE = (Path(__file__).parents[2] / "docs" / "recordings.md").read_text()
COMMANDS = re.findall(r"^livedvr recording .*", PAGE, re.MULTILINE)


class Shell:
    """The command line, as a client of one server."""

    def __init__(self, url: str) -> None:
        self.runner = CliRunner(env={"LIVEDVR_SERVER": url})

    def run(self, *arguments: str) -> Any:
        ran = self.runner.invoke(main, [*arguments, "--json"])
        assert ran.exit_code == 0, ran.stderr
        return json.loads(ran.stdout)

    def recording(self, verb: str, *arguments: str) -> Any:
        return self.run("recording", verb, *arguments, "--channel", "live")

    def refused(self, code: int, *arguments: str) -> str:
        ran = self.runner.invoke(main, ["recording", *arguments, "--channel", "live"])
        assert (ran.exit_code, ran.stdout) == (code, ""), ran.output
        return ran.stderr.removeprefix("livedvr: ")


@pytest.fixture
def shell(wheel_ffmpeg: str, tmp_path: Path) -> Iterator[Shell]:
    with serving(tmp_path) as server:
        found = Shell(server.url)
        found.run("input", "create", "test", "--pull", "testsrc")
        found.run("channel", "create", "live", "--input", "test", "--output", "gs://media/live", "--ladder", "240p")
        yield found


def test_the_life_of_a_recording(shell: Shell, tmp_path: Path) -> None:
    shell.run("channel", "start", "live")
    asked = shell.recording("start", "long", "--output", "gs://media/files", "--format", "mp4", "--label", "a=b")
    assert asked["state"] == "IDLE" and asked["spec"]["labels"] == {"a": "b"}
    wanted = ("--file-stem", "calls/{track}-{index:02d}", "--format", "wav", "--max-duration", "1s", "--mono")
    short = shell.recording("start", "short", *wanted, "--wait")
    (file,) = short["files"]
    assert (short["state"], short["endReason"], short["duration"]) == ("SUCCEEDED", "MAX_DURATION", "PT1S")
    assert (
        file["uri"] == str(tmp_path / "media/media/live/recordings/calls/audio-01.wav") and Path(file["uri"]).exists()
    )
    assert shell.recording("pause", "long")["state"] == "PAUSED"
    assert shell.recording("resume", "long")["state"] == "RECORDING"
    assert shell.recording("stop", "long")["endReason"] == "REQUESTED"
    assert "not possible in state" in shell.refused(6, "pause", "long")
    assert [one["recordingId"] for one in shell.recording("list")] == ["long", "short"]
    assert shell.recording("delete", "short")["state"] == "SUCCEEDED"
    assert not Path(file["uri"]).exists()
    assert "there is no recording 'short'" in shell.refused(3, "get", "short")
    for line in COMMANDS:  # one after the other, as fast as they come
        shell.run(*shlex.split(line.replace("--channel news", "--channel live"))[1:])
    assert [one["recordingId"] for one in shell.recording("list")] == ["long"]


def test_what_is_refused(shell: Shell) -> None:
    for code, text, arguments in (
        (2, "ID: 'A_' is not an id", ["A_"]),
        (2, "--notify: 127.0.0.1:80 lies in a private network", ["a", "--notify", "http://127.0.0.1/"]),
        (2, "--max-duration: 'x' is not a duration", ["a", "--max-duration", "x"]),
        (2, "--output: ", ["a", "--output", "/etc"]),
        (2, "--file-stem: '..' begins with a dot", ["a", "--file-stem", "../etc"]),
        (2, "--stop-tone: 'x' is none: keys 0-9 * # A-D", ["a", "--stop-tone", "x"]),
    ):
        said = shell.refused(code if "private" not in text else 5, "start", *arguments)
        assert text in said, said
    assert shell.recording("list") == []
