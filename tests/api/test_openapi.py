from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import pytest
from google.protobuf import json_format
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from livedvr.api.methods import METHODS
from livedvr.api.openapi import document
from livedvr.api.recordings import recording_routes
from serving import Served

DOCUMENT = document("1.2.3")


def operation(rpc: str) -> dict[str, Any]:
    (found,) = [o for path in DOCUMENT["paths"].values() for o in path.values() if o["operationId"] == rpc]
    return found


def errors_of(schema: str, value: Any) -> list[str]:
    whole = {"$ref": f"#/components/schemas/{schema}", "components": DOCUMENT["components"]}
    return [error.message for error in Draft202012Validator(whole).iter_errors(value)]


def test_it_is_a_valid_document() -> None:
    validate(DOCUMENT)


def test_it_has_each_method_once() -> None:
    found = [o["operationId"] for path in DOCUMENT["paths"].values() for o in path.values()]
    ours = [route.name for route in recording_routes(Mock())]
    assert sorted(found) == sorted([*(method.rpc for method in METHODS), *ours])
    assert "/v1/projects/{project}/locations/{location}/channels/{channel}:start" in DOCUMENT["paths"]


def test_what_is_in_neither_path_nor_body_is_in_the_query() -> None:
    created = {p["name"]: p["required"] for p in operation("CreateDvrSession")["parameters"] if p["in"] == "query"}
    assert created == {"dvrSessionId": True, "requestId": False}
    patched = {p["name"]: p["required"] for p in operation("UpdateDvrSession")["parameters"] if p["in"] == "query"}
    assert patched == {"updateMask": True, "requestId": False}
    assert [p["name"] for p in operation("StartChannel")["parameters"]] == ["project", "location", "channel"]
    body = operation("StartChannel")["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    assert list(DOCUMENT["components"]["schemas"][body.rpartition("/")[2]]["properties"]) == ["requestId"]


def test_a_create_needs_what_a_patch_does_not() -> None:
    created = operation("CreateDvrSession")["requestBody"]
    assert created["content"]["application/json"]["schema"]["allOf"][1] == {"required": ["dvrManifests", "dvrWindows"]}
    patched = operation("UpdateDvrSession")["requestBody"]
    assert patched["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/DvrSession"}


def test_an_operation_says_what_it_leads_to() -> None:
    said = {rpc: operation(rpc)["responses"]["200"]["description"] for rpc in ("UpdateInput", "StopChannel", "GetClip")}
    assert said == {
        "UpdateInput": "An operation whose response is of type `Input`.",
        "StopChannel": "An operation whose response is of type `ChannelOperationResponse`.",
        "GetClip": "What is asked for.",
    }


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ("Input", {"type": "RTMP_PUSH", "tier": 2, "labels": {"a": "b"}}),
        ("Event", {"executeNow": True, "inputSwitch": {"inputKey": "a"}}),
        ("RetentionConfig", {"retentionWindowDuration": "86400.500s"}),
        ("AudioStream.AudioMapping", {"gainDb": "NaN"}),
        ("DvrSession", {"dvrWindows": [{"timeInterval": {"startTime": "2025-01-01T00:00:00Z"}}]}),
        ("google.longrunning.Operation", {"name": "o", "done": True, "response": {"@type": "t", "more": 1}}),
        ("TimecodeConfig", {"timeZone": {"id": "Europe/Berlin"}}),
        ("Asset", {"crc32c": "AAAA"}),
    ],
)
def test_what_protobuf_reads_fits(schema: str, value: Any) -> None:
    assert errors_of(schema, value) == []


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ("Input", {"type": "CARRIER_PIGEON"}),
        ("Input", {"type": 99}),
        ("Input", {"types": 1}),
        ("Event", {"unmute": {}, "adBreak": {}}),
        ("RetentionConfig", {"retentionWindowDuration": "1 day"}),
        ("DvrSession", {"dvrWindows": {}}),
        ("Error", {"error": {"code": 400}}),
    ],
)
def test_what_it_does_not_read_does_not(schema: str, value: Any) -> None:
    assert errors_of(schema, value)


def test_all_messages_as_protobuf_prints_them_fit() -> None:
    for method in METHODS:
        printed = json_format.MessageToDict(method.response(), always_print_fields_with_no_presence=True)
        schema = operation(method.rpc)["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
        assert errors_of(schema.rpartition("/")[2], printed) == [], method.rpc


def test_what_only_the_server_writes_is_marked() -> None:
    channel = DOCUMENT["components"]["schemas"]["Channel"]["properties"]
    assert {name for name, schema in channel.items() if schema.get("readOnly")} == {
        "createTime",
        "updateTime",
        "activeInput",
        "streamingState",
        "streamingError",
    }
    assert channel["output"]["description"].startswith("Required. Information about the output")


def test_it_is_served(shared: Served) -> None:
    answer = shared.ask("GET", "/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["paths"] == DOCUMENT["paths"]


def test_the_page_loads_only_what_is_served_here(shared: Served) -> None:
    page = shared.ask("GET", "/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self';")
    assert "http:" not in page.text and "https:" not in page.text and "<script>" not in page.text
    for path in ("/docs/static/swagger-ui.css", "/docs/static/swagger-ui-bundle.js", "/docs/start.js"):
        assert path in page.text and shared.ask("GET", path).status_code == 200
    assert shared.ask("GET", "/docs/static/../../../../etc/passwd").status_code == 404
    assert shared.ask("GET", "/docs/static/none.js").json()["error"]["status"] == "NOT_FOUND"
