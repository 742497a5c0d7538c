"""``enfonica.voice.v1beta1`` as far as it is spoken here: its messages, by the field numbers of the public protos, and
its methods with their HTTP bindings. Pure.

They live in a pool of their own: a program that has the vendor's generated classes, too, is not disturbed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, duration_pb2, message_factory, timestamp_pb2

from livedvr.api.aip.json_body import write_json
from livedvr.api.methods import Method

_PACKAGE = "enfonica.voice.v1beta1"
_ENUMS: Mapping[str, str] = {
    "PostProcessing": "POST_PROCESSING_UNSPECIFIED TRIM_SILENCE",
    "TranscribeOption": "TRANSCRIBE_OPTION_UNSPECIFIED DISABLED DEFAULT",
    "RecordingView": "RECORDING_VIEW_UNSPECIFIED BASIC FULL",
    "CallRecordingConfig.CallRecordingTrigger": "CALL_RECORDING_TRIGGER_UNSPECIFIED DISABLED ANSWER BRIDGE",
    "Recording.State": "STATE_UNSPECIFIED PENDING SUCCEEDED EMPTY FAILED",
    "Recording.Source": "SOURCE_UNSPECIFIED RECORD_ACTION CALL_RECORDING",
    "Recording.ErrorCode": "ERROR_CODE_UNSPECIFIED TIMEOUT INTERNAL_ERROR",
    "RecordingAudio.AudioEncoding": "AUDIO_ENCODING_UNSPECIFIED AUDIO_ENCODING_PCM_16BIT AUDIO_ENCODING_MP3",
    "Call.State": "STATE_UNSPECIFIED QUEUED STARTING RINGING IN_PROGRESS COMPLETED FAILED NOT_ANSWERED BUSY REJECTED",
    "Call.Direction": "DIRECTION_UNSPECIFIED OUTGOING INCOMING",
    "Call.Transport": "TRANSPORT_UNSPECIFIED PSTN CLIENT SIP",
    "Call.CreateMethod": "CREATE_METHOD_UNSPECIFIED INCOMING_CALL PARENT_CALL API",
}
# Name, number, type; ``*``: repeated. What a server ignores in a request (AIP-203) is here for it to be let through.
_MESSAGES: Mapping[str, str] = {
    "RecordingAudio": """mime_type 1 string, encoding 2 RecordingAudio.AudioEncoding, sample_rate 3 int32,
        size_bytes 4 int32, uri 5 string""",
    "Recording": """name 1 string, state 3 Recording.State, source 4 Recording.Source,
        duration 5 google.protobuf.Duration, channel_count 6 int32, post_processing 7 *PostProcessing,
        error_code 8 Recording.ErrorCode, audio 9 *RecordingAudio, start_time 10 google.protobuf.Timestamp,
        create_time 11 google.protobuf.Timestamp, ready_uri 12 string""",
    "GetRecordingRequest": "name 1 string, view 2 RecordingView",
    "ListRecordingsRequest": "parent 1 string, page_size 2 int32, page_token 3 string, view 4 RecordingView",
    "ListRecordingsResponse": "recordings 1 *Recording, next_page_token 2 string",
    "DeleteRecordingRequest": "name 1 string",
    "CallRecordingConfig": """trigger 1 CallRecordingConfig.CallRecordingTrigger, post_processing 2 *PostProcessing,
        recording_ready_uri 3 string, transcribe 4 TranscribeOption, transcription_ready_uri 5 string""",
    "Money": "currency_code 1 string, units 2 int64, nanos 3 int32",
    "Call.LabelsEntry": "key 1 string, value 2 string",
    "Call.ApiCallOptions": """handler_uris 1 *string, state_update_uri 2 string, timeout_seconds 3 int32,
        recording 4 CallRecordingConfig""",
    "Call": """name 1 string, to 2 string, from 3 string, is_private 4 bool, labels 8 *Call.LabelsEntry,
        transport 9 Call.Transport, direction 10 Call.Direction, error_code 11 string, error_message 12 string,
        price 13 Money, state 14 Call.State, create_time 16 google.protobuf.Timestamp,
        start_time 17 google.protobuf.Timestamp, ring_time 18 google.protobuf.Timestamp,
        answer_time 19 google.protobuf.Timestamp, end_time 20 google.protobuf.Timestamp, bridged 21 bool,
        originating_call 22 string, create_method 23 Call.CreateMethod, options 24 Call.ApiCallOptions""",
    "CreateCallRequest": "parent 1 string, call 2 Call",
    "GetCallRequest": "name 1 string",
    "ListCallsRequest": "parent 1 string, page_size 2 int32, page_token 3 string, filter 4 string",
    "ListCallsResponse": "calls 1 *Call, next_page_token 2 string",
}
_Field = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "string": _Field.TYPE_STRING,
    "bool": _Field.TYPE_BOOL,
    "int32": _Field.TYPE_INT32,
    "int64": _Field.TYPE_INT64,
}
_TRAILING_ZEROS = re.compile(r"(\.\d*?)0+s$")


def _file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name="enfonica/voice/v1beta1.proto", package=_PACKAGE, syntax="proto3")
    file.dependency.extend([timestamp_pb2.DESCRIPTOR.name, duration_pb2.DESCRIPTOR.name])
    messages: dict[str, Any] = {"": file}
    for full, fields in sorted(_MESSAGES.items(), key=lambda one: one[0].count(".")):
        owner, _, name = full.rpartition(".")
        messages[full] = (messages[owner].nested_type if owner else file.message_type).add(name=name)
        messages[full].options.map_entry = name == "LabelsEntry"
        for field in fields.split(","):
            _add_field(messages[full], *field.split())
    for full, values in _ENUMS.items():
        owner, _, name = full.rpartition(".")
        enum = messages[owner].enum_type.add(name=name)
        for number, value in enumerate(values.split()):
            enum.value.add(name=value, number=number)
    return file


def _add_field(message: Any, name: str, number: str, kind: str) -> None:
    bare = kind.removeprefix("*")
    field = message.field.add(name=name, number=int(number), label=_Field.LABEL_OPTIONAL)
    if kind != bare:
        field.label = _Field.LABEL_REPEATED
    if bare in _SCALARS:
        field.type = _SCALARS[bare]
    else:
        field.type = _Field.TYPE_ENUM if bare in _ENUMS else _Field.TYPE_MESSAGE
        field.type_name = f".{bare}" if bare.startswith("google.") else f".{_PACKAGE}.{bare}"


def _classes() -> Mapping[str, Any]:
    pool = descriptor_pool.DescriptorPool()
    for known in (timestamp_pb2, duration_pb2):
        pool.AddSerializedFile(known.DESCRIPTOR.serialized_pb)
    pool.Add(_file())
    found = {name: pool.FindMessageTypeByName(f"{_PACKAGE}.{name}") for name in _MESSAGES}
    return MappingProxyType({name: message_factory.GetMessageClass(one) for name, one in found.items()})


_CLASSES = _classes()
Recording = _CLASSES["Recording"]
Call = _CLASSES["Call"]
ListRecordingsResponse, ListCallsResponse = _CLASSES["ListRecordingsResponse"], _CLASSES["ListCallsResponse"]

_PROJECT = "projects/*"
_CALL = f"{_PROJECT}/calls/*"


def _method(service: str, rpc: str, verb: str, path: str, answer: str, body: str | None = None) -> Method:
    messages = _CLASSES[f"{rpc}Request"], _CLASSES[answer]
    return Method(f"{_PACKAGE}.{service}", rpc, verb, f"/v1beta1/{path}", body, *messages)


METHODS = (
    _method("Recordings", "GetRecording", "GET", f"{{name={_CALL}/recordings/*}}", "Recording"),
    _method("Recordings", "ListRecordings", "GET", f"{{parent={_CALL}}}/recordings", "ListRecordingsResponse"),
    _method("Recordings", "ListRecordings", "GET", f"{{parent={_PROJECT}}}/recordings", "ListRecordingsResponse"),
    _method("Recordings", "DeleteRecording", "DELETE", f"{{name={_CALL}/recordings/*}}", "Recording"),
    _method("Calls", "CreateCall", "POST", f"{{parent={_PROJECT}}}/calls", "Call", "call"),
    _method("Calls", "GetCall", "GET", f"{{name={_CALL}}}", "Call"),
    _method("Calls", "ListCalls", "GET", f"{{parent={_PROJECT}}}/calls", "ListCallsResponse"),
)
"""Each method once for each of its HTTP bindings."""


def to_json(message: Any, *, enums_as_integers: bool = False) -> dict[str, Any]:
    """The message as ProtoJSON, a duration as short as the vendor's documentation has it: ``3.5s``."""
    written = write_json(message, enums_as_integers=enums_as_integers)
    for one in [written, *written.get("recordings", ())]:
        if "duration" in one:
            one["duration"] = _TRAILING_ZEROS.sub(lambda found: f"{found[1].rstrip('.')}s", one["duration"])
    return written
