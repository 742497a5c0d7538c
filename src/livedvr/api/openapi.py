"""The API as an OpenAPI 3.1 document, made from the table of its methods and the descriptors of its messages. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from google.longrunning import operations_pb2
from google.protobuf import field_mask_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from livedvr.api.methods import LIVESTREAM, METHODS, Method
from livedvr.api.openapi_recordings import TAG, recording_paths, recording_schemas
from livedvr.api.openapi_schemas import (
    Schema,
    documentation,
    field_schema,
    message_schema,
    name_of,
    needed,
    reached,
    reference,
)

_COLLECTION = re.compile(r"([A-Za-z]+)/\*")
_ID = "^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$"
_PLACE = "^[A-Za-z0-9][A-Za-z0-9._:-]{0,62}$"  # a project's id may have a domain in it
_ABOUT = """\
The Live Stream API v1 as livedvr answers it. Names of fields and of query parameters are accepted in snake_case too,
enums as names or numbers. What livedvr does not do is refused with `UNIMPLEMENTED`, naming the field.
Recordings are livedvr's own: plain JSON in camelCase.
"""
_ERROR: Schema = {
    "type": "object",
    "description": "What is wrong (AIP-193).",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "status", "details"],
            "properties": {
                "code": {"type": "integer", "description": "The HTTP status.", "minimum": 400, "maximum": 599},
                "message": {"type": "string"},
                "status": {"type": "string", "description": "The name of a google.rpc.Code.", "pattern": "^[A-Z_]+$"},
                "details": {"type": "array", "items": {"$ref": "#/components/schemas/google.protobuf.Any"}},
            },
        }
    },
}


def document(version: str) -> dict[str, Any]:
    """The whole document. ``version``: livedvr's."""
    paths: dict[str, dict[str, Any]] = {}
    for method in METHODS:
        paths.setdefault(_path(method), {})[method.verb.lower()] = _operation(method)
    on_channel = next(method for method in METHODS if method.rpc == "GetChannel")
    paths |= recording_paths(_path_parameters(on_channel))
    return {
        "openapi": "3.1.0",
        "info": {"title": "livedvr", "version": version, "description": _ABOUT, "license": {"name": "Apache-2.0"}},
        "servers": [{"url": "/"}],
        "security": [{}, {"bearer": []}, {"apiKey": []}],  # asked for only where a token is set
        "tags": [{"name": tag} for tag in dict.fromkeys([*map(_tag, METHODS), TAG])],
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "responses": {"error": _answer("What is wrong.", {"$ref": "#/components/schemas/Error"})},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "apiKey": {"type": "apiKey", "in": "header", "name": "x-goog-api-key"},
            },
        },
    }


def _schemas() -> dict[str, Schema]:
    roots = [method.response.DESCRIPTOR for method in METHODS]
    roots += [_body_descriptor(method) for method in METHODS if method.body not in (None, "*")]
    schemas = {name_of(descriptor): message_schema(descriptor) for descriptor in reached(roots)}
    for method in METHODS:
        if method.body == "*":
            descriptor = method.request.DESCRIPTOR
            schemas[name_of(descriptor)] = message_schema(descriptor, without=[method.variable])
    return dict(sorted({**schemas, **recording_schemas(), "Error": _ERROR}.items()))


def _operation(method: Method) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": method.rpc,
        "summary": re.sub(r"(?<!^)(?=[A-Z])", " ", method.rpc),
        "tags": [_tag(method)],
        "parameters": [*_path_parameters(method), *_query_parameters(method)],
        "responses": {
            "200": _answer(_outcome(method), reference(method.response.DESCRIPTOR)),
            "default": {"$ref": "#/components/responses/error"},
        },
    }
    if method.body is not None:
        operation["requestBody"] = _body(method)
    return operation


def _outcome(method: Method) -> str:
    """What is answered; of an operation also what it leads to (AIP-151)."""
    if method.service != LIVESTREAM or method.response is not operations_pb2.Operation:
        return "What is asked for."
    if method.verb == "DELETE":
        return "An operation whose response is empty."
    kind = "ChannelOperationResponse" if method.body == "*" else name_of(_body_descriptor(method))
    return f"An operation whose response is of type `{kind}`."


def _body_descriptor(method: Method) -> Descriptor:
    return method.request.DESCRIPTOR.fields_by_name[method.body].message_type


def _body(method: Method) -> dict[str, Any]:
    if method.body == "*":
        schema = reference(method.request.DESCRIPTOR)
        return {"required": False, "content": {"application/json": {"schema": schema}}}
    descriptor = _body_descriptor(method)
    schema = reference(descriptor)
    must = needed(descriptor) if method.verb == "POST" else []  # of a patch nothing is
    if must:
        schema = {"allOf": [schema, {"required": must}]}
    return {"required": bool(must), "content": {"application/json": {"schema": schema}}}


def _answer(about: str, schema: Schema) -> dict[str, Any]:
    return {"description": about, "content": {"application/json": {"schema": schema}}}


def _tag(method: Method) -> str:
    """The collection that it is about, also when the path names no member of it."""
    names = [part for part in method.route.split("/") if not part.startswith("{")]
    return names[-1]


def _collections(method: Method) -> Sequence[str]:
    return _COLLECTION.findall(method.pattern)


def _path(method: Method) -> str:
    """``/v1/projects/{project}/locations/{location}/channels/{channel}:start``."""
    members = iter(_collections(method))
    return re.sub(r"\{p\d\}", lambda _: f"{{{next(members)[:-1]}}}", method.route)


def _path_parameters(method: Method) -> list[dict[str, Any]]:
    return [
        {
            "name": collection[:-1],
            "in": "path",
            "required": True,
            "schema": {"type": "string", "pattern": _PLACE if i < 2 else _ID},
        }
        for i, collection in enumerate(_collections(method))
    ]


def _query_parameters(method: Method) -> list[dict[str, Any]]:
    """What of the request is neither in the path nor in the body."""
    if method.body == "*":
        return []
    descriptor = method.request.DESCRIPTOR
    elsewhere = {method.body, method.variable.partition(".")[0]}
    must, about = needed(descriptor), documentation(descriptor)[1]
    return [
        {
            "name": field.json_name,
            "in": "query",
            "required": field.json_name in must,
            "schema": _plain(field),
            **({"description": about[field.name]} if about.get(field.name) else {}),
        }
        for field in descriptor.fields
        if field.name not in elsewhere
    ]


def _plain(field: FieldDescriptor) -> Schema:
    mask = field_mask_pb2.FieldMask.DESCRIPTOR
    return message_schema(mask) if field.message_type is mask else field_schema(field)
