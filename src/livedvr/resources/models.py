"""The resources: what a user creates and reads. Frozen, validated, camelCase on the wire (O1, O2).

Field names are those of the Live Stream API v1 where it has the thing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Self

from pydantic import (
    AwareDatetime,
    Field,
    SecretStr,
    SerializationInfo,
    field_serializer,
    field_validator,
    model_validator,
)

from livedvr.resources.addresses import check_ranges, public_uri, split_stream_key
from livedvr.resources.base import Resource
from livedvr.resources.errors import InvalidArgument
from livedvr.resources.layout import check_id, check_key
from livedvr.resources.streams import (
    AudioStream,
    ElementaryStream,
    MuxStream,
    TextStream,
    VideoStream,
    check_muxes,
    video_and_audio,
)
from livedvr.resources.times import SECOND

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

InputKey = Literal["primary", "backup"]
InputSwitchMode = Literal["FAILOVER_PREFER_PRIMARY", "MANUAL"]
WITH_SECRETS: Mapping[str, bool] = {"with_secrets": True}
"""The context of a dump that goes where only we read it: the catalog."""

_STREAM_KEY = re.compile(r"[A-Za-z0-9._~-]{1,128}")  # what an URL needs no escapes for (RFC 3986 2.3)


class SecurityRule(Resource):
    """Who may publish: ``ip_ranges`` are addresses and networks (CIDR); none: everybody who reaches the port."""

    ip_ranges: tuple[str, ...] = ()

    @field_validator("ip_ranges")
    @classmethod
    def _ranges(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return check_ranges(value)


class Edges(Resource):
    """Pixels at each edge of a picture."""

    top_pixels: int = Field(default=0, ge=0, le=4320)
    bottom_pixels: int = Field(default=0, ge=0, le=4320)
    left_pixels: int = Field(default=0, ge=0, le=8192)
    right_pixels: int = Field(default=0, ge=0, le=8192)


class Input(Resource):
    """Where the live media comes from: ``testsrc``, a file, ``srt://...``, ``rtmp://...``; see docs/inputs.md.

    ``stream_key`` is what a publisher over RTMP has to know (I4). In ``uri`` it may be given as ``rtmp://:port/app/KEY``;
    it is taken out of there, so that what shows the URI does not show the key. JSON has it only for the catalog:
    ``model_dump_json(context=WITH_SECRETS)``.

    ``crop`` is cut off the source's picture, then ``pad`` is put around it in black, before it is scaled; both for
    encoded videos only.
    """

    uri: str = Field(min_length=1)
    loop: bool = False  # a file starts again at its end
    security_rules: SecurityRule = SecurityRule()
    stream_key: SecretStr | None = None
    crop: Edges | None = None
    pad: Edges | None = None

    @model_validator(mode="before")
    @classmethod
    def _take_key(cls, given: Any) -> Any:
        if not isinstance(given, dict) or not isinstance(given.get("uri"), str):
            return given  # the fields' own checks say what is wrong
        uri, key = split_stream_key(given["uri"])
        if key is None:
            return given
        if any(given.get(name) is not None for name in ("stream_key", "streamKey")):
            raise ValueError("the stream key is given twice, in the URI and by itself")
        return given | {"uri": uri, "stream_key": key}

    @field_validator("stream_key")
    @classmethod
    def _key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _STREAM_KEY.fullmatch(value.get_secret_value()):
            raise ValueError("a stream key is 1 to 128 letters, digits and - . _ ~")
        return value

    @field_serializer("stream_key", when_used="unless-none")
    def _show_key(self, value: SecretStr, info: SerializationInfo) -> str:
        return value.get_secret_value() if info.context == WITH_SECRETS else str(value)

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            yield name, public_uri(self.uri) if name == "uri" else value


class Output(Resource):
    """Where segments and manifests go: a path, ``file:///...`` or ``gs://bucket/prefix``.

    ``gzip``: in a bucket, playlists are stored compressed: they are a twentieth then, also for players.
    """

    uri: str = Field(min_length=1)
    gzip: bool = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.gzip and not self.uri.startswith("gs://"):
            raise ValueError("gzip is for gs:// outputs: a file cannot say that it is compressed")
        return self


class Manifest(Resource):
    """A manifest: the channel's own live one (O5), and what DVR sessions ask for by its key; without one they cannot.

    ``max_segment_count``: how many segments the live one lists. ``gap_entries``: whether a rendition that fails gets
    EXT-X-GAP entries (P7), without them its playlist just does not grow meanwhile. ``start_offset``: where players
    begin (EXT-X-START, RFC 8216bis 4.4.2.2), from the start, negative from the end.
    """

    key: str | None = "main"
    file_name: str = Field(default="main.m3u8", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*\.m3u8$")
    mux_streams: tuple[str, ...] = Field(default=("av",), min_length=1)
    max_segment_count: int = Field(default=5, ge=3, le=1000)
    gap_entries: bool = True
    start_offset: timedelta | None = None

    @field_validator("key")
    @classmethod
    def _key(cls, value: str | None) -> str | None:
        return None if value is None else check_key(value, field="manifests.key")

    @property
    def start_offset_micros(self) -> int | None:
        """The start offset in microseconds."""
        return None if self.start_offset is None else self.start_offset // timedelta(microseconds=1)


class Channel(Resource):
    """A live input that is cut into segments on one timeline (O1).

    Without settings the source's first video and first audio go as they come into one fMP4 rendition. All renditions
    are cut by one ffmpeg from one decode. ``target_duration``: seconds, instead of the value measured at the first
    settled run (P3). ``source_dates``: the dates of an HLS source win over arrival (C5).

    ``backup_input`` is taken in beside ``input`` and stands by. With FAILOVER_PREFER_PRIMARY it is on air while the
    primary is lost, with MANUAL one is on air until `Channels.switch_input` asks for the other.
    """

    channel_id: str
    input: Input
    backup_input: Input | None = None
    input_switch_mode: InputSwitchMode = "FAILOVER_PREFER_PRIMARY"
    output: Output
    elementary_streams: tuple[ElementaryStream, ...] = video_and_audio()
    mux_streams: tuple[MuxStream, ...] = (MuxStream(),)
    manifests: tuple[Manifest, ...] = (Manifest(),)
    retention_window: timedelta = Field(default=timedelta(hours=24), ge=timedelta(0))
    target_duration: int | None = Field(default=None, ge=1, le=120)
    source_dates: bool = False

    @field_validator("channel_id")
    @classmethod
    def _id(cls, value: str) -> str:
        return check_id(value, field="channelId")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        check_muxes(self.mux_streams, self.elementary_streams)
        if not self.manifests:
            raise ValueError("a channel needs a manifest")
        keyed = [manifest.key for manifest in self.manifests if manifest.key is not None]
        for field, values in (("key", keyed), ("fileName", [m.file_name.lower() for m in self.manifests])):
            if len(set(values)) < len(values):
                raise ValueError(f"two manifests have the same {field}")
        keys = {mux.key for mux in self.mux_streams}
        for manifest in self.manifests:
            unknown = next((key for key in manifest.mux_streams if key not in keys), None)
            if unknown is not None:
                raise ValueError(f"manifest '{manifest.file_name}' names '{unknown}', which is no mux stream")
        if self.reference.container == "vtt":
            raise ValueError("a channel needs a video or an audio")
        return self

    @model_validator(mode="after")
    def _takes(self) -> Self:
        """Whether its inputs can be what it asks of them."""
        synthetic = any(given.uri == "testsrc" for given in self.inputs.values())
        if synthetic and any(stream.is_copied for stream in self.elementary_streams):
            raise ValueError("testsrc makes raw pictures, there is nothing to copy: use video h264")
        pulled = all(given.uri.startswith(("http://", "https://")) for given in self.inputs.values())
        if self.source_dates and not pulled:
            raise ValueError("only an HLS source has dates of its own")
        framed = any(given.crop or given.pad for given in self.inputs.values())
        if framed and any(s.video_stream and s.video_stream.codec == "copy" for s in self.elementary_streams):
            raise ValueError("a copied video is neither cropped nor padded: use the codec h264 or h265")
        if self.input_switch_mode == "MANUAL" and self.backup_input is None:
            raise ValueError("there is no backup input to switch to")
        return self

    @property
    def inputs(self) -> dict[InputKey, Input]:
        """The inputs by key, the primary first."""
        backup: dict[InputKey, Input] = {} if self.backup_input is None else {"backup": self.backup_input}
        return {"primary": self.input, **backup}

    @property
    def reference(self) -> MuxStream:
        """The rendition whose segments are clock and edges of all: the first video, else the first audio (W5)."""
        video = (mux for mux in self.mux_streams if self.video_of(mux))
        return next(video, None) or next((mux for mux in self.mux_streams if self.audio_of(mux)), self.mux_streams[0])

    def mux_stream(self, key: str) -> MuxStream:
        """The mux stream with this key."""
        return next(mux for mux in self.mux_streams if mux.key == key)

    def timeline_keys(self) -> list[str]:
        """The mux keys as the timeline has them: the reference first."""
        return sorted((mux.key for mux in self.mux_streams), key=lambda key: key != self.reference.key)

    def video_of(self, mux: MuxStream) -> VideoStream | None:
        """The mux stream's video, if it has one."""
        return next((s.video_stream for s in self._streams_of(mux) if s.video_stream), None)

    def audio_of(self, mux: MuxStream) -> AudioStream | None:
        """The mux stream's audio, if it has one."""
        return next((s.audio_stream for s in self._streams_of(mux) if s.audio_stream), None)

    def text_of(self, mux: MuxStream) -> TextStream | None:
        """The mux stream's text, if it is one."""
        return next((s.text_stream for s in self._streams_of(mux) if s.text_stream), None)

    def _streams_of(self, mux: MuxStream) -> list[ElementaryStream]:
        return [stream for stream in self.elementary_streams if stream.key in mux.elementary_streams]

    @property
    def retention_micros(self) -> int:
        """The retention window in microseconds."""
        return self.retention_window // timedelta(microseconds=1)

    def manifest(self, key: str) -> Manifest:
        """The manifest with this key (W1), or InvalidArgument naming those there are."""
        for manifest in self.manifests:
            if manifest.key == key:
                return manifest
        have = ", ".join(self.manifest_keys())
        raise InvalidArgument(
            f"channel '{self.channel_id}' has no manifest '{key}'",
            field="manifestKey",
            hint=f"it has {have}" if have else "give one of its manifests a key",
        )

    def manifest_keys(self) -> list[str]:
        """The keys by which DVR sessions can name a manifest."""
        return [manifest.key for manifest in self.manifests if manifest.key is not None]


class TimeInterval(Resource):
    """A DVR window. No start means the moment of acceptance, no end means open (W3). Times of the stream (W2)."""

    start_time: AwareDatetime | None = None
    end_time: AwareDatetime | None = None


class AdBreak(Resource):
    """An ad break that is asked for: it begins at the first segment's start at or after ``time`` (P9)."""

    event_id: int
    time: AwareDatetime
    duration: timedelta


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
