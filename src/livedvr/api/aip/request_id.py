"""The client's own name for a request (AIP-155)."""

from __future__ import annotations

import re

from livedvr.resources.errors import InvalidArgument

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_FIELD, _HINT = "request_id", "a random UUID, or none at all"


def check_request_id(text: str) -> None:
    """Nothing, or a UUID that is not the zero UUID; InvalidArgument otherwise."""
    if not text:
        return
    if not _UUID.fullmatch(text):
        raise InvalidArgument("it is no UUID", field=_FIELD, hint=_HINT)
    if not text.strip("0-"):
        raise InvalidArgument("the zero UUID names no request", field=_FIELD, hint=_HINT)
