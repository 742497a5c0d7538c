"""The resources: what a user creates and reads. Frozen, validated, camelCase on the wire (O1, O2).

Field names are those of the Live Stream API v1 where it has the thing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic.alias_generators import to_camel

from livedvr.resources.errors import InvalidArgument
from livedvr.resources.layout import Container, check_id
from livedvr.resources.times import SECOND

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Resource(BaseModel):
    """Base of all resources. A bad value raises InvalidArgument that names the field."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)

    def __init__(self, **data: Any) -> None:
        try:
            super().__init__(**data)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"]) or type(self).__name__
            raise InvalidArgument(first["msg"].removeprefix("Value error, "), field=field) from error


class Input(Resource):
    """Where the live media comes from: ``testsrc``, a file, ``srt://...``, ``udp://...``."""

    uri: str = Field(min_length=1)
    loop: bool = False  # a file starts again at its end


class Output(Resource):
    """Where segments and manifests go: a path or ``file:///...``."""

    uri: str = Field(min_length=1)


class MuxStream(Resource):
    """One rendition: which container, cut how long."""

    key: str = "av"
    container: Container = "fmp4"
    segment_duration: timedelta = timedelta(seconds=2)

    @field_validator("key")
    @classmethod
    def _key(cls, value: str) -> str:
        if value in ("dvr", ".livedvr"):
            raise ValueError(f"the mux key '{value}' is reserved (O1)")
        return check_id(value, field="muxStreams.key")

    @field_validator("segment_duration")
    @classmethod
    def _duration(cls, value: timedelta) -> timedelta:
        if not timedelta(seconds=1) <= value <= timedelta(seconds=20):
            raise ValueError(f"{value.total_seconds():g} s is outside 1 s to 20 s")
        return value

    @property
    def segment_micros(self) -> int:
        """The segment setting in microseconds."""
        return self.segment_duration // timedelta(microseconds=1)


class Manifest(Resource):
    """A manifest that DVR sessions can ask for by its key.

    ``start_offset``: where players begin (EXT-X-START, RFC 8216bis 4.4.2.2), from the start, negative from the end.
    """

    key: str = "main"
    file_name: str = Field(default="main.m3u8", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*\.m3u8$")
    mux_streams: tuple[str, ...] = ("av",)
    start_offset: timedelta | None = None

    @property
    def start_offset_micros(self) -> int | None:
        """The start offset in microseconds."""
        return None if self.start_offset is None else self.start_offset // timedelta(microseconds=1)


class Channel(Resource):
    """A live input that is cut into segments on one timeline (O1).

    ``video``: ``copy`` leaves both video and audio as they come; ``h264`` encodes H.264 and AAC with keyframes on
    the segment edges. ``target_duration``: seconds, instead of the value measured at the first settled run (P3).
    """

    channel_id: str
    input: Input
    output: Output
    video: Literal["copy", "h264"] = "copy"
    mux_streams: tuple[MuxStream, ...] = (MuxStream(),)
    manifests: tuple[Manifest, ...] = (Manifest(),)
    retention_window: timedelta = Field(default=timedelta(hours=24), ge=timedelta(0))
    target_duration: int | None = Field(default=None, ge=1, le=120)

    @field_validator("channel_id")
    @classmethod
    def _id(cls, value: str) -> str:
        return check_id(value, field="channelId")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.mux_streams) != 1:
            raise ValueError("a channel has exactly one mux stream")
        if not self.manifests:
            raise ValueError("a channel needs a manifest")
        if any(manifest.mux_streams != (self.mux.key,) for manifest in self.manifests):
            raise ValueError(f"each manifest carries the mux stream '{self.mux.key}'")
        if self.video == "copy" and self.input.uri == "testsrc":
            raise ValueError("testsrc makes raw pictures, there is nothing to copy: use video h264")
        return self

    @property
    def mux(self) -> MuxStream:
        """The one mux stream."""
        return self.mux_streams[0]

    @property
    def retention_micros(self) -> int:
        """The retention window in microseconds."""
        return self.retention_window // timedelta(microseconds=1)

    def manifest(self, key: str) -> Manifest:
        """The manifest with this key (W1), or InvalidArgument naming those there are."""
        for manifest in self.manifests:
            if manifest.key == key:
                return manifest
        have = ", ".join(m.key for m in self.manifests)
        raise InvalidArgument(
            f"channel '{self.channel_id}' has no manifest '{key}'", field="manifestKey", hint=f"it has {have}"
        )


class TimeInterval(Resource):
    """A DVR window. No start means the moment of acceptance, no end means open (W3). Times of the stream (W2)."""

    start_time: AwareDatetime | None = None
    end_time: AwareDatetime | None = None


class Gap(Resource):
    """A stretch of a session's windows that has no media, and why (P8)."""

    start_time: AwareDatetime
    end_time: AwareDatetime
    reason: str


class DvrSession(Resource):
    """A DVR session as it stands: what was asked for, its state, and what its manifest holds.

    ``cooldown_end_time``: in COOLDOWN, when the manifest will honour the new end (S7); None until ENDLIST is stored.
    ``actual_start`` and ``actual_end`` are the edges after snapping outward to whole segments (W5);
    ``duration`` counts media, without the gaps.
    """

    session_id: str
    channel_id: str
    manifest_key: str
    output_uri: str
    dvr_windows: tuple[TimeInterval, ...]
    state: str
    error: str | None = None
    create_time: AwareDatetime
    update_time: AwareDatetime
    cooldown_end_time: AwareDatetime | None = None
    actual_start: AwareDatetime | None = None
    actual_end: AwareDatetime | None = None
    segments: int = 0
    duration: timedelta = timedelta()
    size_bytes: int = 0
    gaps: tuple[Gap, ...] = ()
    labels: Mapping[str, str] = Field(default_factory=dict)


def to_micros(moment: datetime) -> int:
    """Aware datetime -> microseconds since the epoch."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def to_datetime(micros: int) -> datetime:
    """Microseconds since the epoch -> UTC datetime."""
    return _EPOCH + timedelta(seconds=micros // SECOND, microseconds=micros % SECOND)
