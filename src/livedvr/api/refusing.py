"""Fields that the API has and livedvr does not do: refused by name, never accepted and ignored."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from livedvr.resources.errors import InvalidArgument, LiveDvrError, Unimplemented


def refuse(message: Any, fields: Sequence[str], at: str) -> None:
    """UNIMPLEMENTED naming the first of these fields that is given. ``at``: the message's own path, ``channel``."""
    for field in fields:
        value = getattr(message, field)
        given = message.HasField(field) if _is_message(message, field) else bool(value)
        if given:
            raise Unimplemented(f"livedvr does not do '{field}'", field=f"{at}.{field}", hint="leave it out")


def _is_message(message: Any, field: str) -> bool:
    descriptor = message.DESCRIPTOR.fields_by_name[field]
    return descriptor.message_type is not None and not descriptor.is_repeated


@contextlib.contextmanager
def at(path: str) -> Iterator[None]:
    """What is wrong with a value of the domain is wrong with the field it was made of."""
    try:
        yield
    except InvalidArgument as error:
        raise InvalidArgument(error.message, field=path, hint=error.hint) from error


@contextlib.contextmanager
def renamed(fields: Mapping[str, str]) -> Iterator[None]:
    """A field of the domain is, for the client, the one that ``fields`` has for it."""
    try:
        yield
    except LiveDvrError as error:
        if error.field is not None:
            error.field = fields.get(error.field, error.field)
        raise
