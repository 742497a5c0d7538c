"""The exit codes of what goes wrong, whether a server says so or this machine."""

from __future__ import annotations

import pytest

from livedvr.cli.reported import reported
from livedvr.resources import errors
from livedvr.resources.errors import LiveDvrError


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.InvalidArgument("x"), 2),
        (errors.Unimplemented("x"), 2),
        (errors.NotFound("x"), 3),
        (errors.StorageError("x"), 4),
        (errors.CatalogError("x"), 4),
        (errors.Unreachable("x"), 5),
        (errors.PermissionDenied("x"), 5),
        (errors.AlreadyExists("x"), 6),
        (errors.Superseded("x"), 6),
        (errors.ResourceExhausted("x"), 6),
        (LiveDvrError("x"), 1),
    ],
)
def test_how_a_command_ends(error: LiveDvrError, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended, reported(lambda field: f"--{field}"):
        raise error
    assert (ended.value.code, capsys.readouterr().err) == (code, "livedvr: x\n")


def test_a_field_is_told_as_the_option_that_was_given(capsys: pytest.CaptureFixture[str]) -> None:
    for option, said in (("--end", "livedvr: --end: x (y)\n"), (None, "livedvr: x (y)\n")):
        with pytest.raises(SystemExit), reported({"end_time": option}.get):
            raise errors.InvalidArgument("x", field="end_time", hint="y")
        assert capsys.readouterr().err == said


def test_ctrl_c_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended, reported(str):
        raise KeyboardInterrupt
    assert (ended.value.code, capsys.readouterr().err) == (130, "")
