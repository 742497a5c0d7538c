"""``order_by`` (AIP-132): ``"create_time desc, name"``, a total order of a collection."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cmp_to_key
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from livedvr.api.aip.fields import FLOATS, STRING, find_field, is_set, is_time, names_of, value_of
from livedvr.api.aip.values import shown
from livedvr.resources.errors import InvalidArgument

FIELD = "order_by"
_LONGEST = 1024
_TERM = re.compile(r"\s*([A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*)(?:\s+(asc|desc))?\s*")

Key = list[list[Any]]
"""An item's place: for each term nothing (what is unset comes first), or its value. JSON can carry it."""


@dataclass(frozen=True, slots=True)
class Order:
    """Terms, each a way to a field and its direction. The last one is the name, so no two items are equal."""

    terms: tuple[tuple[tuple[FieldDescriptor, ...], bool], ...]

    def key(self, message: Message) -> Key:
        """Where the message stands."""
        return [_value(message, way) for way, _ in self.terms]

    def fits(self, key: object) -> bool:
        """Whether this is a key of this order: it may come from a client."""
        return (
            isinstance(key, list)
            and len(key) == len(self.terms)
            and all(
                isinstance(value, list) and (not value or (len(value) == 1 and isinstance(value[0], _kind(way[-1]))))
                for value, (way, _) in zip(key, self.terms, strict=True)
            )
        )

    def compare(self, one: Key, other: Key) -> int:
        """Negative when ``one`` comes first, 0 when they are the same item."""
        for a, b, (_, descends) in zip(one, other, self.terms, strict=True):
            if a != b:
                return -1 if (a < b) != descends else 1
        return 0

    def sort_key(self) -> Callable[[Key], Any]:
        """For `sorted` over keys."""
        return cmp_to_key(self.compare)


def parse_order(text: str, item: Descriptor) -> Order:
    """The order of messages ``item``; an empty text is the order of names. InvalidArgument names ``order_by``."""
    if len(text) > _LONGEST:
        raise InvalidArgument("it is too long", field=FIELD, hint=f"{_LONGEST} characters at most")
    terms = [_term(part, item) for part in text.split(",")] if text.strip() else []
    return Order((*terms, ((item.fields_by_name["name"],), False)))


def _term(text: str, item: Descriptor) -> tuple[tuple[FieldDescriptor, ...], bool]:
    match = _TERM.fullmatch(text)
    if match is None:
        raise InvalidArgument(f"{shown(text)} is no field to order by", field=FIELD, hint="create_time desc, name")
    return _way(match[1], item), match[2] == "desc"


def _way(path: str, item: Descriptor) -> tuple[FieldDescriptor, ...]:
    way: list[FieldDescriptor] = []
    descriptor: Descriptor | None = item
    for name in path.split("."):
        field = find_field(descriptor, name) if descriptor is not None else None
        if field is None:
            hint = names_of(descriptor) if descriptor is not None else None
            raise InvalidArgument(f"there is no field {shown(path)}", field=FIELD, hint=hint)
        if field.is_repeated:
            raise InvalidArgument(f"{shown(path)} has no order: {field.name} is repeated", field=FIELD)
        way.append(field)
        descriptor = None if is_time(field) else field.message_type
    if descriptor is not None:
        raise InvalidArgument(f"{shown(path)} has no order", field=FIELD, hint=names_of(descriptor))
    return tuple(way)


def _value(message: Message, way: Sequence[FieldDescriptor]) -> list[Any]:
    for field in way[:-1]:
        message = getattr(message, field.name)  # an unset message reads as an empty one
    if way[-1].has_presence and not is_set(message, way[-1]):
        return []
    value = value_of(message, way[-1])
    return [value] if value == value else []  # not a number has no place


def _kind(field: FieldDescriptor) -> type | tuple[type, ...]:
    return str if field.type == STRING else (int, float) if field.cpp_type in FLOATS else int
