"""Fields that the API has and livedvr does not do: refused by name, never accepted and ignored."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from livedvr.resources.errors import (
    CatalogError,
    FailedPrecondition,
    InvalidArgument,
    LiveDvrError,
    StorageError,
    Unimplemented,
)


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
def placed(path: str) -> Iterator[None]:
    """What storage says of an output is said of the field that names it: FAILED_PRECONDITION, unless it passes."""
    try:
        yield
    except CatalogError:
        raise
    except StorageError as error:
        text = f"{error.field}: {error.message}" if error.field else error.message
        if error.passing:
            raise StorageError(text, field=path, hint=error.hint, passing=True) from error
        raise FailedPrecondition(text, field=path, hint=error.hint) from error


@contextlib.contextmanager
def renamed(fields: Mapping[str, str]) -> Iterator[None]:
    """A field of the domain is, for the client, the one that ``fields`` has for it."""
    try:
        yield
    except LiveDvrError as error:
        if error.field is not None:
            error.field = fields.get(error.field, error.field)
        raise
