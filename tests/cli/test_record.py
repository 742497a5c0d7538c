"""The exit codes, and that a failure is one line."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from builders import session_resource
from livedvr.cli import main
from livedvr.cli.record import exit_code
from livedvr.recording import RecordResult
from livedvr.resources import errors
from livedvr.resources.models import DvrSession

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("session", "error", "code"),
    [
        (session_resource("FINISHED"), None, 0),
        (session_resource("FAILED", "NOT_FOUND: no media in the window"), None, 3),
        (session_resource("SCHEDULED"), None, 3),
        (session_resource("FAILED", "disk full"), None, 4),
        (session_resource("FINISHED"), errors.StorageError("disk full"), 4),
        (None, errors.ObjectConflict("x"), 4),
        (None, errors.SourceError("x"), 5),
        (None, errors.AlreadyExists("x"), 6),
        (None, errors.Aborted("x"), 6),
        (None, errors.InvalidArgument("x"), 2),
        (None, errors.FailedPrecondition("x"), 2),
    ],
)
def test_exit_codes(session: DvrSession | None, error: errors.LiveDvrError | None, code: int) -> None:
    assert exit_code(RecordResult("demo", session, error)) == code


def test_json_carries_what_was_promised() -> None:
    shown = RecordResult("demo", _with_edges(session_resource("FINISHED")), None).to_json()
    assert set(shown) >= {
        "session",
        "state",
        "output_uri",
        "windows",
        "actual_start",
        "actual_end",
        "segments",
        "duration",
        "bytes",
        "gaps",
        "error",
    }
    assert shown["windows"] == [{"startTime": "2026-11-21T02:00:00Z", "endTime": None}]
    assert shown["actual_start"] == "2026-01-01T00:00:00.000Z"
    assert json.loads(json.dumps(shown)) == shown


def _with_edges(session: DvrSession) -> DvrSession:
    return session.model_copy(update={"actual_start": NOW, "actual_end": NOW})


def test_a_failure_is_one_line_and_one_object(tmp_path: Path) -> None:
    ran = CliRunner().invoke(main, ["record", "gopher://x", "--output", str(tmp_path), "--session", "demo", "--json"])
    assert ran.exit_code == 2
    assert json.loads(ran.stdout)["error"].startswith("SOURCE: 'gopher://'")
    assert ran.stderr.count("\n") == 1 and ran.stderr.startswith("livedvr: SOURCE: 'gopher://'")
    assert not list(tmp_path.iterdir()), "nothing is made for a command that cannot work"


def test_help_names_commands_and_exit_codes() -> None:
    runner = CliRunner()
    assert "record" in runner.invoke(main, ["--help"]).stdout
    assert "6 taken" in " ".join(runner.invoke(main, ["record", "--help"]).stdout.split())
    assert runner.invoke(main, ["nonsense"]).exit_code == 2


def test_help_imports_nothing_of_what_the_commands_need() -> None:
    """It starts in a tenth of a second of CPU: what is imported decides, and is the same on every machine."""
    asked = "import sys\nfrom livedvr.cli import main\nmain(['--help'], standalone_mode=False)\nprint(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    imported = set(ran.stdout.splitlines()[-1].split())
    assert not imported & {"pydantic", "asyncio", "sqlite3", "av", "grpc", "google", "numpy", "starlette", "uvicorn"}
    assert {name for name in imported if name.startswith("livedvr")} == {"livedvr", "livedvr.cli"}
