"""The requests, field for field as the vendor has them, and their ranges. Pure.

What is wrong with one is told by the vendor's codes: MissingParameter.*, UnknownParameter, InvalidParameter.*.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, ValidationError
from pydantic.alias_generators import to_pascal
from pydantic_core import ErrorDetails

from livedvr.facades.tencent.errors import TencentError


class Given(BaseModel):
    """Base of what a client gives."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_pascal, hide_input_in_errors=True)


def between(least: int, most: int) -> Any:
    """A field's range, both ends in it."""
    return Field(ge=least, le=most)


Switch = Annotated[int, between(0, 1)]
Uint32 = Annotated[int, between(1, 2**32 - 1)]
Users = Annotated[list[Annotated[str, StringConstraints(min_length=1, max_length=64)]], Field(max_length=32)]
UserId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,32}$")]
TaskId = Annotated[str, StringConstraints(min_length=1, max_length=128)]
# A part of a path below the recordings of a channel: neither `.` nor `..`.
Bucket = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]{0,62}$")]
Prefix = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class SubscribeStreamUserIds(Given):
    """Whose sound and pictures: one list of each pair, at most."""

    subscribe_audio_user_ids: Users | None = None
    un_subscribe_audio_user_ids: Users | None = None
    subscribe_video_user_ids: Users | None = None
    un_subscribe_video_user_ids: Users | None = None


class RecordParams(Given):
    """How it is recorded."""

    record_mode: Annotated[int, between(1, 2)]
    max_idle_time: Annotated[int, between(5, 86_400)] = 30
    stream_type: Annotated[int, between(0, 2)] = 0
    subscribe_stream_user_ids: SubscribeStreamUserIds = SubscribeStreamUserIds()
    output_format: Annotated[int, between(0, 4)] = 0
    av_merge: Switch = 0
    max_media_file_duration: Annotated[int, between(1, 1440)] = 1440
    media_id: Annotated[int, between(0, 2)] = 0
    fill_type: Switch = 0
    subscribe_ability: Switch = 0


class CloudStorage(Given):
    """A bucket of somebody's: a folder of the channel's here, and its keys are not looked at."""

    vendor: Annotated[int, between(0, 1)]
    region: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    bucket: Bucket
    access_key: SecretStr
    secret_key: SecretStr
    file_name_prefix: Annotated[list[Prefix], Field(max_length=16)] = []


class TencentVod(Given):
    """The vendor's library of videos."""

    procedure: str = ""
    expire_time: int = 0
    storage_region: str = ""
    class_id: int = 0
    sub_app_id: int = 0
    session_context: str = ""
    source_context: str = ""
    media_type: Annotated[int, between(0, 4)] = 0
    user_define_record_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")] | None = None


class CloudVod(Given):
    """See `TencentVod`."""

    tencent_vod: TencentVod


class StorageParams(Given):
    """One of the two."""

    cloud_storage: CloudStorage | None = None
    cloud_vod: CloudVod | None = None


class VideoParams(Given):
    """All of them, or none."""

    width: Annotated[int, between(1, 1920)]
    height: Annotated[int, between(1, 1920)]
    fps: Annotated[int, between(1, 60)]
    bit_rate: Annotated[int, between(64_000, 8_192_000)]
    gop: Annotated[int, between(1, 3600)]


class AudioParams(Given):
    """All of them, or none."""

    sample_rate: Annotated[int, between(1, 3)]
    channel: Annotated[int, between(1, 2)]
    bit_rate: Annotated[int, between(32_000, 128_000)]


class MixTranscodeParams(Given):
    """How a mix is encoded."""

    video_params: VideoParams | None = None
    audio_params: AudioParams | None = None


class MixLayoutParams(Given):
    """How a mix is laid out. Of the lists only whether there is something in them matters, see `supported`."""

    mix_layout_mode: Annotated[int, between(1, 4)] = 3
    mix_layout_list: Annotated[list[dict[str, Any]], Field(max_length=25)] = []
    back_ground_color: Annotated[str, StringConstraints(pattern=r"^#[0-9A-Fa-f]{6}$")] | None = None
    max_resolution_user_id: str = ""
    media_id: Switch = 0
    background_image_url: str = ""
    place_holder_mode: Switch = 0
    background_image_render_mode: Annotated[int, between(0, 3)] = 0
    default_sub_background_image: str = ""
    water_mark_list: Annotated[list[dict[str, Any]], Field(max_length=25)] = []
    render_mode: Annotated[int, between(0, 3)] = 1
    max_resolution_user_align: Switch = 0
    pure_audio_disable_layout: bool = False


