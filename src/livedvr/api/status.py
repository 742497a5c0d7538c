"""From our error tree to google.rpc.Status with its details (AIP-193), and to the HTTP codes of both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format
from google.rpc import code_pb2, error_details_pb2, status_pb2

from livedvr.resources.errors import InvalidArgument, LiveDvrError, ResourceExhausted

DOMAIN = "livestream.googleapis.com"  # what clients of the original look for
LONGEST = 1000  # bytes of a message; in trailers three times as many, and twice more in the details

# What api-core takes each for: reference, section 4. Never 401: an anonymous client would look for credentials.
HTTP: Mapping[str, int] = {
    "OK": 200,
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "PERMISSION_DENIED": 403,
    "UNAUTHENTICATED": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "ABORTED": 409,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "INTERNAL": 500,
    "UNKNOWN": 500,
    "DATA_LOSS": 500,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}


def to_status(error: LiveDvrError, domain: str = DOMAIN) -> status_pb2.Status:
    """The error with its reason and, where a value is wrong, with the field that has it. ``domain``: who says so."""
    text = _short(f"{error.message} ({error.hint})" if error.hint else error.message)
    status = status_pb2.Status(code=code_pb2.Code.Value(error.code), message=text)
    info = error_details_pb2.ErrorInfo(reason=error.code, domain=domain)
    if error.field:
        info.metadata["field"] = error.field
    status.details.add().Pack(info)
    if error.field and isinstance(error, InvalidArgument):
        bad = error_details_pb2.BadRequest()
        bad.field_violations.add(field=error.field, description=text)
        status.details.add().Pack(bad)
    if isinstance(error, ResourceExhausted) and error.retry_after is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromMicroseconds(error.retry_after)
        status.details.add().Pack(retry)
    return status


def _short(text: str) -> str:
    """It repeats what a client has sent, and over gRPC it travels in trailers: clients refuse those beyond 8 KB."""
    whole = text.encode()
    return text if len(whole) <= LONGEST else f"{whole[:LONGEST].decode(errors='ignore')}..."


def to_http(status: status_pb2.Status) -> tuple[int, dict[str, Any]]:
    """The HTTP code and body of a status."""
    name = code_pb2.Code.Name(status.code)
    shown: dict[str, Any] = {"code": HTTP[name], "message": status.message, "status": name}
    shown["details"] = [json_format.MessageToDict(detail) for detail in status.details]
    return HTTP[name], {"error": shown}
