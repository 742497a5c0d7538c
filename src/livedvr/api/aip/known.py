"""What a message may carry although its type does not have it: over gRPC nobody has parsed it strictly before us."""

from __future__ import annotations

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet

from livedvr.api.aip.fields import ENUM, is_map, is_time, join
from livedvr.resources.errors import InvalidArgument


def check_known(message: Message, *, field: str = "") -> None:
    """Refuse a field of a newer client, a number that its enum does not have, a time that is none: as `read_json` does.

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
        path = join(field, descriptor.name.rstrip("_"))  # type_, which Python has for type
        if is_map(descriptor):
            continue  # the API's maps are of strings
        if descriptor.is_repeated:
            for i, one in enumerate(value):
                _check(descriptor, one, f"{path}[{i}]")
        else:
            _check(descriptor, value, path)


def _check(field: FieldDescriptor, value: Message | int, path: str) -> None:
    if is_time(field):
        _check_time(value, path)
    elif field.message_type is not None:
        check_known(value, field=path)
    elif field.type == ENUM and value not in field.enum_type.values_by_number:
        names = ", ".join(field.enum_type.values_by_name)
        raise InvalidArgument(f"{value} is no {field.enum_type.name}", field=path, hint=f"one of {names}")


def _check_time(time: Message, path: str) -> None:
    try:
        time.ToJsonString()
    except ValueError:
        kind = time.DESCRIPTOR.name.lower()
        raise InvalidArgument(f"the {kind} is out of range", field=path) from None
