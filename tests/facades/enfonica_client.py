"""Enfonica's client as their generator would make it: messages of the public protos, google.api.http, strict answers.

Nothing of the product is used: names and numbers are those of enfonica/enfonicaapis (Apache-2.0), written down here a
second time. Requests are transcoded by google-api-core, and an answer with a field or value that is not in the protos
fails.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from google.api_core import path_template, rest_helpers
from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    duration_pb2,
    json_format,
    message_factory,
    timestamp_pb2,
)

PROTO = """
enum PostProcessing { POST_PROCESSING_UNSPECIFIED = 0; TRIM_SILENCE = 1; }
enum TranscribeOption { TRANSCRIBE_OPTION_UNSPECIFIED = 0; DISABLED = 1; DEFAULT = 2; }
enum RecordingView { RECORDING_VIEW_UNSPECIFIED = 0; BASIC = 1; FULL = 2; }
message CallRecordingConfig {
  enum CallRecordingTrigger { CALL_RECORDING_TRIGGER_UNSPECIFIED = 0; DISABLED = 1; ANSWER = 2; BRIDGE = 3; }
  CallRecordingTrigger trigger = 1; repeated PostProcessing post_processing = 2; string recording_ready_uri = 3;
  TranscribeOption transcribe = 4; string transcription_ready_uri = 5;
}
message RecordingAudio {
  enum AudioEncoding { AUDIO_ENCODING_UNSPECIFIED = 0; AUDIO_ENCODING_PCM_16BIT = 1; AUDIO_ENCODING_MP3 = 2; }
  string mime_type = 1; AudioEncoding encoding = 2; int32 sample_rate = 3; int32 size_bytes = 4; string uri = 5;
}
message Recording {
  enum Source { SOURCE_UNSPECIFIED = 0; RECORD_ACTION = 1; CALL_RECORDING = 2; }
  enum State { STATE_UNSPECIFIED = 0; PENDING = 1; SUCCEEDED = 2; EMPTY = 3; FAILED = 4; }
  enum ErrorCode { ERROR_CODE_UNSPECIFIED = 0; TIMEOUT = 1; INTERNAL_ERROR = 2; }
  string name = 1; State state = 3; Source source = 4; google.protobuf.Duration duration = 5;
  int32 channel_count = 6; repeated PostProcessing post_processing = 7; ErrorCode error_code = 8;
  repeated RecordingAudio audio = 9; google.protobuf.Timestamp start_time = 10;
  google.protobuf.Timestamp create_time = 11; string ready_uri = 12;
}
message GetRecordingRequest { string name = 1; RecordingView view = 2; }
message ListRecordingsRequest { string parent = 1; int32 page_size = 2; string page_token = 3; RecordingView view = 4; }
message ListRecordingsResponse { repeated Recording recordings = 1; string next_page_token = 2; }
message DeleteRecordingRequest { string name = 1; }
message LabelsEntry { string key = 1; string value = 2; }
message ApiCallOptions {
  repeated string handler_uris = 1; string state_update_uri = 2; int32 timeout_seconds = 3;
  CallRecordingConfig recording = 4;
}
message Call {
  enum State {
    STATE_UNSPECIFIED = 0; QUEUED = 1; STARTING = 2; RINGING = 3; IN_PROGRESS = 4; COMPLETED = 5; FAILED = 6;
    NOT_ANSWERED = 7; BUSY = 8; REJECTED = 9;
  }
  enum Direction { DIRECTION_UNSPECIFIED = 0; OUTGOING = 1; INCOMING = 2; }
  enum Transport { TRANSPORT_UNSPECIFIED = 0; PSTN = 1; CLIENT = 2; SIP = 3; }
  enum CreateMethod { CREATE_METHOD_UNSPECIFIED = 0; INCOMING_CALL = 1; PARENT_CALL = 2; API = 3; }
  string name = 1; string to = 2; string from = 3; bool is_private = 4; map<string, string> labels = 8;
  Transport transport = 9; Direction direction = 10; string error_code = 11; string error_message = 12;
  State state = 14; google.protobuf.Timestamp create_time = 16; google.protobuf.Timestamp start_time = 17;
  google.protobuf.Timestamp ring_time = 18; google.protobuf.Timestamp answer_time = 19;
  google.protobuf.Timestamp end_time = 20; bool bridged = 21; string originating_call = 22;
  CreateMethod create_method = 23; ApiCallOptions options = 24;
}
message CreateCallRequest { string parent = 1; Call call = 2; }
message GetCallRequest { string name = 1; }
message ListCallsRequest { string parent = 1; int32 page_size = 2; string page_token = 3; string filter = 4; }
message ListCallsResponse { repeated Call calls = 1; string next_page_token = 2; }
"""
_FIELD = descriptor_pb2.FieldDescriptorProto
_KINDS = {"string": _FIELD.TYPE_STRING, "int32": _FIELD.TYPE_INT32, "bool": _FIELD.TYPE_BOOL}
_NAME = "projects/*/calls/*/recordings/*"
# google.api.http: response message, and the bindings of each.
_METHODS: Mapping[str, tuple[str, list[dict[str, str]]]] = {
    "GetRecording": ("Recording", [{"method": "get", "uri": f"/v1beta1/{{name={_NAME}}}"}]),
    "ListRecordings": (
        "ListRecordingsResponse",
        [
            {"method": "get", "uri": "/v1beta1/{parent=projects/*/calls/*}/recordings"},
            {"method": "get", "uri": "/v1beta1/{parent=projects/*}/recordings"},
        ],
    ),
    "DeleteRecording": ("Recording", [{"method": "delete", "uri": f"/v1beta1/{{name={_NAME}}}"}]),
    "CreateCall": ("Call", [{"method": "post", "uri": "/v1beta1/{parent=projects/*}/calls", "body": "call"}]),
    "GetCall": ("Call", [{"method": "get", "uri": "/v1beta1/{name=projects/*/calls/*}"}]),
    "ListCalls": ("ListCallsResponse", [{"method": "get", "uri": "/v1beta1/{parent=projects/*}/calls"}]),
}


def _parsed() -> Mapping[str, Any]:
    """The classes that the proto text declares."""
    file = descriptor_pb2.FileDescriptorProto(name="voice.proto", package="enfonica.voice.v1beta1", syntax="proto3")
    file.dependency.extend([timestamp_pb2.DESCRIPTOR.name, duration_pb2.DESCRIPTOR.name])
    known = set(re.findall(r"enum (\w+)", PROTO))
    scopes: list[Any] = [file]
    for token in re.findall(r"(?:enum|message) \w+ \{|\}|[^;{}]+;", PROTO):
        words = token.replace("map<string, string>", "map").split()
        scope = scopes[-1]
        if token == "}":
            scopes.pop()
        elif words[0] == "enum":
            scopes.append(scope.enum_type.add(name=words[1]))
        elif words[0] == "message":
            scopes.append((scope.message_type if scope is file else scope.nested_type).add(name=words[1]))
            scopes[-1].options.map_entry = words[1] == "LabelsEntry"
        elif words[1] == "=":
            scope.value.add(name=words[0], number=int(words[2].rstrip(";")))
        else:
            *label, kind, name, _, number = words
            field = scope.field.add(name=name, number=int(number.rstrip(";")), label=_FIELD.LABEL_OPTIONAL)
            if label or kind == "map":
                field.label = _FIELD.LABEL_REPEATED
            if kind in _KINDS:
                field.type = _KINDS[kind]
            else:
                field.type = _FIELD.TYPE_ENUM if kind in known else _FIELD.TYPE_MESSAGE
                field.type_name = "LabelsEntry" if kind == "map" else kind
    return _classes(file)


def _classes(file: descriptor_pb2.FileDescriptorProto) -> Mapping[str, Any]:
    # A map's entry lies in its message.
    call = next(one for one in file.message_type if one.name == "Call")
    entry = next(one for one in file.message_type if one.name == "LabelsEntry")
    call.nested_type.add().CopyFrom(entry)
    file.message_type.remove(entry)
    pool = descriptor_pool.DescriptorPool()
    for known in (timestamp_pb2, duration_pb2):
        pool.AddSerializedFile(known.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    names = [one.name for one in file.message_type]
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{file.package}.{name}")) for name in names
    }


MESSAGES = _parsed()


class ApiError(Exception):
    """What was answered instead: an HTTP code, and google.rpc.Status's name, message and details."""

    def __init__(self, code: int, error: Mapping[str, Any]) -> None:
        super().__init__(f"{code} {error['status']}: {error['message']}")
        self.code, self.status, self.message = code, error["status"], error["message"]
        self.details: list[Mapping[str, Any]] = error["details"]
        assert error["code"] == code

    @property
    def field(self) -> str | None:
        """Which field is meant."""
        return next((one["metadata"].get("field") for one in self.details if "metadata" in one), None)


