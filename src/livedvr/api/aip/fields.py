"""Fields of protobuf messages as a client names them: camelCase or snake_case, and the paths that they make."""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

_TIMES = ("google.protobuf.Timestamp", "google.protobuf.Duration")

INTEGERS = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}
"""The least and the largest value of each type of whole numbers."""
FLOATS = (FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT)
STRING = FieldDescriptor.TYPE_STRING
BOOL = FieldDescriptor.TYPE_BOOL
ENUM = FieldDescriptor.TYPE_ENUM


def find_field(descriptor: Descriptor, name: str) -> FieldDescriptor | None:
    """The field of that name in camelCase or snake_case, None when the message has none."""
    if not name.isascii():  # as all names are; protobuf does not look up half a surrogate pair
        return None
    return descriptor.fields_by_name.get(name) or descriptor.fields_by_camelcase_name.get(name)


def is_map(field: FieldDescriptor) -> bool:
    """Protobuf keeps a map as a repeated message of keys and values."""
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


def is_list(field: FieldDescriptor) -> bool:
    """Repeated, and no map."""
    return field.is_repeated and not is_map(field)


def is_time(field: FieldDescriptor) -> bool:
    """A Timestamp or a Duration: a message that is a value to its users."""
    return field.message_type is not None and field.message_type.full_name in _TIMES


def map_value(field: FieldDescriptor) -> FieldDescriptor:
    """What a map's values are."""
    return field.message_type.fields_by_name["value"]


def is_set(message: Message, field: FieldDescriptor) -> bool:
    """Whether the field is there to be seen: set, or where nobody keeps that, other than its default."""
    if field.has_presence:
        return bool(message.HasField(field.name))
    return bool(getattr(message, field.name))


def value_of(message: Message, field: FieldDescriptor) -> Any:
    """The field's value; a Timestamp or Duration as an integer of nanoseconds."""
    value = getattr(message, field.name)
    return nanos_of(value) if is_time(field) and not field.is_repeated else value


def nanos_of(time: Message) -> int:
    """A Timestamp since the epoch, or a Duration, as nanoseconds."""
    return int(time.seconds) * 1_000_000_000 + int(time.nanos)


def join(path: str, name: str) -> str:
    """``dvr_session`` and ``labels`` -> ``dvr_session.labels``."""
    return f"{path}.{name}" if path else name


def names_of(descriptor: Descriptor) -> str:
    """All fields of a message, for a hint."""
    return "one of " + ", ".join(field.name for field in descriptor.fields) if descriptor.fields else "it has no fields"
