"""The messages of the API as JSON Schema: protobuf's JSON mapping of their descriptors. Pure.

What proto3 descriptors do not say (descriptions, what is required, what is output only) is in the docstrings of
Google's package, which are generated from the same proto files: ``Required.`` and ``Output only.`` stand first there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache, reduce
from inspect import cleandoc
from typing import Any

from google.cloud.video.live_stream_v1 import types
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor, OneofDescriptor

Schema = dict[str, Any]

_PACKAGE = "google.cloud.video.livestream.v1."
_LONGEST = 300  # characters of a description
_FIELD = re.compile(r"^    (\w+) \(.*\):$")
_LINK = re.compile(r"\[([^\]]*)\]\[[^\]]*\]")

# https://protobuf.dev/programming-guides/json/
_WELL_KNOWN: dict[str, Schema] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {"type": "string", "pattern": r"^-?[0-9]{1,12}(\.[0-9]{1,9})?s$", "examples": ["2s"]},
    "google.protobuf.FieldMask": {"type": "string", "description": "Paths, separated by commas."},
    "google.protobuf.Any": {
        "type": "object",
        "properties": {"@type": {"type": "string"}},
        "required": ["@type"],
        "additionalProperties": True,
    },
}
_NUMBER: Schema = {"anyOf": [{"type": "number"}, {"enum": ["NaN", "Infinity", "-Infinity"]}]}
_INT32: Schema = {"type": "integer", "format": "int32", "minimum": -(2**31), "maximum": 2**31 - 1}
_UINT32: Schema = {"type": "integer", "minimum": 0, "maximum": 2**32 - 1}
_INT64: Schema = {"type": ["string", "integer"], "format": "int64", "pattern": "^-?[0-9]{1,19}$"}
_SCALAR: dict[int, Schema] = {
    FieldDescriptor.TYPE_STRING: {"type": "string"},
    FieldDescriptor.TYPE_BYTES: {"type": "string", "contentEncoding": "base64"},
    FieldDescriptor.TYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.TYPE_DOUBLE: _NUMBER,
    FieldDescriptor.TYPE_FLOAT: _NUMBER,
    FieldDescriptor.TYPE_INT32: _INT32,
    FieldDescriptor.TYPE_UINT32: _UINT32,
    FieldDescriptor.TYPE_INT64: _INT64,
    FieldDescriptor.TYPE_UINT64: _INT64,
}


def name_of(descriptor: Descriptor) -> str:
    """The name of a message's schema: ``DvrSession.DvrWindow``, ``google.rpc.Status``."""
    return str(descriptor.full_name).removeprefix(_PACKAGE)


def reference(descriptor: Descriptor) -> Schema:
    """Where its schema is found."""
    return {"$ref": f"#/components/schemas/{name_of(descriptor)}"}


def message_schema(descriptor: Descriptor, *, without: Sequence[str] = ()) -> Schema:
    """A message as a JSON object. ``without``: fields that a request has elsewhere."""
    if descriptor.full_name in _WELL_KNOWN:
        return dict(_WELL_KNOWN[descriptor.full_name])
    about, fields = documentation(descriptor)
    shown = [field for field in descriptor.fields if field.name not in without]
    schema: Schema = {"type": "object", "additionalProperties": False}
    if about:
        schema["description"] = about
    schema["properties"] = {field.json_name: _property(field, fields.get(field.name, "")) for field in shown}
    oneofs = [_at_most_one(oneof) for oneof in descriptor.oneofs if len(oneof.fields) > 1]
    if oneofs:
        schema["allOf"] = oneofs
    return schema


def field_schema(field: FieldDescriptor) -> Schema:
    """A field's value as JSON."""
    if is_map(field):
        return {"type": "object", "additionalProperties": field_schema(field.message_type.fields_by_name["value"])}
    one = _value(field)
    return {"type": "array", "items": one} if field.is_repeated else one


def is_map(field: FieldDescriptor) -> bool:
    """Whether it is a map, which on the wire is a list of entries."""
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


def _value(field: FieldDescriptor) -> Schema:
    if field.message_type is not None:
        return reference(field.message_type)
    if field.enum_type is not None:
        return _enum(field.enum_type)
    return dict(_SCALAR[field.type])


def _enum(descriptor: EnumDescriptor) -> Schema:
    """Names in what we answer; a client may also say the number, and Google's does."""
    values = descriptor.values
    return {"anyOf": [{"type": "string", "enum": [v.name for v in values]}, {"enum": [v.number for v in values]}]}


def _property(field: FieldDescriptor, about: str) -> Schema:
    schema = field_schema(field)
    if about:
        schema = {**schema, "description": about}
    if about.startswith("Output only."):
        schema["readOnly"] = True
    return schema


def _at_most_one(oneof: OneofDescriptor) -> Schema:
    """None of a oneof's fields, or one."""
    names = [field.json_name for field in oneof.fields]
    given = [{"required": [name]} for name in names]
    return {"oneOf": [*given, {"not": {"anyOf": given}}]}


def needed(descriptor: Descriptor) -> list[str]:
    """The fields that a request must have, as JSON names."""
    about = documentation(descriptor)[1]
    return [field.json_name for field in descriptor.fields if about.get(field.name, "").startswith("Required.")]


def reached(roots: Sequence[Descriptor]) -> Iterator[Descriptor]:
    """These messages and all that are in them, each once."""
    waiting, seen = list(roots), set()
    while waiting:
        descriptor = waiting.pop()
        if descriptor.full_name in seen:
            continue
        seen.add(descriptor.full_name)
        if not descriptor.GetOptions().map_entry:
            yield descriptor
        if descriptor.full_name not in _WELL_KNOWN:
            waiting += [field.message_type for field in descriptor.fields if field.message_type is not None]


@cache
def documentation(descriptor: Descriptor) -> tuple[str, dict[str, str]]:
    """What Google's package says of a message and of its fields by name, shortened; nothing of others' messages."""
    if not descriptor.full_name.startswith(_PACKAGE):
        return "", {}
    kind = reduce(getattr, name_of(descriptor).split("."), types)
    about, _, attributes = cleandoc(kind.__doc__ or "").partition("\nAttributes:\n")
    texts: dict[str, list[str]] = {}
    for line in attributes.splitlines():
        found = _FIELD.match(line)
        if found:
            lines = texts.setdefault(found[1].rstrip("_"), [])
        elif texts:
            lines.append(line.strip())
    return _shortened(about), {name: _shortened("\n".join(lines)) for name, lines in texts.items()}


def _shortened(text: str) -> str:
    """Its first paragraph, of that as many sentences as fit."""
    paragraph = " ".join(text.strip().split("\n\n")[0].split())
    plain = _LINK.sub(r"`\1`", paragraph).replace("``", "`")
    if len(plain) <= _LONGEST:
        return plain
    return plain[: _LONGEST + 1].rpartition(". ")[0] + "." if ". " in plain[:_LONGEST] else plain[:_LONGEST] + "..."
