"""What a client is answered when something is wrong: the vendor's codes, always with HTTP 200."""

from __future__ import annotations

from livedvr.resources.errors import (
    InvalidArgument,
    LiveDvrError,
    NotFound,
    PermissionDenied,
    Unimplemented,
)


class TencentError(Exception):
    """``code``: of the vendor's list; a client gets it only where the answer is HTTP 200."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


# What recordings themselves refuse, the first that fits.
_CODES: tuple[tuple[type[LiveDvrError], str], ...] = (
    (InvalidArgument, "InvalidParameter"),
    (Unimplemented, "UnsupportedOperation"),
    (NotFound, "ResourceNotFound"),
    (PermissionDenied, "FailedOperation"),  # of the callback's address, which its owner has set up
)


def translated(error: LiveDvrError) -> TencentError:
    """An error of ours in the vendor's words; what nobody asked for wrongly is our own trouble, worth another try."""
    code = next((code for kind, code in _CODES if isinstance(error, kind)), "InternalError.CRInternalError")
    return TencentError(code, str(error))


def gone(task: str) -> TencentError:
    """There is none of that name, it has ended, or it has outlived its ResourceExpiredHour: no difference is told."""
    return TencentError("ResourceNotFound", f"TaskId: there is no task '{task}', or it may not be asked for any more")
