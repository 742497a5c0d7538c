"""What goes over the control socket: one line of JSON there, one line back.

A request is a `Request`; an answer is ``{"result": [DvrSession, ...]}`` or ``{"error": {...}}``, resources as their own
JSON with camelCase names.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import ValidationError

from livedvr.resources import errors
from livedvr.resources.base import Resource
from livedvr.resources.errors import InvalidArgument, LiveDvrError
from livedvr.resources.models import WITH_SECRETS
from livedvr.resources.recording import RecordingSpec
from livedvr.resources.session_patch import SessionPatch

T = TypeVar("T", bound=Resource)

LONGEST_REQUEST = 64 * 1024  # a hundred windows and as many labels are a quarter of it

_KINDS: dict[str, type[LiveDvrError]] = {
    kind.__name__: kind
    for kind in (
        errors.InvalidArgument,
        errors.FailedPrecondition,
        errors.NotFound,
        errors.AlreadyExists,
        errors.Aborted,
        errors.PermissionDenied,
        errors.Unimplemented,
        errors.SourceError,
        errors.StorageError,
        errors.ObjectConflict,
        errors.Superseded,
    )
}


class Request(Resource):
    """What somebody wants of a channel's sessions: of all (``list``) or of one; ``patch`` is for ``update`` only."""

    method: Literal["list", "get", "update", "delete"]
    session: str = ""
    patch: SessionPatch = SessionPatch()

    def to_line(self) -> bytes:
        """As it is sent."""
        return self.model_dump_json(by_alias=True, exclude_defaults=True).encode() + b"\n"


class RecordingRequest(Resource):
    """What somebody wants of a channel's recordings: of all (``list``) or of one; ``spec`` is for ``start`` only."""

    recordings: Literal["list", "get", "start", "stop", "pause", "resume", "cancel", "delete"]
    recording: str = ""
    spec: RecordingSpec = RecordingSpec()

    def to_line(self) -> bytes:
        """As it is sent."""
        return self.model_dump_json(by_alias=True, exclude_defaults=True, context=WITH_SECRETS).encode() + b"\n"


def parse_request(line: bytes) -> Request | RecordingRequest:
    """A line that came; INVALID_ARGUMENT when it is no request."""
    kind = RecordingRequest if line.startswith(b'{"recordings":') else Request
    try:
        return kind.model_validate_json(line)
    except ValidationError as error:
        raise InvalidArgument(f"this is no request: {error.errors()[0]['msg']}") from error


def result_line(found: Sequence[Resource]) -> bytes:
    """The answer to a request that was carried out: sessions or recordings as they stand; none after a delete."""
    return _line({"result": [one.model_dump(mode="json", by_alias=True) for one in found]})


def error_line(error: LiveDvrError) -> bytes:
    """The answer to a request that was not."""
    told = {"code": error.code, "message": error.message, "field": error.field, "hint": error.hint}
    return _line({"error": {"kind": type(error).__name__, **told}})


def parse_answer(line: bytes, kind: type[T]) -> list[T]:
    """The sessions or recordings of an answer; raises the error that it carries, as the controller raised it."""
    answer = json.loads(line)
    if "error" in answer:
        told = answer["error"]
        raise _KINDS.get(told["kind"], LiveDvrError)(told["message"], field=told["field"], hint=told["hint"])
    return [kind.model_validate(one) for one in answer["result"]]


def _line(answer: dict[str, Any]) -> bytes:
    return json.dumps(answer).encode() + b"\n"


@contextlib.contextmanager
def socket_address(private: Path) -> Iterator[str]:
    """The path by which the control socket in a channel's private folder can be bound or connected to, meanwhile.

    It goes through a descriptor of the folder: a socket's address has 107 bytes, a path may have 4,095.
    """
    folder = os.open(private, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/control.sock"
    finally:
        os.close(folder)
