"""What a channel's renditions are made of: elementary streams and the mux streams that carry them (O1).

Field names are those of the Live Stream API v1 where it has the thing (reference, section 2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from livedvr.resources.base import Resource
from livedvr.resources.layout import Container, check_key

VideoCodec = Literal["copy", "h264", "h265"]
CeaChannel = Literal["CC1", "CC2", "CC3", "CC4"]
DEFAULT_BITRATE = 6_000_000  # bits per second


class VideoStream(Resource):
    """A video: ``copy`` leaves it as it comes, else it is encoded with a keyframe on each segment's edge.

    ``height_pixels`` None: the source's; with a height alone the width keeps the picture's shape. ``bitrate_bps``: the
    encoder's cap, None: 6 Mbit/s. ``frame_rate`` None: the source's.

    ``gop_duration`` divides the segment duration: so far apart are keyframes within it. ``vbv_size_bits`` None: one
    second of the cap. ``aq_strength``: adaptive quantization on the encoder's own scale, 0 turns it off. ``profile``,
    ``entropy_coder`` and ``aq_strength`` None: the encoder chooses.
    """

    codec: VideoCodec = "copy"
    width_pixels: int | None = Field(default=None, ge=16, le=8192, multiple_of=2)
    height_pixels: int | None = Field(default=None, ge=16, le=4320, multiple_of=2)
    frame_rate: float | None = Field(default=None, gt=0, le=120)
    bitrate_bps: int | None = Field(default=None, ge=10_000)
    gop_duration: timedelta | None = Field(default=None, ge=timedelta(seconds=0.5))
    profile: Literal["baseline", "main", "high"] | None = None
    entropy_coder: Literal["cabac", "cavlc"] | None = None
    vbv_size_bits: int | None = Field(default=None, ge=1000)
    aq_strength: float | None = Field(default=None, ge=0, le=3)

    @property
    def cap_bps(self) -> int:
        """What the encoder keeps below (bits per second)."""
        return self.bitrate_bps or DEFAULT_BITRATE

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.width_pixels and not self.height_pixels:
            raise ValueError("a width needs a height")
        if self.codec == "copy" and self.model_dump(exclude={"codec"}, exclude_none=True):
            raise ValueError("a copied video stays as it comes: use the codec h264 or h265 to change it")
        if self.codec == "h265" and (self.profile not in (None, "main") or self.entropy_coder):
            raise ValueError("H.265 is encoded in its Main profile, and knows no other entropy coder than CABAC")
        if self.profile == "baseline" and self.entropy_coder == "cabac":
            raise ValueError("the baseline profile has no CABAC: use cavlc, or the profile main or high")
        slowest = min(self.frame_rate or 10, 10)  # pictures a second
        if self.vbv_size_bits is not None and self.vbv_size_bits * slowest < self.cap_bps:
            raise ValueError(f"a vbvSizeBits below {self.cap_bps / slowest:.0f} may not hold a single picture")
        return self


class AudioStream(Resource):
    """An audio: ``copy`` leaves it as it comes (the API's ``transmux``). ``input_track`` counts the source's from 0.

    ``language_code`` (BCP 47) and ``display_name`` go to EXT-X-MEDIA when the audio has a mux stream of its own.
    """

    codec: Literal["copy", "aac"] = "copy"
    input_track: int = Field(default=0, ge=0, le=63)
    bitrate_bps: int = Field(default=128_000, ge=8_000, le=10_000_000)
    channel_count: int = Field(default=2, ge=1, le=6)
    sample_rate_hertz: Literal[44_100, 48_000] = 48_000
    language_code: str | None = Field(default=None, pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$")
    display_name: str | None = Field(default=None, pattern=r'^[^"\r\n]{1,80}$')


class TextStream(Resource):
    """Subtitles or captions of the source as WebVTT.

    ``input_track`` counts the source's subtitle tracks from 0; ``input_cea_channel`` is a channel of the CEA-608
    captions that H.264 and H.265 pictures carry. With both, captions are taken of a source that has no such track.
    """

    codec: Literal["webvtt"] = "webvtt"
    input_track: int | None = Field(default=None, ge=0, le=63)
    input_cea_channel: CeaChannel | None = None
    language_code: str | None = Field(default=None, pattern=r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$")
    display_name: str | None = Field(default=None, pattern=r'^[^"\r\n]{1,80}$')

    @field_validator("input_cea_channel", mode="before")
    @classmethod
    def _is_608(cls, value: object) -> object:
        if isinstance(value, str) and value.upper().startswith("SERVICE"):
            raise ValueError("CEA-708 services are not decoded; name CC1 to CC4, which encoders send beside them")
        return value

    @model_validator(mode="after")
    def _comes_from_somewhere(self) -> Self:
        if self.input_track is None and self.input_cea_channel is None:
            raise ValueError("a text needs an inputTrack or an inputCeaChannel")
        return self


class ElementaryStream(Resource):
    """One video, one audio or one text."""

    key: str
    video_stream: VideoStream | None = None
    audio_stream: AudioStream | None = None
    text_stream: TextStream | None = None

    @field_validator("key")
    @classmethod
    def _key(cls, value: str) -> str:
        return check_key(value, field="elementaryStreams.key")

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if sum(one is not None for one in (self.video_stream, self.audio_stream, self.text_stream)) != 1:
            raise ValueError(f"'{self.key}' needs exactly one of videoStream, audioStream and textStream")
        return self

    @property
    def is_copied(self) -> bool:
        """Whether it is taken as it comes."""
        return (self.video_stream or self.audio_stream or VideoStream(codec="h264")).codec == "copy"


def video_and_audio(video: VideoCodec = "copy") -> tuple[ElementaryStream, ...]:
    """The source's first video and first audio: as they come, or encoded (H.264 or H.265, and AAC)."""
    return (
        ElementaryStream(key="video", video_stream=VideoStream(codec=video)),
        ElementaryStream(key="audio", audio_stream=AudioStream(codec="copy" if video == "copy" else "aac")),
    )


class MuxStream(Resource):
    """One rendition: which streams, in which container, cut how long.

    Several streams in one ``fmp4`` rendition are ours; the Live Stream API has one in each. A text has the container
    ``vtt``.
    """

    key: str = "av"
    container: Container = "fmp4"
    elementary_streams: tuple[str, ...] = ("video", "audio")
    segment_duration: timedelta = timedelta(seconds=2)

    @field_validator("key")
    @classmethod
    def _key(cls, value: str) -> str:
        if value.lower() in ("dvr", ".livedvr"):  # some file systems do not tell the cases of letters apart
            raise ValueError(f"the mux key '{value}' is reserved (O1)")
        return check_key(value, field="muxStreams.key")

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


def check_muxes(muxes: Sequence[MuxStream], streams: Sequence[ElementaryStream]) -> None:
    """Whether the mux streams can be made of these elementary streams; ValueError names what does not fit."""
    if not muxes:
        raise ValueError("a channel needs a mux stream")
    for what, keys in (("mux", [m.key for m in muxes]), ("elementary", [s.key for s in streams])):
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise ValueError(f"there are two {what} streams '{twice}'")
    _check_folders([mux.key for mux in muxes])
    known = {stream.key: stream for stream in streams}
    for mux in muxes:
        unknown = next((key for key in mux.elementary_streams if key not in known), None)
        if unknown is not None:
            raise ValueError(f"mux stream '{mux.key}' names '{unknown}', which is no elementary stream")
        kinds = [_kind(known[key]) for key in mux.elementary_streams]
        if not kinds or len(set(kinds)) < len(kinds) or ("text" in kinds and len(kinds) > 1):
            raise ValueError(f"mux stream '{mux.key}' carries one video, one audio, both, or one text")
        if ("text" in kinds) != (mux.container == "vtt"):
            raise ValueError(f"mux stream '{mux.key}': a text has the container vtt, and nothing else has it")
    _check_gops(muxes, known)
    texts = [stream.text_stream for stream in streams if stream.text_stream]
    if any(text.input_track is None for text in texts) and not any(stream.video_stream for stream in streams):
        raise ValueError("captions come with pictures, and this channel has no video")
    media = {mux.container for mux in muxes if mux.container != "vtt"}
    if len(media) > 1 or len({mux.segment_duration for mux in muxes}) > 1:
        raise ValueError("all mux streams have one container and one segment duration")


def _check_gops(muxes: Sequence[MuxStream], known: Mapping[str, ElementaryStream]) -> None:
    """A segment begins with a keyframe, and consists of whole GOPs."""
    for mux in muxes:
        videos = [video for key in mux.elementary_streams if (video := known[key].video_stream)]
        gops = [video.gop_duration for video in videos if video.gop_duration]
        if any(mux.segment_duration % gop for gop in gops):
            raise ValueError(f"mux stream '{mux.key}': a gopDuration divides the segment duration")


def _check_folders(keys: Sequence[str]) -> None:
    """A mux key names a folder, and some file systems do not tell the cases of letters apart."""
    folders = {key.lower(): key for key in keys}
    alike = next((key for key in keys if folders[key.lower()] != key), None)
    if alike is not None:
        raise ValueError(f"mux streams '{alike}' and '{folders[alike.lower()]}' would share a folder: rename one")


def _kind(stream: ElementaryStream) -> Literal["video", "audio", "text"]:
    if stream.text_stream is not None:
        return "text"
    return "video" if stream.video_stream is not None else "audio"
