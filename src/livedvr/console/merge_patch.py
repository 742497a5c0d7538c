"""JSON Merge Patch (RFC 7386): from one state to the next in few bytes. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def diff(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """What makes ``new`` of ``old``; empty: nothing has changed. Neither may hold a None: in a patch it deletes."""
    patch: dict[str, Any] = {key: None for key in old if key not in new}
    for key, value in new.items():
        before = old.get(key)
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            if inner := diff(before, value):
                patch[key] = inner
        elif value != before:
            patch[key] = value
    return patch
