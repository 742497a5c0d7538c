"""What a message may carry although its type does not have it: over gRPC nobody has parsed it strictly before us."""

from __future__ import annotations

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet

from livedvr.api.aip.fields import ENUM, is_map, join
from livedvr.resources.errors import InvalidArgument


def check_known(message: Message, *, field: str = "") -> None:
    """Refuse a field of a newer client, and a number that its enum does not have: as `read_json` does for REST.

    Args:
        message: a request, as it was parsed.
        field: its path; errors begin with it.

    Raises:
        InvalidArgument: with the path.
    """
    unknown = UnknownFieldSet(message)
    if len(unknown):
        raise InvalidArgument(
            f"field number {unknown[0].field_number} of {message.DESCRIPTOR.name} is not known",
            field=field or None,
            hint="the client is newer than this server",
        )
    for descriptor, value in message.ListFields():
        path = join(field, descriptor.name)
        if is_map(descriptor):
            continue  # the API's maps are of strings
        if descriptor.is_repeated:
            for i, one in enumerate(value):
                _check(descriptor, one, f"{path}[{i}]")
        else:
            _check(descriptor, value, path)


def _check(field: FieldDescriptor, value: Message | int, path: str) -> None:
    if field.message_type is not None:
        check_known(value, field=path)
    elif field.type == ENUM and value not in field.enum_type.values_by_number:
        names = ", ".join(field.enum_type.values_by_name)
        raise InvalidArgument(f"{value} is no {field.enum_type.name}", field=path, hint=f"one of {names}")
