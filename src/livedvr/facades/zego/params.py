"""What clients send, as the vendor's schema has it: names, types, ranges and defaults. Pure.

What it says and we do not do is refused elsewhere, see `supported`; what it does not say is refused here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic.alias_generators import to_pascal

from livedvr.facades.zego.errors import ZegoError, invalid

Canvas = Annotated[int, Field(ge=0, le=1920)]
Folder = Annotated[str, Field(max_length=512)]
# What can stand in the name of a file: a room's id goes into those of its recordings.
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9~!@#$%^&*()_+=\-`;',.<>]{1,128}$")]


class Given(BaseModel):
    """Base of all parameters: PascalCase, and none that the schema does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_pascal, hide_input_in_errors=True)


Parameters = TypeVar("Parameters", bound=Given)


def read(kind: type[Parameters], given: Mapping[str, Any], *, strict: bool) -> Parameters:
    """The parameters of a request. ``strict``: numbers are numbers, as JSON has them; in a query they are text."""
    try:
        return kind.model_validate(given, strict=strict)
    except ValidationError as error:
        raise _named(error) from None


def _named(error: ValidationError) -> ZegoError:
    first = error.errors(include_input=False, include_url=False)[0]
    path = ".".join(str(part) for part in first["loc"])
    told = {"missing": "it is missing", "extra_forbidden": "there is no such parameter"}
    return invalid(path or "body", told.get(first["type"], first["msg"].removeprefix("Value error, ")))


class RecordStream(Given):
    """``RecordStreamListItem``."""

    stream_id: str


class FillFrame(Given):
    """Where pictures stop while the sound goes on."""

    frame_fill_mode: int = Field(default=1, ge=1, le=3)
    frame_fill_color: int = 0


class MixInput(Given):
    """``MixInputListItem``."""

    stream_id: str = ""
    view_type: int = Field(default=1, ge=1, le=2)
    top: Canvas
    left: Canvas
    bottom: Canvas
    right: Canvas
    layer: int
    fill_mode: int = Field(default=1, ge=1, le=2)
    background_image: str = ""


class MixVideo(Given):
    """``MixOutputVideoConfig``; pixels, pictures and bits a second."""

    width: int = Field(ge=1, le=1920)
    height: int = Field(ge=1, le=1920)
    fps: int = Field(ge=5, le=30)
    bitrate: int = Field(ge=1)


class MixAudio(Given):
    """``MixOutputAudioConfig``."""

    bitrate: int = Field(default=48_000, ge=1)


class WatermarkPlace(Given):
    """``MixOutputWatermarkImageConfig``."""

    left: Canvas
    top: Canvas
    right: Canvas
    bottom: Canvas


class WatermarkTime(Given):
    """``MixOutputWatermarkTimestampConfig``."""

    font_size: int = Field(ge=12, le=100)


class StreamConfig(Given):
    """``StreamConfigListItem``."""

    stream_id: str = ""
    stream_type: int = Field(default=0, ge=0, le=3)


class MixConfig(Given):
    """How several streams become one."""

    mix_mode: int = Field(default=2, ge=1, le=5)
    mix_input_list: list[MixInput] = []
    fill_mode: int = Field(default=1, ge=1, le=2)
    mix_output_stream_id: Name
    mix_output_video_config: MixVideo | None = None
    mix_output_audio_config: MixAudio | None = None
    mix_output_background_color: int = 0
    mix_output_background_image: str = ""
    mix_max_resolution_stream_id: str = ""
    mix_output_watermark_image: str = ""
    mix_output_watermark_image_config: WatermarkPlace | None = None
    default_mix_stream_background_image: str = ""
    is_always_mix: bool = False
    mix_output_watermark_timestamp_config: WatermarkTime | None = None
    record_sound_wave: bool = False
    sound_wave_type: int = Field(default=0, ge=0, le=1)
    stream_config_list: list[StreamConfig] = []
    clear_input_stream_timeout: int | None = None


class RecordInput(Given):
    """``RecordInputParams``; seconds."""

    record_mode: int = Field(ge=1, le=2)
    stream_type: int = Field(default=3, ge=1, le=4)
    client_task_id: str = Field(default="", max_length=256)
    record_stream_list: list[RecordStream] = []
    fill_blank: bool = False
    fill_frame: FillFrame = FillFrame()
    record_mute_audio: int = Field(default=1, ge=1, le=2)
    record_mute_audio_split_threshold: int = -1
    has_whiteboard: bool = False
    whiteboard: list[dict[str, Any]] = []  # refused as a whole
    max_idle_time: int = Field(default=30, ge=5, le=86_400)
    max_record_time: int = Field(default=86_400, ge=300, le=86_400)
    resume_without_interruption: bool = False
    mix_config: MixConfig | None = None


class RecordOutput(Given):
    """``RecordOutputParams``; seconds."""

    output_file_format: Literal["mp4", "flv", "hls", "jpg", "aac", "mp3", "ogg"] = "mp4"
    output_folder: Folder = ""
    output_file_rule: int = Field(default=1, ge=1, le=1)
    snapshot_interval: int = Field(default=10, ge=5, le=3600)
    callback_url: str = ""
    fragment_seconds: int = Field(default=15, ge=2, le=60)
    realtime_upload_fragment: bool = False
    short_fragment_path: bool = False


class AlibabaVod(Given):
    """``AlibabaCloudVodParams``."""

    region: str
    access_key_id: str
    access_key_secret: SecretStr
    title: str
    storage_location: str


class TencentVod(Given):
    """``TencentCloudVodParams``."""

    secret_id: str
    secret_key: SecretStr
    region: str
    sub_app_id: int = 0


class Storage(Given):
    """``StorageParams``. The vendor's buckets are a folder here; the keys to them go nowhere."""

    vendor: int = Field(ge=1, le=10)
    region: str = ""
    bucket: str = ""
    access_key_id: str = ""
    access_key_secret: SecretStr = SecretStr("")
    alibaba_cloud_vod_params: AlibabaVod | None = None
    tencent_cloud_vod_params: TencentVod | None = None
    end_point: str = ""
    s3_force_path_style: bool = Field(default=False, alias="S3ForcePathStyle")


class StartRecord(Given):
    """A task that is asked for."""

    room_id: Name
    record_input_params: RecordInput
    record_output_params: RecordOutput = RecordOutput()
    storage_params: Storage


class OfTask(Given):
    """What all actions on a task have."""

    task_id: str


class DescribeTasks(Given):
    """Times in ms since the epoch. ``page_offset``: counted from 1, and 0 is 1."""

    status: int = Field(ge=2, le=3)
    room_id: str = ""
    page_offset: int = Field(default=1, ge=0)
    page_size: int = Field(default=50, ge=1, le=50)
    start_time: int = Field(ge=0)
    end_time: int = Field(ge=0)
