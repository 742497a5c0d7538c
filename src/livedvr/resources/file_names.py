"""Names of files that a user has patterns for: ``live/{begin}-{track}``. Pure.

Placeholders are ``{name}``, and a number may be filled up with zeros: ``{index:06d}``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from livedvr.resources.times import format_time

_PLACEHOLDER = re.compile(r"\{(?P<name>[a-z_]+)(?::0(?P<digits>[1-9])d)?\}")
_LONGEST_NAME = 200  # of the 255 bytes of a file system; what tells one file from another is appended

Values = Mapping[str, str | int | None]


def placeholders(pattern: str) -> frozenset[str]:
    """The names of those that stand in it."""
    return frozenset(found["name"] for found in _PLACEHOLDER.finditer(pattern))


def check_pattern(pattern: str, known: frozenset[str]) -> None:
    """ValueError when something in braces is none of the ``known`` placeholders."""
    for name in placeholders(pattern) - known:
        raise ValueError(f"there is no placeholder '{{{name}}}': {_listed(known)}")
    if re.search(r"[{}]", _PLACEHOLDER.sub("", pattern)):
        raise ValueError(f"braces are for placeholders: {_listed(known)}")


def check_stem(stem: str, known: frozenset[str]) -> None:
    """ValueError unless files below a folder can be named so: no way out of it, nothing hidden in it."""
    check_pattern(stem, known)
    if re.search(r"[\x00-\x1f\x7f\\]", stem):
        raise ValueError("a control character or a backslash cannot stand in the name of a file")
    for part in stem.split("/"):
        if not part:
            raise ValueError("the names of folders and files are not empty")
        if part.startswith("."):
            raise ValueError(f"'{part}' begins with a dot")
        if len(part.encode()) > _LONGEST_NAME:
            raise ValueError(f"'{part[:20]}...' has more than {_LONGEST_NAME} bytes")


def filled(pattern: str, values: Values) -> str | None:
    """With the values; None where there is none for one of its placeholders."""
    if any(values.get(name) is None for name in placeholders(pattern)):
        return None

    def value(found: re.Match[str]) -> str:
        return str(values[found["name"]]).rjust(int(found["digits"] or 0), "0")

    return _PLACEHOLDER.sub(value, pattern)


def stamp(micros: int) -> str:
    """``20261121140000123``: yyyymmddHHMMSSmmm, UTC."""
    return re.sub(r"\D", "", format_time(micros))


def _listed(known: frozenset[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in sorted(known))
