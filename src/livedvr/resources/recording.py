"""A recording: a bounded piece of a channel, from a start to an end condition, into files. camelCase on the wire."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AwareDatetime,
    Field,
    SecretStr,
    SerializationInfo,
    StringConstraints,
    field_serializer,
    field_validator,
    model_validator,
)

from livedvr.resources.base import Resource
from livedvr.resources.errors import InvalidArgument
from livedvr.resources.file_names import check_pattern, check_stem, placeholders
from livedvr.resources.models import WITH_SECRETS, TimeInterval

RecordingFormat = Literal["WAV", "MP3", "AAC", "MP4", "HLS"]
SampleRate = Literal[8000, 16000, 48000]
Tracks = Literal["AV", "AUDIO", "VIDEO", "SEPARATE"]
TrackType = Literal["AUDIO_VIDEO", "AUDIO", "VIDEO"]
_KEYS = r"^[0-9A-D*#]{1,16}$"
StopTone = Annotated[str, Field(json_schema_extra={"pattern": _KEYS})]

_IN_STEMS = frozenset({"begin", "index", "track"})
_IN_HEADERS = _IN_STEMS | {"begin_ms", "width", "height"}
_OUR_TAGS = re.compile(  # a playlist has each of these once, where it belongs
    r"#EXT(M3U|INF|-X-(VERSION|TARGETDURATION|MEDIA-SEQUENCE|PLAYLIST-TYPE|MAP|PROGRAM-DATE-TIME|DISCONTINUITY(-SEQUENCE)?"
    r"|ENDLIST))(?![A-Z-])"
)
# Nothing in it separates it from the next, where several are stored.
Uri = Annotated[str, StringConstraints(min_length=1, max_length=2048, pattern=r"^\S+$")]

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

    @field_validator("stop_tones")
    @classmethod
    def _check_tones(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for tone in value:
            if not re.fullmatch(_KEYS, tone):
                raise ValueError(f"'{tone}' is none: keys 0-9 * # A-D, 1 to 16 of them")
        return value

    @property
    def hears(self) -> bool:
        """Whether any of them is about what is heard."""
        return bool(self.stop_tones) or self.initial_silence is not None or self.max_silence is not None


class Notify(Resource):
    """Who is told of a recording.

    ``others``: tried in turn where ``uri`` does not take it; ``dialect``: in which words, see docs/recordings.md;
    ``secret`` signs them; ``context``: what those words need beside the recording.
    """

    uri: Uri
    others: tuple[Uri, ...] = Field(default=(), max_length=4)
    dialect: str = "livedvr"
    secret: SecretStr | None = None
    context: Mapping[str, str] = Field(default_factory=dict)

    @field_serializer("secret", when_used="unless-none")
    def _show(self, value: SecretStr, info: SerializationInfo) -> str:
        return value.get_secret_value() if info.context == WITH_SECRETS else str(value)


class HlsOptions(Resource):
    """How the playlist and the segments of an HLS recording are.

    ``segment_seconds``: they end at the next key picture. ``segment_stem``: their names beside the playlist,
    ``{index}`` (from 1) or ``{begin}`` tells them apart. ``header``: further lines for the head of the playlist;
    beside the placeholders of a stem they have ``{begin_ms}`` (ms since the epoch), ``{width}`` and ``{height}``;
    a line with one that has no value is left out. ``tracks``: other than the recording's.
    """

    container: Literal["fmp4", "ts"] = "fmp4"
    segment_seconds: int = Field(default=6, ge=1, le=60)
    segment_stem: str = "segment-{index:06d}"
    header: tuple[str, ...] = Field(default=(), max_length=16)
    tracks: Tracks | None = None

    @field_validator("segment_stem")
    @classmethod
    def _check_stem(cls, value: str) -> str:
        check_stem(value, _IN_STEMS)
        if "/" in value:
            raise ValueError("segments lie beside their playlist: no '/'")
        if not placeholders(value) & {"begin", "index"}:
            raise ValueError("segments are told apart by {index} or {begin}")
        return value

    @field_validator("header")
    @classmethod
    def _check_header(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for line in value:
            check_pattern(line, _IN_HEADERS)
            if not line.startswith("#") or re.search(r"[\x00-\x1f\x7f]", line):
                raise ValueError("a line of the head is one line, and begins with '#'")
            if _OUR_TAGS.match(line):
                raise ValueError(f"'{line}' is written by us")
        return value


class RecordingSpec(Resource):
    """What is asked for.

    ``output_uri``: the folder that its files go into; none: ``recordings`` in the channel's output. ``file_stem``: how
    they are called below it, without what names the format (``.mp4``); none: the recording's id. In it ``{begin}``
    stands for the time of the file's first media (UTC, yyyymmddHHMMSSmmm), ``{index}`` for its number, from 1, and
    ``{track}`` for its one of ``track_names``: of sound and pictures, sound, pictures. ``/`` makes folders; what would
    give two files one name is made to tell them apart.

    ``sample_rate`` (Hz) and ``mono``: of what is sound alone, else as it comes. ``tracks``: of MP4 and HLS,
    ``SEPARATE``: a file of sound and one of pictures. ``trim_silence``: at both ends; ``keep_silence``: sound alone
    that is silent throughout is a recording as any other, not EMPTY. A new file begins after ``max_file_duration`` (not
    of HLS), after a pause or an absence of the sender with ``split_at_pauses``, and where the kind of media changes.

    ``queue``: those of a channel that name the same one come after each other, in the order in which they were asked
    for; ``barge_in``: it cancels those before it. A queue is somebody's call, and has a downlink on which ``prompts``
    are played first (URLs of wavs: 16 kHz, 16 bits, mono), then a ``beep``; what is recorded begins behind it. Without
    any ``formats`` that is all there is of it.
    """

    output_uri: str = ""
    file_stem: str = ""
    formats: tuple[RecordingFormat, ...] = ("MP4",)
    tracks: Tracks = "AV"
    track_names: tuple[str, str, str] = ("av", "audio", "video")
    hls: HlsOptions = HlsOptions()
    max_file_duration: Annotated[timedelta, Field(ge=timedelta(seconds=1), le=_LONGEST)] | None = None
    split_at_pauses: bool = False
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

    @field_validator("limits", mode="wrap")
    @classmethod
    def _name_limits(cls, value: Any, handler: Callable[[Any], RecordingLimits]) -> RecordingLimits:
        try:
            return handler(value)
        except InvalidArgument as error:
            error.field = f"limits.{error.field}"
            raise

    @field_validator("file_stem")
    @classmethod
    def _check_stem(cls, value: str) -> str:
        if value:
            check_stem(value, _IN_STEMS)
        return value

    @field_validator("track_names")
    @classmethod
    def _check_names(cls, value: tuple[str, str, str]) -> tuple[str, str, str]:
        for name in value:
            check_stem(f"x{name}", frozenset())
        if len(set(value)) < len(value) or any("/" in name for name in value):
            raise ValueError("three names, none of them twice, without '/'")
        return value

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
    """One file, as ffprobe has it too. ``begin_time``: of the stream, of its first sample or picture; ``end_time``:
    where it ends.

    ``index``: of the files of its format and track, from 1. ``custom_begin_ms``: what its sender says of its first
    picture, see docs/recordings.md "A time of the sender's"; None: nothing. ``width`` and ``height`` in pixels, None
    without pictures; ``sample_rate`` in Hz, None without sound. Of HLS the ``uri`` is the playlist, ``size_bytes``
    all of it.
    """

    format: RecordingFormat
    track: TrackType
    index: int = 1
    uri: str
    mime_type: str
    size_bytes: int
    duration: timedelta
    begin_time: AwareDatetime
    end_time: AwareDatetime
    custom_begin_ms: int | None = None
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
