"""CreateCall: what is asked for, and what of it can be done. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from livedvr.api.refusing import refuse
from livedvr.facades.enfonica.shown import DIALECT, FORMATS
from livedvr.resources.errors import InvalidArgument, Unimplemented
from livedvr.resources.recording import Notify, RecordingLimits, RecordingSpec, SampleRate

SAMPLE_RATE: SampleRate = 8000  # Hz, mono: a telephone's
DEFAULT_TIMEOUT, LONGEST_TIMEOUT = 30, 600  # seconds
MOST_HANDLERS, MOST_LABELS, MOST_LABEL_BYTES, LONGEST_URI = 5, 50, 10 << 10, 2048
_OPTIONS, _RECORDING = "call.options", "call.options.recording"
_ENUM = {0: "unset", 1: "DISABLED", 2: "ANSWER", 3: "BRIDGE"}
_ANSWER, _TRANSCRIBES, _TRIM_SILENCE = 2, 2, 1


def spec_of(call: Any, call_id: str) -> RecordingSpec:
    """The recording that a call is to make.

    INVALID_ARGUMENT: what the vendor's documentation does not allow; UNIMPLEMENTED: what needs a telephone network.
    """
    _check(call)
    options, recording = call.options, call.options.recording
    if recording.trigger != _ANSWER:
        raise Unimplemented(
            f"trigger {_ENUM[recording.trigger]}: a call is made to record a channel from its first media on",
            field=f"{_RECORDING}.trigger",
            hint="ANSWER",
        )
    if recording.transcribe == _TRANSCRIBES:
        raise Unimplemented("livedvr transcribes nothing", field=f"{_RECORDING}.transcribe", hint="leave it out")
    refuse(recording, ["transcription_ready_uri"], _RECORDING)
    for i, one in enumerate(recording.post_processing):
        if one != _TRIM_SILENCE:
            raise InvalidArgument("it is unspecified", field=f"{_RECORDING}.post_processing[{i}]", hint="TRIM_SILENCE")
    told = [uri for _, uri in _told(call)]
    notify = Notify(uri=told[0], others=tuple(told[1:]), dialect=DIALECT, context={"call": call_id})
    patience = timedelta(seconds=options.timeout_seconds or DEFAULT_TIMEOUT)
    return RecordingSpec(
        formats=FORMATS,
        sample_rate=SAMPLE_RATE,
        mono=True,
        trim_silence=bool(recording.post_processing),
        limits=RecordingLimits(max_idle=patience),
        notify=(notify,),
    )


def fields_of(call: Any) -> Mapping[str, str]:
    """What the domain names in its refusals -> what CreateCall's client has called it."""
    first, *others = (field for field, _ in _told(call))
    return {
        **dict.fromkeys(("formats", "limits", "outputUri"), "call.to"),
        "notify[0].uri": first,
        **{f"notify[0].others[{i}]": field for i, field in enumerate(others)},
    }


def _told(call: Any) -> list[tuple[str, str]]:
    """Who is told, with the field that says so: who is named for the recording, else who handles the call."""
    if call.options.recording.recording_ready_uri:
        return [(f"{_RECORDING}.recording_ready_uri", call.options.recording.recording_ready_uri)]
    return [(f"{_OPTIONS}.handler_uris[{i}]", uri) for i, uri in enumerate(call.options.handler_uris)]


def _check(call: Any) -> None:
    for field in ("to", "from"):
        if not getattr(call, field):
            raise InvalidArgument("it is required", field=f"call.{field}")
    options = call.options
    if not 1 <= len(options.handler_uris) <= MOST_HANDLERS:
        raise InvalidArgument(f"1 to {MOST_HANDLERS} are required", field=f"{_OPTIONS}.handler_uris")
    for i, uri in enumerate(options.handler_uris):
        _check_uri(uri, f"{_OPTIONS}.handler_uris[{i}]")
    refuse(options, ["state_update_uri"], _OPTIONS)
    if not 0 <= options.timeout_seconds <= LONGEST_TIMEOUT:
        raise InvalidArgument(
            f"it is {options.timeout_seconds}", field=f"{_OPTIONS}.timeout_seconds", hint=f"1 to {LONGEST_TIMEOUT}"
        )
    if options.recording.recording_ready_uri:
        _check_uri(options.recording.recording_ready_uri, f"{_RECORDING}.recording_ready_uri")
    size = sum(len(key.encode()) + len(value.encode()) for key, value in call.labels.items())
    if len(call.labels) > MOST_LABELS or size > MOST_LABEL_BYTES:
        raise InvalidArgument(
            f"more than {MOST_LABELS} labels, or than {MOST_LABEL_BYTES} bytes of them", field="call.labels"
        )


def _check_uri(uri: str, field: str) -> None:
    try:
        parts = urlsplit(uri)
        is_absolute = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_absolute = False
    if not is_absolute or len(uri) > LONGEST_URI or any(one.isspace() for one in uri):
        raise InvalidArgument("it is no absolute URI of HTTP", field=field, hint="https://host/path")
