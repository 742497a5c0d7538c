"""Query parameters -> the fields of a request message, and how the answer is to be written."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from livedvr.api.aip.fields import BOOL, find_field, is_time
from livedvr.api.aip.mask import FIELD as MASK
from livedvr.api.aip.mask import read_mask
from livedvr.api.aip.values import printable, read_scalar, read_time, shown
from livedvr.resources.errors import InvalidArgument

_BOOLEANS: dict[str, bool | None] = {"true": True, "false": False}
_ALT = re.compile(r"json(;enum-encoding=(?P<enums>int|string))?")
_SECRETS = ("key", "access_token", "oauth_token")
_SYSTEM = (
    "alt",
    "prettyPrint",
    *_SECRETS,
    "callback",
    "fields",
    "quotaUser",
    "uploadType",
    "upload_protocol",
    ".xgafv",
)


@dataclass(frozen=True, slots=True)
class AnswerFormat:
    """What the system parameters ask for: ``$alt=json;enum-encoding=int`` and ``prettyPrint``."""

    enums_as_integers: bool = False
    pretty: bool = False


def read_query(parameters: Iterable[tuple[str, str]], message: Message, *, bound: Collection[str] = ()) -> AnswerFormat:
    """Fill the request from its query, names in camelCase or snake_case.

    Args:
        parameters: decoded names and values, in their order.
        message: the raw request message.
        bound: its fields that come from the path and the body, and hence not from here.

    Raises:
        InvalidArgument: naming the parameter: unknown, given twice, of another type, or a system parameter that we do
            not have.
    """
    answer, seen = AnswerFormat(), set[str]()
    for name, text in parameters:
        field = find_field(message.DESCRIPTOR, name)
        system = name.removeprefix("$")
        known = field.name if field is not None else f"${system}"
        if known in seen:
            raise InvalidArgument("given twice", field=printable(name))
        seen.add(known)
        if field is not None and field.name not in bound:
            _read(message, field, text)
        elif field is None and system in _SYSTEM:
            answer = _read_system(answer, system, text)
        else:
            raise InvalidArgument(
                f"there is no parameter '{printable(name)}'", field=printable(name), hint=_parameters(message, bound)
            )
    return answer


def _read(message: Message, field: FieldDescriptor, text: str) -> None:
    if field.name == MASK:
        message.update_mask.paths.extend(read_mask(text, _resource(message.DESCRIPTOR)))
    elif field.type == BOOL:
        setattr(message, field.name, read_scalar(field, _BOOLEANS.get(text, text), path=field.name))
    elif is_time(field) and not field.is_repeated:
        read_time(getattr(message, field.name), text, path=field.name)
    elif field.message_type is not None or field.is_repeated:
        raise InvalidArgument("it belongs into the body", field=field.name)
    else:
        setattr(message, field.name, read_scalar(field, text, path=field.name))


def _resource(request: Descriptor) -> Descriptor:
    """What an update's mask speaks of: the only other message in its request (AIP-134)."""
    return next(field.message_type for field in request.fields if field.message_type and field.name != MASK)


def _read_system(answer: AnswerFormat, name: str, text: str) -> AnswerFormat:
    """Google's system parameters. The official client sends ``$alt`` only."""
    if name == "alt" and (match := _ALT.fullmatch(text)):
        return AnswerFormat(match["enums"] == "int", answer.pretty)
    if name == "prettyPrint" and text in _BOOLEANS:
        return AnswerFormat(answer.enums_as_integers, text == "true")
    if name in _SECRETS:
        raise InvalidArgument(
            "a secret in a URL ends up in logs", field=name, hint="send it in a header: Authorization or X-Goog-Api-Key"
        )
    if name in ("alt", "prettyPrint"):
        hint = "json, or json;enum-encoding=int" if name == "alt" else "true or false"
        raise InvalidArgument(f"{shown(text)} is not offered", field=name, hint=hint)
    raise InvalidArgument("this server does not have this system parameter", field=name)


def _parameters(message: Message, bound: Collection[str]) -> str:
    names = [field.name for field in message.DESCRIPTOR.fields if field.name not in bound]
    return "one of " + ", ".join(names) if names else "this method has none"