class CreateCloudRecording(Given):
    """Begin to record a room."""

    sdk_app_id: Uint32
    room_id: Annotated[str, StringConstraints(pattern=r"^[!-~]([ -~]{0,62}[!-~])?$")]
    user_id: UserId
    user_sig: Annotated[SecretStr, Field(min_length=1, max_length=8192)]
    record_params: RecordParams
    storage_params: StorageParams
    room_id_type: Switch = 1
    mix_transcode_params: MixTranscodeParams = MixTranscodeParams()
    mix_layout_params: MixLayoutParams = MixLayoutParams()
    resource_expired_hour: Annotated[int, between(6, 720)] = 72
    private_map_key: SecretStr | None = None


class DescribeCloudRecording(Given):
    """How a task stands."""

    sdk_app_id: Uint32
    task_id: TaskId


class ModifyCloudRecording(DescribeCloudRecording):
    """Lists and layout from now on: what is not there becomes what it is by default."""

    mix_layout_params: MixLayoutParams = MixLayoutParams()
    subscribe_stream_user_ids: SubscribeStreamUserIds = SubscribeStreamUserIds()


class DeleteCloudRecording(DescribeCloudRecording):
    """Stop."""


G = TypeVar("G", bound=Given)

_STORAGE = ("StorageParams", "Vendor", "Region", "Bucket", "AccessKey", "SecretKey")
_MISSING = frozenset(["RoomId", "SdkAppId", "TaskId", "UserId", "UserSig", "RecordMode", "RecordParams", *_STORAGE])
_INVALID = frozenset(["RoomId", "SdkAppId", "TaskId", "UserId", "UserSig"])
_RANGES = ("greater_than", "less_than", "too_long", "too_short")


def read(kind: type[G], given: Mapping[str, Any], *, strict: bool) -> G:
    """A request; ``strict``: numbers are numbers, as in JSON. Of what is wrong the first is told."""
    try:
        return kind.model_validate(given, strict=strict)
    except ValidationError as error:
        raise _refused(error.errors()[0]) from error


def _refused(first: ErrorDetails) -> TencentError:
    path, last, kind = ".".join(map(str, first["loc"])), str(first["loc"][-1]), first["type"]
    if kind == "missing":
        return TencentError(
            f"MissingParameter.{last}" if last in _MISSING else "MissingParameter", f"{path} is missing"
        )
    if kind == "extra_forbidden":
        return TencentError("UnknownParameter", f"there is no parameter {path}")
    message = f"{path}: {first['msg'][0].lower()}{first['msg'][1:]}"
    if path in _INVALID:
        return TencentError(f"InvalidParameter.{last}", message)
    is_range = any(part in kind for part in _RANGES) and not kind.startswith("string")
    return TencentError("InvalidParameter.OutOfRange" if is_range else "InvalidParameter", message)


def unfolded(query: Mapping[str, str]) -> dict[str, Any]:
    """Of a GET: ``A.B=1`` and ``C.0=x`` as ``{"A": {"B": "1"}, "C": ["x"]}``; InvalidParameter where that is none."""
    root: dict[str, Any] = {}
    for name, value in query.items():
        *way, last = name.split(".")
        place = root
        for part in way:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                raise TencentError("InvalidParameter", f"{name} is below what is a value")
        place[last] = value
    return {name: _listed(value, name) for name, value in root.items()}


def _listed(value: Any, path: str) -> Any:
    if not isinstance(value, dict):
        return value
    if not all(name.isdecimal() for name in value):
        return {name: _listed(below, f"{path}.{name}") for name, below in value.items()}
    try:
        return [_listed(value[str(i)], path) for i in range(len(value))]
    except KeyError as error:
        raise TencentError("InvalidParameter", f"{path}: the numbers of a list begin with 0, without holes") from error
