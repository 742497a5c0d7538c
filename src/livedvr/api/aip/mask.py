"""Field masks (AIP-134, AIP-161): which fields of a resource an update changes, and the resource it makes."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any, NoReturn

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from livedvr.api.aip.fields import find_field, is_list, is_map, is_set, is_time, names_of
from livedvr.api.aip.values import check_text, printable
from livedvr.resources.errors import InvalidArgument

FIELD = "update_mask"
_IDENTITY = "name"  # who is patched: the door fills it in, and no mask changes it
_SEGMENT = re.compile(r"`([^`]+)`|([^`.]+)")
_PLAIN = re.compile(r"[A-Za-z0-9_-]+")

Path = tuple[str, ...]


def read_mask(text: str, resource: Descriptor) -> list[str]:
    """``dvrWindows,labels.show`` -> paths in snake_case; the keys of maps stay as they are. An empty text is no path.

    Not `FieldMask.FromJsonString`: that refuses the snake_case that the service's own documentation sends.
    """
    check_text(text, FIELD)
    return [_text(_resolve(part.strip(), resource)) for part in text.split(",")] if text.strip() else []


def apply_mask(
    current: Message,
    patch: Message,
    paths: Collection[str],
    *,
    patchable: Collection[str],
    output_only: Collection[str] = (),
) -> Any:
    """The resource that an update makes; ``current`` and ``patch`` stay as they are.

    A path that is named and not set in the patch is unset. Without paths, what the patch has is set. ``*`` replaces all
    that is patchable. Output-only fields and the name are left alone, whoever names them (AIP-203).

    Args:
        paths: of the request's update_mask, in camelCase or snake_case.
        patchable: paths in snake_case that may be changed; what lies below one may be, too.
        output_only: paths in snake_case, with what lies below.

    Raises:
        InvalidArgument: a path that does not exist, leads into a repeated field or is not patchable; without paths or
            with ``*``, another value for a field that is not patchable.
    """
    may, ours = _split(patchable), {*_split(output_only), (_IDENTITY,)}
    new = type(current)()
    new.CopyFrom(current)
    whole = "*" in paths
    if whole and len(paths) > 1:
        raise InvalidArgument("'*' stands alone", field=FIELD)
    if whole or not paths:
        _refuse_changes(current, patch, may, ours)
        for path in sorted(may):
            if whole or _is_set(patch, path):
                _copy(new, patch, path)
        return new
    for text in paths:
        path = _resolve(text, current.DESCRIPTOR)
        if _covers(ours, path):
            continue
        if not _covers(may, path):
            _refuse(path, may)
        _copy(new, patch, path)
    return new


def _refuse_changes(current: Message, patch: Message, may: Collection[Path], ours: Collection[Path]) -> None:
    """A client that sends back all it has got, one field changed, is right; one that changes what is fixed is told."""
    for field, value in patch.ListFields():
        path = (field.name,)
        if _covers(ours, path) or any(one[:1] == path for one in may) or value == getattr(current, field.name):
            continue
        _refuse(path, may)


def _refuse(path: Path, may: Collection[Path]) -> NoReturn:
    can = ", ".join(sorted(map(_text, may))) or "nothing"
    raise InvalidArgument(f"{_text(path).removesuffix('_')} cannot be changed", field=FIELD, hint=f"what can be: {can}")


def _split(paths: Collection[str]) -> set[Path]:
    return {tuple(path.split(".")) for path in paths}


def _covers(some: Collection[Path], path: Path) -> bool:
    return any(path[:i] in some for i in range(1, len(path) + 1))


def _resolve(text: str, resource: Descriptor) -> Path:
    """The path with each field's own name, if there is such a field."""
    if text == "*":
        return ("*",)
    segments, path = _segments(text), []
    descriptor, field = resource, None
    for i, segment in enumerate(segments):
        if field is not None and is_map(field):
            if i < len(segments) - 1:
                raise InvalidArgument(
                    f"'{printable(text)}' leads into a map's value", field=FIELD, hint="`a.key` in backticks"
                )
            path.append(segment)
            break
        field = _step(descriptor, field, segment, text)
        path.append(field.name)
        descriptor = field.message_type
    return tuple(path)


def _step(descriptor: Descriptor | None, parent: FieldDescriptor | None, name: str, text: str) -> FieldDescriptor:
    if parent is not None and is_list(parent):
        raise InvalidArgument(
            f"'{printable(text)}' leads into a repeated field",
            field=FIELD,
            hint=f"{parent.name} is replaced as a whole",
        )
    if descriptor is None or (parent is not None and is_time(parent)):
        raise InvalidArgument(f"'{printable(text)}' leads into a single value", field=FIELD)
    field = find_field(descriptor, name)
    if field is None:
        raise InvalidArgument(f"'{printable(text)}' does not exist", field=FIELD, hint=names_of(descriptor))
    return field


def _segments(text: str) -> list[str]:
    segments, at = [], 0
    while match := _SEGMENT.match(text, at):
        segments.append(match[1] or match[2])
        at = match.end()
        if at == len(text):
            return segments
        if text[at] != ".":
            break
        at += 1
    raise InvalidArgument(f"'{printable(text)}' is no path", field=FIELD, hint="names with dots between them")


def _text(path: Path) -> str:
    return ".".join(one if _PLAIN.fullmatch(one) or one == "*" else f"`{one}`" for one in path)


def _is_set(message: Message, path: Path) -> bool:
    field, rest = message.DESCRIPTOR.fields_by_name[path[0]], path[1:]
    if not rest or not is_set(message, field):
        return is_set(message, field)
    value = getattr(message, field.name)
    return rest[0] in value if is_map(field) else _is_set(value, rest)


def _copy(new: Message, patch: Message, path: Path) -> None:
    """Make ``path`` in ``new`` what it is in ``patch``, set or not."""
    name, rest = path[0], path[1:]
    field = new.DESCRIPTOR.fields_by_name[name]
    if rest and is_map(field):
        entries, given = getattr(new, name), getattr(patch, name)
        if rest[0] in given:
            entries[rest[0]] = given[rest[0]]
        else:
            entries.pop(rest[0], None)
    elif rest:
        # A message is not made only to have nothing in it.
        if is_set(new, field) or _is_set(patch, path):
            _copy(getattr(new, name), getattr(patch, name), rest)
    elif not is_set(patch, field):
        new.ClearField(name)
    elif field.is_repeated:
        new.ClearField(name)
        getattr(new, name).MergeFrom(getattr(patch, name))
    elif field.message_type is not None:
        getattr(new, name).CopyFrom(getattr(patch, name))
    else:
        setattr(new, name, getattr(patch, name))
