from __future__ import annotations

import pytest

from livedvr.resources import errors
from livedvr.resources.errors import (
    Aborted,
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    LiveDvrError,
    NotFound,
    ObjectConflict,
    PermissionDenied,
    SourceError,
    StorageError,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidArgument, "INVALID_ARGUMENT"),
        (FailedPrecondition, "FAILED_PRECONDITION"),
        (NotFound, "NOT_FOUND"),
        (AlreadyExists, "ALREADY_EXISTS"),
        (Aborted, "ABORTED"),
        (PermissionDenied, "PERMISSION_DENIED"),
        (SourceError, "UNAVAILABLE"),
        (StorageError, "UNAVAILABLE"),
        (ObjectConflict, "DATA_LOSS"),
    ],
)
def test_each_error_has_the_code_of_the_tree(error: type[LiveDvrError], code: str) -> None:
    assert error("x").code == code
    assert error.__name__ in (errors.__doc__ or "")
    assert code in (errors.__doc__ or "")


def test_a_conflict_can_be_caught_as_a_storage_error_and_everything_as_ours() -> None:
    with pytest.raises(StorageError):
        raise ObjectConflict("other bytes")
    with pytest.raises(LiveDvrError):
        raise SourceError("nothing comes")


@pytest.mark.parametrize(
    ("field", "hint", "line"),
    [
        (None, None, "it is wrong"),
        ("--end", None, "--end: it is wrong"),
        (None, "mend it", "it is wrong (mend it)"),
        ("--end", "mend it", "--end: it is wrong (mend it)"),
    ],
)
def test_an_error_says_in_one_line_what_is_wrong_where_and_what_to_do(
    field: str | None, hint: str | None, line: str
) -> None:
    assert str(InvalidArgument("it is wrong", field=field, hint=hint)) == line
