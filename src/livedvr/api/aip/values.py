"""Single values as JSON and query parameters have them -> what protobuf has (ProtoJSON)."""

from __future__ import annotations

import math
import re

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from livedvr.api.aip.fields import BOOL, ENUM, FLOATS, INTEGERS, STRING
from livedvr.resources.errors import InvalidArgument

_INTEGER = re.compile(r"-?[0-9]{1,20}")
_NUMBER = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?")
_TIMES = {
    # RFC 3339 5.6; both forms are those of ProtoJSON.
    "Timestamp": (
        re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})"),
        "write 2026-11-21T14:00:00Z",
    ),
    "Duration": (re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,9})?s"), "write 20s or 1.5s"),
}


def read_scalar(field: FieldDescriptor, value: object, *, path: str) -> str | int | float | bool:
    """The value of a field that is no message: a JSON value, or the text of a query parameter."""
    if field.type == STRING:
        return check_text(value, path)
    if field.type == BOOL:
        if isinstance(value, bool):
            return value
        raise InvalidArgument(f"{shown(value)} is no boolean", field=path, hint="true or false")
    if field.type == ENUM:
        return read_enum(field, value, path=path)
    if field.cpp_type in INTEGERS:
        return _read_integer(field, value, path)
    if field.cpp_type in FLOATS:
        return _read_float(value, path)
    raise InvalidArgument("it cannot be given as JSON", field=path)


def check_text(value: object, path: str) -> str:
    """A string that UTF-8 can carry: JSON can write more than that."""
    if not isinstance(value, str):
        raise InvalidArgument(f"{shown(value)} is no string", field=path)
    if any("\ud800" <= one <= "\udfff" for one in value):
        raise InvalidArgument("half of a surrogate pair is no character", field=path)
    return value


def read_enum(field: FieldDescriptor, value: object, *, path: str) -> int:
    """A value by its name, or by its number as the official client sends it. Only what the enum has."""
    known = field.enum_type.values_by_name
    if isinstance(value, str) and value in known:
        return int(known[value].number)
    number = _whole(value)
    if number is not None and number in field.enum_type.values_by_number:
        return number
    raise InvalidArgument(f"{shown(value)} is no {field.enum_type.name}", field=path, hint="one of " + ", ".join(known))


def read_time(time: Message, text: object, *, path: str) -> None:
    """Fill a Timestamp (RFC 3339, with any offset) or a Duration (``20s``)."""
    form, hint = _TIMES[time.DESCRIPTOR.name]
    try:
        if not isinstance(text, str) or not form.fullmatch(text):
            raise ValueError("not of the form")
        time.FromJsonString(text)
    except (ValueError, OverflowError):
        kind = "time" if time.DESCRIPTOR.name == "Timestamp" else "duration"
        raise InvalidArgument(f"{shown(text)} is no {kind}", field=path, hint=hint) from None


def is_number(text: str) -> bool:
    """Whether the text is a number that `fractions.Fraction` reads, and no endless one."""
    return _NUMBER.fullmatch(text) is not None


def shown(value: object) -> str:
    """A client's value, in a message: short, and what it is where that says more."""
    if isinstance(value, list):
        return "an array"
    if isinstance(value, tuple):
        return "an object"
    if isinstance(value, bool):
        return str(value).lower()
    return f"'{printable(value)}'" if isinstance(value, str) else printable(str(value))


def printable(text: str) -> str:
    """What a client has written, as part of a message or a path: not too much of it, on one line, and always UTF-8."""
    text = text if len(text) <= 80 else text[:77] + "..."
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def _read_integer(field: FieldDescriptor, value: object, path: str) -> int:
    number, (least, most) = _whole(value), INTEGERS[field.cpp_type]
    if number is None:
        raise InvalidArgument(f"{shown(value)} is no whole number", field=path)
    if not least <= number <= most:
        raise InvalidArgument(f"{shown(value)} is out of range", field=path, hint=f"{least} to {most}")
    return number


def _whole(value: object) -> int | None:
    # ProtoJSON: a whole number may come as a string, and as 1.0.
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return int(value)
    return None


def _read_float(value: object, path: str) -> float:
    fits = isinstance(value, int | float) and not isinstance(value, bool)
    if fits or (isinstance(value, str) and is_number(value)):
        try:
            number = float(value)  # type: ignore[arg-type]
        except OverflowError:
            number = math.inf
        if math.isfinite(number):
            return number
    raise InvalidArgument(f"{shown(value)} is no number", field=path)
