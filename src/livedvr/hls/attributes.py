"""Attribute lists (RFC 8216bis section 4.2): ``NAME=value,NAME="quoted value",...``. Pure text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction

_ITEM = re.compile(r'(?:[^,"]|"[^"]*"?)+|(?<=,)(?=,|$)|^(?=,)')  # up to the next comma outside quotes; may be empty
_NAME = re.compile(r"[A-Z0-9-]+")
_VALUE = re.compile(r'"[^"\r\n]*"|[^",\s]+')
# An integer has up to 20 digits; so has, here, each side of the point: what is longer is no number anybody meant.
_DECIMAL = r"[0-9]{1,20}(\.[0-9]{0,20})?|\.[0-9]{1,20}"

_TYPES = {
    "decimal-integer": re.compile(r"[0-9]{1,20}"),
    # The section asks for upper case; every client reads both, and both are about.
    "hexadecimal-sequence": re.compile(r"0[xX][0-9A-Fa-f]+"),
    "decimal-floating-point": re.compile(_DECIMAL),
    "signed-decimal-floating-point": re.compile(f"-?({_DECIMAL})"),
    "quoted-string": re.compile(r'"[^"\r\n]*"'),
    "enumerated-string": re.compile(r'[^",\s]+'),
    "decimal-resolution": re.compile(r"[0-9]+x[0-9]+"),
}


class Attributes(dict[str, str]):
    """Attribute names and their values as they are written: a quoted-string keeps its quotes.

    Attributes:
        problems: what is wrong with the syntax of the list, one sentence each; empty when it is well formed. What can
            be read is there all the same; of a name that stands twice the first value is.
    """

    def __init__(self, values: Mapping[str, str], problems: tuple[str, ...] = ()) -> None:
        super().__init__(values)
        self.problems = problems

    def text(self, name: str) -> str | None:
        """The value without its quotes; None when the attribute is not there."""
        value = self.get(name)
        return None if value is None else value.strip('"')

    def number(self, name: str) -> Fraction | None:
        """The value of a decimal-integer or a (signed) decimal-floating-point; None when it is none, or not there."""
        value = self.get(name, "")
        return Fraction(value) if is_type("signed-decimal-floating-point", value) else None


def parse_attributes(text: str) -> Attributes:
    """Read an attribute list, as far as it can be read; `Attributes.problems` says where it cannot."""
    values: dict[str, str] = {}
    problems: list[str] = []
    for item in _ITEM.findall(text):
        name, equals, value = item.strip().partition("=")
        if item != item.strip():
            problems.append(f"white space around '{item.strip()}'")
        if not equals or not _NAME.fullmatch(name):
            problems.append(f"'{item.strip()}' is not NAME=value")
        elif not _VALUE.fullmatch(value):
            problems.append(f"the value of {name} is no quoted string and no single word: {value or 'nothing'}")
        elif name in values:
            problems.append(f"{name} stands twice")
        else:
            values[name] = value
    return Attributes(values, tuple(problems))


def format_attributes(values: Mapping[str, str]) -> str:
    """Write an attribute list, in the mapping's order; `quoted` makes the values that need quotes.

    Raises:
        ValueError: a name or a value that no attribute list can carry.
    """
    for name, value in values.items():
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value):
            raise ValueError(f"{name}={value} cannot stand in an attribute list")
    return ",".join(f"{name}={value}" for name, value in values.items())


def quoted(text: str) -> str:
    """Text as a quoted-string; ValueError when it holds a quote or a line end, for which there is no escape."""
    if not is_type("quoted-string", f'"{text}"'):
        raise ValueError(f"{text!r} cannot be a quoted-string")
    return f'"{text}"'


def is_type(name: str, value: str) -> bool:
    """Whether a value as written is of one of the section's types, e.g. ``decimal-integer``."""
    return _TYPES[name].fullmatch(value) is not None
