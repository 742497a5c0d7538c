"""What a client is answered when something is wrong: the vendor's codes (reference, section 4.1), with HTTP 200."""

from __future__ import annotations

from enum import IntEnum

from livedvr.resources.errors import InvalidArgument, LiveDvrError, NotFound, PermissionDenied, Unimplemented


class Code(IntEnum):
    """The vendor's."""

    SUCCEED = 0
    SIGNATURE_EXPIRED = 100000004
    SIGNATURE_INVALID = 100000005
    NOT_ACTIVATED = 300000002
    RATE_LIMIT = 300000003
    INVALID_PARAMETER = 300000004
    GATEWAY = 300000005
    TOO_MANY_TASKS = 300000006
    NO_TASK = 300001000
    TASK_ENDED = 300001001
    NOT_PAUSED = 300001004
    SYSTEM = 300010000


class ZegoError(Exception):
    """``message`` names the parameter that is meant."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def invalid(field: str, why: str) -> ZegoError:
    """A parameter that cannot work here."""
    return ZegoError(Code.INVALID_PARAMETER, f"{field}: {why}")


# What recordings themselves refuse, the first that fits; the rest is our own trouble.
_CODES: tuple[tuple[type[LiveDvrError], Code], ...] = (
    (InvalidArgument, Code.INVALID_PARAMETER),
    (Unimplemented, Code.INVALID_PARAMETER),
    (PermissionDenied, Code.INVALID_PARAMETER),
    (NotFound, Code.NO_TASK),
)
_FIELDS = {
    "notify[0].uri": "RecordOutputParams.CallbackUrl",
    "formats": "RecordOutputParams.OutputFileFormat",
    "tracks": "RecordInputParams.StreamType",
    "outputUri": "RoomId",  # its channel writes to a bucket
    "segment_stem": "RoomId",
    "file_stem": "RoomId",  # it is what may be too long in the names of files
}


def translated(error: LiveDvrError) -> ZegoError:
    """An error of ours in the vendor's words, and with the vendor's name of the parameter."""
    code = next((code for kind, code in _CODES if isinstance(error, kind)), Code.SYSTEM)
    field = _FIELDS.get(error.field or "", error.field)
    message = error.message
    if isinstance(error, PermissionDenied) and error.hint:  # of a callback's address: what its operator can do
        message += f" ({error.hint})"
    return ZegoError(code, f"{field}: {message}" if field else message)
