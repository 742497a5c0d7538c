"""What of a request a channel, which is one stream and is recorded as it comes, can give; the rest is refused by name.

The tables in docs/recordings-zego.md say the same. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable

from livedvr.facades.zego.errors import invalid
from livedvr.facades.zego.params import MixConfig, RecordInput, RecordOutput, StartRecord, Storage

SINGLE, MIXED = 1, 2  # RecordMode
AUDIO, VIDEO, BOTH, SEPARATE = 1, 2, 3, 4  # StreamType
KODO, ALIBABA_VOD, TENCENT_VOD, GOOGLE, ANY_S3 = 4, 5, 6, 8, 10  # Vendor
SOUND_ALONE = frozenset({"aac", "mp3"})

_AS_IT_COMES = "the stream is recorded as it comes"
_NOTHING_DRAWN = "nothing is drawn over the picture or beside it"
_NO_WHITEBOARD = "there are no whiteboards here"

Refusals = Iterable[tuple[str, bool, str]]  # a parameter, whether it asks for what is not done, and why it is not


def check(asked: StartRecord) -> None:
    """Raise what is wrong with it, the first of it."""
    given, output = asked.record_input_params, asked.record_output_params
    _refuse("RecordInputParams", _input(given))
    if given.record_mode == MIXED:
        if given.mix_config is None:
            raise invalid("RecordInputParams.MixConfig", "it is missing: RecordMode is 2")
        if given.mix_config.mix_output_video_config is None and given.stream_type != AUDIO:
            raise invalid("RecordInputParams.MixConfig.MixOutputVideoConfig", "it is missing: StreamType is not 1")
        _refuse("RecordInputParams.MixConfig", _mix(given.mix_config))
    _refuse("RecordOutputParams", _output(output, given.stream_type))
    _refuse("StorageParams", _storage(asked.storage_params))


def _input(given: RecordInput) -> Refusals:
    yield "FillBlank", given.fill_blank, "what did not come is left out, not filled"
    yield "FillFrame.FrameFillMode", given.fill_frame.frame_fill_mode != 1, "the last picture stays; use 1"
    yield "RecordMuteAudio", given.record_mute_audio != 1, "silence is recorded; use 1"
    yield "HasWhiteboard", given.has_whiteboard, _NO_WHITEBOARD
    yield "Whiteboard", bool(given.whiteboard), _NO_WHITEBOARD


def _mix(mix: MixConfig) -> Refusals:
    """One picture fills every layout but one of the client's own, and then there is nothing behind it."""
    yield "MixMode", mix.mix_mode == 1, "there is one picture, and it fills the canvas: use 2 to 5"
    yield "MixInputList", bool(mix.mix_input_list), "there is one picture, and it fills the canvas"
    video = mix.mix_output_video_config
    too_large = video is not None and video.width * video.height > 1920 * 1080
    yield "MixOutputVideoConfig", too_large, "Width and Height are more than 1920 x 1080"
    yield "MixOutputAudioConfig", mix.mix_output_audio_config is not None, _AS_IT_COMES
    yield "MixOutputBackgroundImage", bool(mix.mix_output_background_image), _NOTHING_DRAWN
    yield "MixOutputWatermarkImage", bool(mix.mix_output_watermark_image), _NOTHING_DRAWN
    yield "MixOutputWatermarkImageConfig", mix.mix_output_watermark_image_config is not None, _NOTHING_DRAWN
    yield "DefaultMixStreamBackgroundImage", bool(mix.default_mix_stream_background_image), _NOTHING_DRAWN
    yield "IsAlwaysMix", mix.is_always_mix, "a recording begins with the stream"
    stamped = mix.mix_output_watermark_timestamp_config is not None
    yield "MixOutputWatermarkTimestampConfig", stamped, _NOTHING_DRAWN
    yield "RecordSoundWave", mix.record_sound_wave, "volumes are not written down"
    yield "StreamConfigList", bool(mix.stream_config_list), "there is one stream: use StreamType"
    yield "ClearInputStreamTimeout", mix.clear_input_stream_timeout is not None, "a recording begins with the stream"


def _output(output: RecordOutput, stream_type: int) -> Refusals:
    kind = output.output_file_format
    yield "OutputFileFormat", kind in ("flv", "jpg", "ogg"), f"{kind} is not made: mp4, hls, aac or mp3"
    yield "OutputFileFormat", kind in SOUND_ALONE and stream_type != AUDIO, f"{kind} is sound alone: StreamType is 1"
    parts = output.output_folder.strip("/").split("/")
    is_bad = output.output_folder.strip("/") != "" and any(not _is_name(part) for part in parts)
    yield "OutputFolder", is_bad, "a folder is named by what can be seen, and does not begin with a dot"
    yield "RealtimeUploadFragment", output.realtime_upload_fragment, "fragments are there with their playlist"
    yield "ShortFragmentPath", output.short_fragment_path, "it is for RealtimeUploadFragment"


def _storage(storage: Storage) -> Refusals:
    vendor = storage.vendor
    yield "Vendor", vendor in (ALIBABA_VOD, TENCENT_VOD), "files go into a folder, not into a library of videos"
    yield "AlibabaCloudVodParams", storage.alibaba_cloud_vod_params is not None, "it is for Vendor 5"
    yield "TencentCloudVodParams", storage.tencent_cloud_vod_params is not None, "it is for Vendor 6"
    needed = {"Bucket": storage.bucket}
    if vendor == ANY_S3:
        needed["EndPoint"] = storage.end_point
    else:
        keys = {"AccessKeyId": storage.access_key_id, "AccessKeySecret": storage.access_key_secret.get_secret_value()}
        needed |= keys if vendor == GOOGLE else {"Region": storage.region, **keys}
    for name, value in needed.items():
        yield name, not value, f"it is missing: Vendor is {vendor}"


def _is_name(part: str) -> bool:
    return bool(part) and not part.startswith(".") and part.isprintable() and not set(part) & set("\\{}")


def _refuse(where: str, found: Refusals) -> None:
    for name, is_asked, why in found:
        if is_asked:
            raise invalid(f"{where}.{name}", why)
