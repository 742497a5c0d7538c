"""What a filter means for messages of one type (AIP-160): compiled against the descriptor, so that a field that does
not exist or a value of another type is refused before anything is looked at.

A comparison with what is not there (an unset message, a map's missing key) is false, and true with ``!=``.
"""

from __future__ import annotations

import operator as operators
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from livedvr.api.aip.fields import (
    BOOL,
    ENUM,
    FLOATS,
    INTEGERS,
    STRING,
    find_field,
    is_list,
    is_map,
    is_set,
    is_time,
    map_value,
    names_of,
    nanos_of,
    value_of,
)
from livedvr.api.aip.filter_syntax import FIELD, All, Comparison, Either, Not, Tree, parse_filter, refusal
from livedvr.api.aip.values import is_number, printable, read_time, shown
from livedvr.resources.errors import InvalidArgument

Test = Callable[[Any], bool]

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operators.eq,
    ":": operators.eq,
    "!=": operators.ne,
    "<": operators.lt,
    "<=": operators.le,
    ">": operators.gt,
    ">=": operators.ge,
}
_EQUALITY = ("=", "!=", ":")


def compile_filter(text: str, item: Descriptor) -> Callable[[Message], bool]:
    """Whether a message ``item`` is meant. An empty filter means all. InvalidArgument names ``filter``."""
    tree = parse_filter(text)
    return _compile(tree, item) if tree is not None else lambda _: True


def _compile(tree: Tree, item: Descriptor) -> Test:
    match tree:
        case Comparison():
            return _at_message(item, tree.path, tree)
        case Not(part):
            inner = _compile(part, item)
            return lambda message: not inner(message)
        case All(parts):
            tests = [_compile(part, item) for part in parts]
            return lambda message: all(test(message) for test in tests)
        case Either(parts):
            tests = [_compile(part, item) for part in parts]
            return lambda message: any(test(message) for test in tests)


def _at_message(descriptor: Descriptor, path: tuple[str, ...], asked: Comparison) -> Test:
    """The test of a message whose field ``path[0]`` leads on."""
    field = find_field(descriptor, path[0])
    if field is None:
        raise refusal(f"there is no field '{printable('.'.join(asked.path))}'", asked.position, names_of(descriptor))
    rest = path[1:]
    if asked.operator == ":" and asked.value == "*" and not rest:
        return lambda message: is_set(message, field)
    if is_map(field):
        test = _at_map(field, rest, asked)
        return lambda message: test(getattr(message, field.name))
    if is_list(field):
        if asked.operator != ":":
            raise refusal(f"{field.name} is repeated", asked.position, "a repeated field has a value with ':'")
        element = _at_value(field, rest, asked)
        return lambda message: any(map(element, _elements(message, field)))
    test, missing = _at_value(field, rest, asked), asked.operator == "!="
    if field.has_presence:
        return lambda message: test(value_of(message, field)) if message.HasField(field.name) else missing
    return lambda message: test(getattr(message, field.name))


def _elements(message: Message, field: FieldDescriptor) -> Any:
    elements = getattr(message, field.name)
    return map(nanos_of, elements) if is_time(field) else elements


def _at_value(field: FieldDescriptor, rest: tuple[str, ...], asked: Comparison) -> Test:
    """The test of a single value of the field's type, or of what ``rest`` leads to in it."""
    if field.message_type is None or is_time(field):
        if rest:
            raise refusal(f"{field.name} has no fields", asked.position)
        return _at_leaf(field, asked)
    if field.message_type.full_name == "google.protobuf.Any":
        raise refusal(f"{field.name} cannot be filtered by", asked.position)
    if rest:
        return _at_message(field.message_type, rest, asked)
    if asked.operator == ":":  # m:foo asks whether foo is set in m
        return _at_message(field.message_type, (asked.value,), Comparison(asked.path, ":", "*", asked.position))
    raise refusal(f"{field.name} is a message", asked.position, names_of(field.message_type))


def _at_map(field: FieldDescriptor, rest: tuple[str, ...], asked: Comparison) -> Test:
    if not rest and asked.operator == ":":  # m:foo asks for a key
        return lambda entries: asked.value in entries
    if len(rest) != 1:
        raise refusal(f"{field.name} is a map", asked.position, f'{field.name}.key = "value", or {field.name}:key')
    key, missing = rest[0], asked.operator == "!="
    if asked.operator == ":" and asked.value == "*":
        return lambda entries: key in entries
    test = _at_value(map_value(field), (), asked)
    return lambda entries: test(entries[key]) if key in entries else missing


def _at_leaf(field: FieldDescriptor, asked: Comparison) -> Test:
    if field.type == STRING and asked.operator in _EQUALITY and "*" in asked.value:
        pieces, wanted = asked.value.split("*"), asked.operator != "!="
        return lambda text: _is_like(text, pieces) is wanted
    if field.type in (ENUM, BOOL) and asked.operator not in _EQUALITY:
        raise refusal(f"{field.name} has no order", asked.position, "= or !=")
    value, compare = _read(field, asked), _COMPARE[asked.operator]
    return lambda given: compare(given, value)


def _is_like(text: str, pieces: Sequence[str]) -> bool:
    """Whether the text is these pieces, anything between them. No regular expression: that could take forever."""
    first, *middle, last = pieces
    if len(text) < len(first) + len(last) or not (text.startswith(first) and text.endswith(last)):
        return False
    at, end = len(first), len(text) - len(last)
    for piece in middle:
        found = text.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True


def _read(field: FieldDescriptor, asked: Comparison) -> Any:
    """The value that is compared with, in the field's type."""
    text = asked.value
    if field.type == STRING:
        return text
    if field.type == ENUM:
        names = field.enum_type.values_by_name
        if text not in names:
            raise refusal(f"{shown(text)} is no {field.enum_type.name}", asked.position, "one of " + ", ".join(names))
        return names[text].number
    if field.type == BOOL:
        if text not in ("true", "false"):
            raise refusal(f"{shown(text)} is no boolean", asked.position, "true or false")
        return text == "true"
    if is_time(field):
        return _read_time(field, asked)
    if (field.cpp_type in INTEGERS or field.cpp_type in FLOATS) and is_number(text):
        return Fraction(text)  # exact against whole numbers and floats alike
    raise refusal(f"{shown(text)} is no number", asked.position)


def _read_time(field: FieldDescriptor, asked: Comparison) -> int:
    time = Timestamp() if field.message_type.name == "Timestamp" else Duration()
    try:
        read_time(time, asked.value, path=FIELD)
    except InvalidArgument as error:
        raise refusal(error.message, asked.position, error.hint) from None
    return nanos_of(time)
