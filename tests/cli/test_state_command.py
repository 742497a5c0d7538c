"""`--on-state`: real commands."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from builders import session_resource as session
from livedvr.cli import state_command
from livedvr.cli.state_command import StateCommand
from livedvr.resources.errors import InvalidArgument
from livedvr.resources.models import DvrSession


def command(script: str) -> str:
    return f"{sys.executable} -c '{script}'"


async def told(text: str, *sessions: DvrSession) -> list[str]:
    notes: list[str] = []
    async with StateCommand(text, notes.append) as hook:
        for one in sessions:
            hook.tell(one)
    return notes


async def test_it_gets_each_session_as_json_in_order(tmp_path: Path) -> None:
    log = tmp_path / "log"
    script = f'import sys; open("{log}", "a").write(sys.stdin.read())'
    states = ["PENDING", "LIVE", "POST_PROCESSING", "FINISHED"]
    assert await told(command(script), *[session(state) for state in states]) == []
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["state"] for line in lines] == states
    assert {line["session"] for line in lines} == {"demo"}


async def test_a_command_that_fails_is_noted_with_its_last_words_and_the_next_call_is_made(tmp_path: Path) -> None:
    script = 'import sys; print("first", file=sys.stderr); sys.exit("no such host")'
    notes = await told(command(script), session("PENDING"), session("LIVE"))
    assert len(notes) == 2
    assert "ended with code 1: no such host (at PENDING of 'demo')" in notes[0]


async def test_a_command_that_hangs_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_command, "PATIENCE", 0.2)
    notes = await told("sleep 1000", session("LIVE"))
    assert "was killed" in notes[0]


async def test_a_command_that_reads_nothing_is_no_trouble() -> None:
    assert await told("true", *[session("LIVE")] * 5) == []


@pytest.mark.parametrize("text", ["", "no-such-program --flag", "echo 'unfinished"])
def test_what_cannot_be_run_is_refused_at_once(text: str) -> None:
    with pytest.raises(InvalidArgument, match="--on-state"):
        StateCommand(text, print)
