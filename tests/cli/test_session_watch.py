"""`livedvr session watch`: which changes it shows, how it asks, how it ends."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Sequence
from typing import Any

import pytest

from livedvr.cli.remote import pauses
from livedvr.cli.session_source import SessionSource
from livedvr.cli.session_watch import changes, line, watch
from livedvr.resources.errors import LiveDvrError, NotFound, Unreachable
from livedvr.sessions.plan import NO_MEDIA
from livedvr.sessions.view import NO_SESSION

AWAY = Unreachable("it cannot be reached", field="http://tv")


class Source:
    """Gives one answer after the other, and then the last again and again."""

    def __init__(self, answers: Sequence[str | LiveDvrError], error: str | None = None) -> None:
        self._answers = list(answers)
        self._error = error

    def get(self, session_id: str) -> dict[str, Any]:
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, LiveDvrError):
            raise answer
        return {**NO_SESSION, "session": session_id, "state": answer, "error": self._error}


def _source(*answers: str | LiveDvrError, error: str | None = None) -> SessionSource:
    return Source(answers, error)  # type: ignore[return-value]


def _states(source: SessionSource, slept: list[float]) -> list[Any]:
    return [one["state"] for one in changes(source, "demo", slept.append)]


def test_each_change_is_shown_once_and_the_looks_become_rare() -> None:
    slept: list[float] = []
    shown = _states(_source("PENDING", "PENDING", "LIVE", *["LIVE"] * 20, "POST_PROCESSING", "FINISHED"), slept)
    assert shown == ["PENDING", "LIVE", "POST_PROCESSING", "FINISHED"]
    assert slept[:3] == [0.1, pytest.approx(0.15), 0.1], "after a change the next one may be near"
    assert slept[20] == 2.0 and slept[-1] == 0.1


def test_what_is_at_its_end_is_shown_and_not_waited_for() -> None:
    slept: list[float] = []
    assert _states(_source("FAILED"), slept) == ["FAILED"] and not slept


def test_a_session_that_is_deleted_meanwhile() -> None:
    assert _states(_source("LIVE", "DELETING", NotFound("it is gone")), []) == ["LIVE", "DELETING", None]
    with pytest.raises(NotFound):
        _states(_source(NotFound("there is none")), [])


def test_a_server_that_is_started_again_is_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert _states(_source("LIVE", AWAY, AWAY, "LIVE", AWAY, "FINISHED"), []) == ["LIVE", "FINISHED"]
    told = "livedvr: http://tv: it cannot be reached; waiting for it\n"
    assert capsys.readouterr().err == told * 2, "once for each time it goes away"
    slept: list[float] = []
    with pytest.raises(Unreachable):
        _states(_source("LIVE", AWAY), slept)
    assert 60 < sum(slept) < 65
    with pytest.raises(Unreachable):
        _states(_source(AWAY), [])


@pytest.mark.parametrize(
    ("answers", "error", "code"),
    [
        (["LIVE", "FINISHED"], None, 0),
        (["LIVE", NotFound("gone")], None, 3),
        (["FAILED"], NO_MEDIA, 3),
        (["FAILED"], "the disk is full", 4),
    ],
)
def test_how_it_ends(answers: list[Any], error: str | None, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert watch(_source(*answers, error=error), "demo", lambda pause: None) == code
    lines = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    assert [one["session"] for one in lines] == ["demo"] * len(answers)
    assert list(lines[0]) == list(NO_SESSION), "the object that `livedvr record` prints"


def test_a_line_for_people() -> None:
    told = {**NO_SESSION, "session": "demo", "state": "LIVE", "segments": 3, "duration": 6.04}
    assert line(told) == "demo  LIVE  3 segments, 6.0 s"
    assert line({**told, "segments": None, "duration": None}) == "demo  LIVE"
    assert line({**told, "state": None, "segments": 0}) == "demo  DELETED"
    assert line({**told, "state": "FAILED", "segments": 0, "error": NO_MEDIA}) == f"demo  FAILED  {NO_MEDIA}"


def test_pauses() -> None:
    waits = pauses()
    assert [round(next(waits), 2) for _ in range(10)] == [0.1, 0.15, 0.23, 0.34, 0.51, 0.76, 1.14, 1.71, 2.0, 2.0]


def test_on_a_terminal_one_line_is_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdout", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    assert watch(_source("PENDING", "LIVE", "FINISHED"), "demo", lambda pause: None) == 0
    drawn = sys.stdout.getvalue()  # type: ignore[attr-defined]
    assert drawn.count("\x1b[2K") >= 2, "the line is erased before it is drawn again"
    assert drawn.index("demo  PENDING") < drawn.index("demo  LIVE") < drawn.index("demo  FINISHED")
    assert "{" not in drawn
