"""Recordings in the OpenAPI document: plain JSON, whose schemas pydantic makes of the resource. Pure."""

from __future__ import annotations

from typing import Any

from pydantic.json_schema import models_json_schema

from livedvr.resources.recording import Recording, RecordingSpec

TAG = "recordings"
_COLLECTION = "/v1/projects/{project}/locations/{location}/channels/{channel}/recordings"
_PREFIX = "livedvr."  # of the schemas' names: Google's are beside them

Json = dict[str, Any]


def recording_paths(members: list[Json]) -> dict[str, Json]:
    """The routes of `livedvr.api.recordings`. ``members``: the parameters of project, location and channel."""
    one = [*members, {"name": "recording", "in": "path", "required": True, "schema": {"type": "string"}}]
    pages = [_query("pageSize", {"type": "integer", "minimum": 0}), _query("pageToken", {"type": "string"})]
    new = {**_query("recordingId", {"type": "string"}), "required": True}
    body = {"required": False, "content": _json(_reference("RecordingSpec"))}
    collection = {
        "get": _operation("ListRecordings", "List Recordings", [*members, *pages], _page()),
        "post": {**_operation("StartRecording", "Start Recording", [*members, new], _shown()), "requestBody": body},
    }
    member = {
        "get": _operation("GetRecording", "Get Recording", one, _shown()),
        "delete": _operation("DeleteRecording", "Delete Recording", one, _shown()),
    }
    verbs = {
        f"{_COLLECTION}/{{recording}}:{verb}": {
            "post": _operation(f"{verb.title()}Recording", f"{verb.title()} Recording", one, _shown())
        }
        for verb in ("stop", "pause", "resume", "cancel")
    }
    return {_COLLECTION: collection, f"{_COLLECTION}/{{recording}}": member, **verbs}


def recording_schemas() -> dict[str, Json]:
    """What the paths refer to."""
    template = f"#/components/schemas/{_PREFIX}{{model}}"
    models: Any = [(RecordingSpec, "validation"), (Recording, "validation")]
    schemas = models_json_schema(models, by_alias=True, ref_template=template)[1]["$defs"]
    shown = schemas["Recording"]
    shown["properties"] = {"name": {"type": "string"}, **shown["properties"]}  # as the API adds it
    shown["required"] = ["name", *shown["required"]]
    return {f"{_PREFIX}{name}": schema for name, schema in schemas.items()}


def _operation(name: str, summary: str, parameters: list[Json], answer: Json) -> Json:
    return {
        "operationId": name,
        "summary": summary,
        "tags": [TAG],
        "parameters": parameters,
        "responses": {
            "200": {"description": "What is asked for.", "content": _json(answer)},
            "default": {"$ref": "#/components/responses/error"},
        },
    }


def _json(schema: Json) -> Json:
    return {"application/json": {"schema": schema}}


def _reference(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{_PREFIX}{name}"}


def _query(name: str, schema: Json) -> Json:
    return {"name": name, "in": "query", "required": False, "schema": schema}


def _shown() -> Json:
    return _reference("Recording")


def _page() -> Json:
    properties = {"recordings": {"type": "array", "items": _shown()}, "nextPageToken": {"type": "string"}}
    return {"type": "object", "required": ["recordings"], "properties": properties}
