"""A JSON body <-> a raw protobuf message (ProtoJSON), strictly: what we do not know is refused with its path.

protobuf's own parser is not used to read: it takes ``[]`` for a message and any integer for an enum, and where an error
lies is somewhere in its text, differently from version to version.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from livedvr.api.aip.fields import STRING, find_field, is_list, is_map, is_time, join, map_value, names_of
from livedvr.api.aip.values import printable, read_scalar, read_time, shown
from livedvr.resources.errors import InvalidArgument


def read_json(body: bytes, message: Message, *, field: str = "") -> None:
    """Fill the message from a body. An empty body is an empty message.

    Args:
        body: UTF-8.
        message: an empty raw message.
        field: the request's field that the body is (``dvr_session``): errors begin with it.

    Raises:
        InvalidArgument: no JSON (line and column); a field that is unknown, given twice or of another type (its path).
    """
    if not body.strip():
        return
    value = _loads(body, field or "body")
    if not isinstance(value, tuple):
        raise InvalidArgument(f"{shown(value)} is no object", field=field or "body", hint="send a JSON object")
    _fill(message, value, field)


def write_json(message: Message, *, enums_as_integers: bool = False) -> dict[str, Any]:
    """The message as JSON: camelCase, without what is unset, enums as names or as ``enum-encoding=int`` has them."""
    written: dict[str, Any] = json_format.MessageToDict(message, use_integers_for_enums=enums_as_integers)
    return written


def _loads(body: bytes, field: str) -> object:
    """JSON with its objects as tuples of pairs, so that a key that comes twice is seen where its path is known."""
    try:
        return json.loads(body.decode(), object_pairs_hook=tuple, parse_constant=_refuse_constant)
    except UnicodeDecodeError as error:
        raise InvalidArgument(f"byte {error.start + 1} of the body is not UTF-8", field=field) from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise InvalidArgument(f"the body is no JSON: {error.msg} at {where}", field=field) from None
    except RecursionError:
        raise InvalidArgument("the body is nested too deeply", field=field) from None
    except ValueError:  # Python reads no number of more than 4300 digits
        raise InvalidArgument("the body has a number that is none, or endless", field=field) from None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _fill(message: Message, pairs: Iterable[tuple[str, object]], path: str) -> None:
    seen: set[str] = set()
    for key, value in pairs:
        field = find_field(message.DESCRIPTOR, key)
        if field is None:
            raise InvalidArgument(
                f"there is no field '{printable(key)}'",
                field=join(path, printable(key)),
                hint=names_of(message.DESCRIPTOR),
            )
        where = join(path, field.name.rstrip("_"))  # type_, which Python has for type
        if field.name in seen:
            raise InvalidArgument("given twice", field=where)
        seen.add(field.name)
        if value is None:  # ProtoJSON: null is unset
            continue
        choice = field.containing_oneof
        if choice is not None and (other := message.WhichOneof(choice.name)) is not None:
            raise InvalidArgument(f"{other} is given too", field=where, hint=f"one of them: they are {choice.name}")
        _set(message, field, value, where)


def _set(message: Message, field: FieldDescriptor, value: object, where: str) -> None:
    if is_map(field):
        _fill_map(getattr(message, field.name), field, value, where)
    elif is_list(field):
        _fill_list(getattr(message, field.name), field, value, where)
    elif field.message_type is not None:
        getattr(message, field.name).SetInParent()
        _set_message(getattr(message, field.name), field, value, where)
    else:
        setattr(message, field.name, read_scalar(field, value, path=where))


def _set_message(message: Message, field: FieldDescriptor, value: object, where: str) -> None:
    if is_time(field):
        read_time(message, value, path=where)
    elif not isinstance(value, tuple):
        raise InvalidArgument(f"{shown(value)} is no object", field=where)
    elif field.message_type.full_name != "google.protobuf.Any":
        # An Any is only found in google.rpc.Status.details, and that is for the server to say (AIP-203: left unread).
        _fill(message, value, where)


def _fill_list(items: Any, field: FieldDescriptor, value: object, where: str) -> None:
    if not isinstance(value, list):
        raise InvalidArgument(f"{shown(value)} is no array", field=where)
    for i, one in enumerate(value):
        if one is None:
            raise InvalidArgument("null is no element", field=f"{where}[{i}]")
        if field.message_type is not None:
            _set_message(items.add(), field, one, f"{where}[{i}]")
        else:
            items.append(read_scalar(field, one, path=f"{where}[{i}]"))


def _fill_map(entries: Any, field: FieldDescriptor, value: object, where: str) -> None:
    if not isinstance(value, tuple):
        raise InvalidArgument(f"{shown(value)} is no object", field=where)
    key_field, value_field = field.message_type.fields_by_name["key"], map_value(field)
    if key_field.type != STRING or value_field.message_type is not None:
        raise InvalidArgument("it cannot be given as JSON", field=where)
    for key, one in value:
        at = join(where, printable(key))
        read_scalar(key_field, key, path=at)
        if key in entries:
            raise InvalidArgument("given twice", field=at)
        entries[key] = read_scalar(value_field, one, path=at)