Send = Callable[[str, str, bytes, Mapping[str, str]], Awaitable[tuple[int, bytes]]]
"""Verb, path with its query, body, headers -> code and body."""


class Client:
    """``send`` carries a request; ``token``: the Bearer token, None: there is none."""

    def __init__(self, send: Send, token: str | None) -> None:
        self._send = send
        self._headers = {"content-type": "application/json"}
        if token is not None:
            self._headers["authorization"] = f"Bearer {token}"

    async def call(self, rpc: str, **fields: Any) -> Any:
        """The response message. ApiError: it was refused."""
        answer, bindings = _METHODS[rpc]
        request = MESSAGES[f"{rpc}Request"]()
        json_format.ParseDict(fields, request)
        found = path_template.transcode(bindings, request)
        query = json_format.MessageToDict(found["query_params"], use_integers_for_enums=True)
        query["$alt"] = "json;enum-encoding=int"
        body = b""
        if "body" in found:
            body = json_format.MessageToJson(found["body"], use_integers_for_enums=True).encode()
        flat = rest_helpers.flatten_query_params(query, strict=True)
        target = f"{found['uri']}?{urlencode(flat)}"
        code, data = await self._send(found["method"].upper(), target, body, self._headers)
        if code >= 400:
            raise ApiError(code, json.loads(data)["error"])
        return json_format.ParseDict(json.loads(data), MESSAGES[answer](), ignore_unknown_fields=False)

    async def all(self, rpc: str, field: str, **fields: Any) -> list[Any]:
        """Every item of a list, page by page, as a generated pager asks for them."""
        found: list[Any] = []
        token = ""
        while True:
            page = await self.call(rpc, **fields, pageToken=token)
            found.extend(getattr(page, field))
            token = page.next_page_token
            if not token:
                return found


def name_of(message: Any, field: str) -> str:
    """An enum's value by its name."""
    descriptor = message.DESCRIPTOR.fields_by_name[field].enum_type
    name: str = descriptor.values_by_number[getattr(message, field)].name
    return name


def verify(key: str, url: str, event: str, body: bytes, signature: str) -> bool:
    """As docs/platform/request-signing has it. ``key``: as the console shows it."""
    digest = hmac.new(base64.b64decode(key), (url + event).encode() + body, hashlib.sha256).digest()
    return hmac.compare_digest(base64.b64encode(digest).decode(), signature)
