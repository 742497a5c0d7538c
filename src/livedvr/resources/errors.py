"""The error tree.

    LiveDvrError                     code                 a user sees
    ├── InvalidArgument              INVALID_ARGUMENT     a value that can never work
    ├── FailedPrecondition           FAILED_PRECONDITION  a value that does not fit what is there now
    ├── NotFound                     NOT_FOUND            a name nobody has
    ├── AlreadyExists                ALREADY_EXISTS       a name somebody has
    ├── Aborted                      ABORTED              somebody else holds it
    ├── PermissionDenied             PERMISSION_DENIED    somebody who may not do this
    ├── ResourceExhausted            RESOURCE_EXHAUSTED   more than is allowed at a time
    ├── Unimplemented                UNIMPLEMENTED        what livedvr does not do
    ├── Unreachable                  UNAVAILABLE          a server that does not answer, or not as livedvr does
    ├── NotServing                   UNAVAILABLE          a server that comes or goes
    ├── SourceError                  UNAVAILABLE          the input does not come, or not as media
    └── StorageError                 UNAVAILABLE          the output cannot take what is written
        ├── ObjectConflict           DATA_LOSS            other bytes stand under a create-only name
        ├── Superseded               ABORTED              another controller writes to the output now
        └── CatalogError             UNAVAILABLE          the catalog cannot be read or written

Codes are those of google.rpc.Code. An error says in one line what is wrong, names the field or file, and
its hint says what to do.
"""

from __future__ import annotations

from typing import ClassVar


class LiveDvrError(Exception):
    """Base of all errors a user can meet.

    Args:
        message: one sentence, what is wrong.
        field: the argument, option or file that is meant, e.g. ``--end`` or ``dvrWindows[0]``.
        hint: what to do about it.
    """

    code: ClassVar[str] = "INTERNAL"

    def __init__(self, message: str, *, field: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.hint = hint

    def __str__(self) -> str:
        text = f"{self.field}: {self.message}" if self.field else self.message
        return f"{text} ({self.hint})" if self.hint else text


class InvalidArgument(LiveDvrError):
    """A value that can never work."""

    code = "INVALID_ARGUMENT"


class FailedPrecondition(LiveDvrError):
    """A value that does not fit what is there now."""

    code = "FAILED_PRECONDITION"


class NotFound(LiveDvrError):
    """A name nobody has."""

    code = "NOT_FOUND"


class AlreadyExists(LiveDvrError):
    """A name somebody has."""

    code = "ALREADY_EXISTS"


class Aborted(LiveDvrError):
    """Somebody else holds what is asked for."""

    code = "ABORTED"


class PermissionDenied(LiveDvrError):
    """Somebody who may not do this."""

    code = "PERMISSION_DENIED"


class ResourceExhausted(LiveDvrError):
    """More than is allowed at a time. ``retry_after``: when to try again, microseconds from now, if that is known."""

    code = "RESOURCE_EXHAUSTED"

    def __init__(
        self, message: str, *, field: str | None = None, hint: str | None = None, retry_after: int | None = None
    ) -> None:
        super().__init__(message, field=field, hint=hint)
        self.retry_after = retry_after


class Unimplemented(LiveDvrError):
    """What livedvr does not do."""

    code = "UNIMPLEMENTED"


class Unreachable(LiveDvrError):
    """A server that does not answer, or not as livedvr does."""

    code = "UNAVAILABLE"


class NotServing(LiveDvrError):
    """The server is not there yet, or not any more: the same again in a moment."""

    code = "UNAVAILABLE"


class SourceError(LiveDvrError):
    """The input does not come, or does not come as media."""

    code = "UNAVAILABLE"


class StorageError(LiveDvrError):
    """The output cannot take what is written to it. ``passing``: trying again later may help (S14)."""

    code = "UNAVAILABLE"

    def __init__(
        self, message: str, *, field: str | None = None, hint: str | None = None, passing: bool = False
    ) -> None:
        super().__init__(message, field=field, hint=hint)
        self.passing = passing


class ObjectConflict(StorageError):
    """Other bytes already stand under a name that is written only once."""

    code = "DATA_LOSS"


class Superseded(StorageError):
    """Another controller writes to the output now: whatever this one still wants to write is not the truth."""

    code = "ABORTED"


class CatalogError(StorageError):
    """The catalog cannot be read or written: a controller cannot go on without it, the next one finds all there is."""
