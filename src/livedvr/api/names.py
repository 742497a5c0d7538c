"""Resource names: ``projects/p/locations/l/channels/c/dvrSessions/d`` (AIP-122)."""

from __future__ import annotations

import re

from livedvr.resources.errors import InvalidArgument

_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,62}")  # a project's id may have a domain in it
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")


def check_name(name: str, pattern: str, *, field: str) -> str:
    """The name, if it is one of ``projects/*/locations/*/channels/*``; INVALID_ARGUMENT says what it should be."""
    parts, wanted = name.split("/"), pattern.split("/")
    fits = (
        len(parts) == len(wanted)
        and all(
            (_PART if i < 4 else _ID).fullmatch(part) if want == "*" else part == want
            for i, (part, want) in enumerate(zip(parts, wanted, strict=True))
        )
        if len(parts) == len(wanted)
        else False
    )
    if not fits:
        raise InvalidArgument(f"'{name}' is no name of the form {pattern}", field=field)
    return name


def last_id(name: str) -> str:
    """``d`` of ``.../dvrSessions/d``."""
    return name.rpartition("/")[2]


def parent_of(name: str) -> str:
    """``projects/p/locations/l/channels/c`` of ``projects/p/locations/l/channels/c/dvrSessions/d``."""
    return "/".join(name.split("/")[:-2])


def location_of(name: str) -> str:
    """``projects/p/locations/l`` of any name in it."""
    return "/".join(name.split("/")[:4])
