"""What clients send: bodies, their rules, and the recording that is asked for. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel

from livedvr.facades.graph.errors import unsupported
from livedvr.resources.errors import InvalidArgument
from livedvr.resources.recording import RecordingLimits, RecordingSpec

LONGEST = {"record": 300, "recordResponse": 120}
"""Seconds that a limit may be, of both twins."""
MEDIA_TIMEOUT = timedelta(seconds=10)
MOST_PROMPTS = 20

Seconds = Annotated[int, Field(ge=1)]
Tones = Annotated[str, StringConstraints(pattern=r"^[0-9*#]{1,16}$")]
ClientContext = Annotated[str, StringConstraints(max_length=256)]


class _Body(BaseModel):
    """Fields that nobody knows are ignored, as Graph does; one that is null is as one that is not there."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True, alias_generator=to_camel)


class MediaInfo(_Body):
    """Where a prompt is."""

    uri: Annotated[str, StringConstraints(min_length=1, max_length=2048)]


class MediaPrompt(_Body):
    """A prompt; ``loop`` is beta's."""

    media_info: MediaInfo
    loop: int = 1


class PlayPrompt(_Body):
    """The body of `playPrompt`."""

    prompts: list[MediaPrompt] = Field(min_length=1, max_length=MOST_PROMPTS)
    client_context: ClientContext = ""
    loop: int = 1


class Record(_Body):
    """The body of `record` and `recordResponse`, with the documented defaults of what is absent."""

    prompts: list[MediaPrompt] = Field(default=[], max_length=1)
    barge_in_allowed: bool = False
    initial_silence_timeout_in_seconds: Seconds = 5
    max_silence_timeout_in_seconds: Seconds = 5
    max_record_duration_in_seconds: Seconds = 5
    play_beep: bool = True
    stop_tones: list[Tones] = Field(default=[], max_length=16)
    client_context: ClientContext = ""
    stream_while_recording: bool = False


class Cancel(_Body):
    """The body of `cancelMediaProcessing`."""

    client_context: ClientContext = ""


class CreateCall(_Body):
    """The body of `create call`."""

    callback_uri: Annotated[str, StringConstraints(min_length=1, max_length=2048)]
    targets: list[dict[str, Any]] = Field(min_length=1)
    requested_modalities: list[str] = Field(default=["audio"])
    media_config: dict[str, Any] = Field(default={})
    tenant_id: str | None = None
    subject: str | None = None


BodyT = TypeVar("BodyT", bound=_Body)


def read(kind: type[BodyT], data: bytes) -> BodyT:
    """A body of that kind. INVALID_ARGUMENT names the field that is wrong."""
    try:
        given = _without_nulls(json.loads(data or b"{}"))
    except (ValueError, RecursionError) as error:
        raise InvalidArgument("the request body is no JSON") from error
    if not isinstance(given, dict):
        raise InvalidArgument("the request body is no JSON object")
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidArgument(first["msg"], field=_path(first["loc"])) from error


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(one) for key, one in value.items() if one is not None}
    return [_without_nulls(one) for one in value] if isinstance(value, list) else value


def _path(parts: tuple[int | str, ...]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)
    return text.removeprefix(".")


def identity_of(given: CreateCall) -> str:
    """Who is called, by id: what stands for a channel. INVALID_ARGUMENT, UNIMPLEMENTED: what cannot be called."""
    if len(given.targets) > 1:
        raise unsupported("targets", "a group call")
    if given.requested_modalities != ["audio"]:
        raise unsupported("requestedModalities", "what is not audio")
    if given.media_config.get("@odata.type", _SERVICE_HOSTED) != _SERVICE_HOSTED:
        raise unsupported("mediaConfig", "media that the application hosts itself")
    identity = given.targets[0].get("identity")
    for one in identity.values() if isinstance(identity, dict) else ():
        if isinstance(one, dict) and isinstance(one.get("id"), str):
            return str(one["id"])
    raise InvalidArgument("nobody is named by an id", field="targets[0].identity")


_SERVICE_HOSTED = "#microsoft.graph.serviceHostedMediaConfig"


def record_spec(given: Record, action: str) -> RecordingSpec:
    """What is to be recorded; its queue, place and receiver are still to be set."""
    if given.stream_while_recording:
        raise unsupported("streamWhileRecording", "streaming while it records")
    limits = {
        "initialSilenceTimeoutInSeconds": given.initial_silence_timeout_in_seconds,
        "maxSilenceTimeoutInSeconds": given.max_silence_timeout_in_seconds,
        "maxRecordDurationInSeconds": given.max_record_duration_in_seconds,
    }
    for name, value in limits.items():
        if value > LONGEST[action]:
            raise InvalidArgument(f"{value} is too long, {LONGEST[action]} seconds at most", field=name)
    initial, silence, duration = (timedelta(seconds=value) for value in limits.values())
    return _spec(
        formats=("WAV",),
        sample_rate=16_000,
        mono=True,
        keep_silence=True,
        prompts=_uris(given.prompts),
        beep=given.play_beep,
        barge_in=given.barge_in_allowed,
        limits=RecordingLimits(
            initial_silence=initial,
            max_silence=silence,
            max_duration=duration,
            max_idle=MEDIA_TIMEOUT,
            stop_tones=tuple(given.stop_tones),
        ),
    )


def play_spec(given: PlayPrompt) -> RecordingSpec:
    """Prompts, and nothing behind them."""
    if given.loop > 1:
        raise unsupported("loop", "playing a prompt again")
    return _spec(formats=(), prompts=_uris(given.prompts))


def _spec(**given: Any) -> RecordingSpec:
    return RecordingSpec(queue="call", **given)


def _uris(prompts: list[MediaPrompt]) -> tuple[str, ...]:
    for i, one in enumerate(prompts):
        if one.loop > 1:
            raise unsupported(f"prompts[{i}].loop", "playing a prompt again")
    return tuple(one.media_info.uri for one in prompts)


def echoed(given: CreateCall) -> Mapping[str, Any]:
    """What a call shows of what it was made with."""
    return given.model_dump(by_alias=True, include={"targets", "requested_modalities", "tenant_id", "subject"})
