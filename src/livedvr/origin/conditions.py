"""Conditional and partial requests (RFC 9110, sections 13 and 14). Pure."""

from __future__ import annotations

import re

_RANGE = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*", re.IGNORECASE)
_TAG = re.compile(r'(?:W/)?("[^"]*")')


class Unsatisfiable(Exception):
    """No byte of the range is there: 416."""


def matches(header: str | None, etag: str) -> bool:
    """Whether ``If-None-Match`` names the entity tag or is ``*``; compared weakly (13.1.2)."""
    return header is not None and (header.strip() == "*" or etag in _TAG.findall(header))


def asked_range(header: str | None, size: int) -> tuple[int, int] | None:
    """[start, end) of ``size`` bytes that ``Range`` asks for; None: all of it.

    One range. Several, other units and what is no range are answered whole, as 14.2 allows.

    Raises:
        Unsatisfiable: it begins behind the end, or is the last 0 bytes.
    """
    found = _RANGE.fullmatch(header.strip()) if header else None
    if found is None or (not found[1] and not found[2]):
        return None
    if not found[1]:
        start, end = max(0, size - int(found[2])), size
    else:
        start, end = int(found[1]), min(size, int(found[2]) + 1) if found[2] else size
        if found[2] and int(found[2]) < start:
            return None  # 14.1.2: invalid, so it is ignored
    if start >= end:
        raise Unsatisfiable
    return start, end


def range_holds(header: str | None, etag: str) -> bool:
    """Whether ``If-Range`` lets the range be answered: it is not there, or the very tag (13.1.5). Dates never do."""
    return header is None or header.strip() == etag


def accepts_gzip(header: str | None) -> bool:
    """Whether ``Accept-Encoding`` names gzip, or anything, with a weight above 0 (12.5.3)."""
    weights: dict[str, bool] = {}
    for part in (header or "").split(","):
        coding, _, parameters = part.partition(";")
        name, _, weight = parameters.strip().partition("=")
        zero = name.strip().lower() == "q" and not weight.strip().strip("0.")
        weights[coding.strip().lower()] = not zero
    return weights.get("gzip", weights.get("*", False))
