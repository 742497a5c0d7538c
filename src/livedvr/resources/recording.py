"""A recording: a bounded piece of a channel, from a start to an end condition, into files. camelCase on the wire."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import (
    AwareDatetime,
    Field,
    SecretStr,
    SerializationInfo,
    StringConstraints,
    field_serializer,
    model_validator,
)

from livedvr.resources.base import Resource
from livedvr.resources.models import WITH_SECRETS, TimeInterval

RecordingFormat = Literal["WAV", "MP3", "AAC", "MP4", "HLS"]
SampleRate = Literal[8000, 16000, 48000]
StopTone = Annotated[str, StringConstraints(pattern=r"^[0-9A-D*#]{1,16}$")]

_LONGEST = timedelta(days=30)
_Limit = Annotated[timedelta, Field(gt=timedelta(0), le=_LONGEST)]


class RecordingLimits(Resource):
    """What ends a recording by itself; None: that does not. Pauses count for ``max_time`` alone.

    ``max_duration``: so much is recorded. ``max_time``: so long ago it was started. ``initial_silence``: so long
    nobody has said anything at its beginning, ``max_silence``: afterwards. ``max_idle``: so long no media has come.
    ``stop_tones``: keys of a telephone, or sequences of them; what is heard of the tone is not in the recording.
    """

    max_duration: _Limit | None = None
    max_time: _Limit | None = None
    initial_silence: _Limit | None = None
    max_silence: _Limit | None = None
    max_idle: _Limit | None = None
    stop_tones: tuple[StopTone, ...] = Field(default=(), max_length=16)

    @property
    def hears(self) -> bool:
        """Whether any of them is about what is heard."""
        return bool(self.stop_tones) or self.initial_silence is not None or self.max_silence is not None


class Notify(Resource):
    """Who is told of a recording.

    ``dialect``: in which words, see docs/recordings.md; ``secret`` signs them; ``context``: what those words need
    beside the recording.
    """

    uri: str = Field(min_length=1, max_length=2048)
    dialect: str = "livedvr"
    secret: SecretStr | None = None
    context: Mapping[str, str] = Field(default_factory=dict)

    @field_serializer("secret", when_used="unless-none")
    def _show(self, value: SecretStr, info: SerializationInfo) -> str:
        return value.get_secret_value() if info.context == WITH_SECRETS else str(value)


class RecordingSpec(Resource):
    """What is asked for.

    ``output_uri``: the folder that its files go into; none: ``recordings`` in the channel's output. ``sample_rate``
    (Hz) and ``mono``: of what is sound alone, else as it comes. ``trim_silence``: at both ends. ``keep_silence``: sound
    alone that is silent throughout is a recording as any other, not EMPTY.

    ``queue``: those of a channel that name the same one come after each other, in the order in which they were asked
    for; ``barge_in``: it cancels those before it. A queue is somebody's call, and has a downlink on which ``prompts``
    are played first (URLs of wavs: 16 kHz, 16 bits, mono), then a ``beep``; what is recorded begins behind it. Without
    any ``formats`` that is all there is of it.
    """

    output_uri: str = ""
    formats: tuple[RecordingFormat, ...] = ("MP4",)
    manifest_key: str | None = None
    limits: RecordingLimits = RecordingLimits()
    sample_rate: SampleRate | None = None
    mono: bool = False
    trim_silence: bool = False
    keep_silence: bool = False
    queue: str = Field(default="", max_length=256)
    barge_in: bool = False
    prompts: tuple[Annotated[str, StringConstraints(min_length=1, max_length=2048)], ...] = Field(
        default=(), max_length=20
    )
    beep: bool = False
    notify: tuple[Notify, ...] = Field(default=(), max_length=8)
    labels: Mapping[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(set(self.formats)) < len(self.formats):
            raise ValueError("a format is named twice")
        if not self.formats and not self.prompts:
            raise ValueError("there is no format, nor a prompt")
        if not self.queue and (self.prompts or self.beep or self.barge_in):
            raise ValueError("prompts, a beep and barging in need a queue")
        return self


class RecordingFile(Resource):
    """One file, as ffprobe has it too. ``begin_time``: of the stream, of its first sample or picture.

    ``width`` and ``height`` in pixels, None without pictures; ``sample_rate`` in Hz, None without sound. Of HLS the
    ``uri`` is the playlist, ``size_bytes`` all of it.
    """

    format: RecordingFormat
    uri: str
    mime_type: str
    size_bytes: int
    duration: timedelta
    begin_time: AwareDatetime
    width: int | None = None
    height: int | None = None
    sample_rate: int | None = None
    channels: int | None = None


class Recording(Resource):
    """A recording as it stands: what was asked for, its state, and what has been made.

    ``spans``: what is recorded, in times of the stream; a pause ends one, resuming begins the next. ``end_reason``:
    see docs/recordings.md. ``start_time``: when its first media began; ``end_time``: where it ended. ``duration``
    counts media, without pauses and gaps.
    """

    recording_id: str
    channel_id: str
    spec: RecordingSpec
    state: str
    spans: tuple[TimeInterval, ...]
    end_reason: str | None = None
    error: str | None = None
    create_time: AwareDatetime
    update_time: AwareDatetime
    start_time: AwareDatetime | None = None
    end_time: AwareDatetime | None = None
    duration: timedelta = timedelta()
    files: tuple[RecordingFile, ...] = ()
