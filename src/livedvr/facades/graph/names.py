"""Ids and what names them on the wire. Pure."""

from __future__ import annotations

import uuid

from livedvr.resources.errors import NotFound

CALLS = "/communications/calls"


def new_id() -> str:
    """A GUID that nobody has."""
    return str(uuid.uuid4())


def guid(text: str, *, what: str) -> str:
    """As it is stored, of one that is written with or without dashes, in any case. NOT_FOUND: it is none."""
    plain = text.replace("-", "")
    try:
        found = uuid.UUID(hex=plain)
    except ValueError:
        found = None
    if found is None or len(plain) != 32:
        raise NotFound(f"there is no {what} '{text[:64]}'")
    return str(found)


def resource_url(call: str, operation: str | None = None) -> str:
    """As notifications name it: 32 capital digits, no dashes."""
    below = f"/operations/{_bare(operation)}" if operation else ""
    return f"{CALLS}/{_bare(call)}{below}"


def _bare(name: str) -> str:
    return name.replace("-", "").upper()
