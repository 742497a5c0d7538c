"""Errors as Graph words them: HTTP statuses, codes, and in ``innerError`` what its media service says. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from livedvr.resources.errors import LiveDvrError, Unimplemented

# HTTP status, Graph's code, the media service's.
_CODES: Mapping[str, tuple[int, str, int | None]] = {
    "INVALID_ARGUMENT": (400, "BadRequest", 8523),
    "UNAUTHENTICATED": (401, "InvalidAuthenticationToken", None),
    "PERMISSION_DENIED": (403, "Forbidden", None),
    "NOT_FOUND": (404, "NotFound", 8522),
    "FAILED_PRECONDITION": (409, "Conflict", None),
    "ALREADY_EXISTS": (409, "Conflict", None),
    "ABORTED": (409, "Conflict", None),
    "UNIMPLEMENTED": (501, "NotImplemented", None),
    "UNAVAILABLE": (503, "ServiceUnavailable", None),
}
_OTHER = (500, "InternalServerError", None)

# What the client calls what the domain has another name for.
_FIELDS = {"notify": "callbackUri", "notify.uri": "callbackUri", "notify[0].uri": "callbackUri"}


class Unauthenticated(LiveDvrError):
    """Nobody says who they are, or nobody knows them."""

    code = "UNAUTHENTICATED"


def unsupported(field: str, what: str) -> Unimplemented:
    """What Graph has and we do not."""
    return Unimplemented(f"{what} is not supported here", field=field)


def status_of(error: LiveDvrError) -> int:
    """The HTTP status."""
    return _CODES.get(error.code, _OTHER)[0]


def error_body(error: LiveDvrError, date: str, request_id: str, client_request_id: str | None) -> dict[str, Any]:
    """What is answered. ``date``: ISO 8601, UTC, without a zone; ids: of the request."""
    _, code, subcode = _CODES.get(error.code, _OTHER)
    field = _FIELDS.get(error.field or "", error.field)
    text = f"{field}: {error.message}" if field else error.message
    inner = {"date": date, "request-id": request_id, "client-request-id": client_request_id or request_id}
    if subcode is not None:
        inner["code"] = str(subcode)
    return {"error": {"code": code, "message": f"{text} ({error.hint})" if error.hint else text, "innerError": inner}}
