"""What of a request a channel, which is one stream and is recorded as it is, can give; the rest is refused by name.

The table in docs/recordings-tencent.md says the same. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from livedvr.facades.tencent.errors import TencentError
from livedvr.facades.tencent.params import (
    CreateCloudRecording,
    MixLayoutParams,
    StorageParams,
    SubscribeStreamUserIds,
    TencentVod,
)
from livedvr.resources.models import Channel
from livedvr.resources.recording import Tracks

_AS_IT_IS = "a channel is recorded as it is; leave it out"
_ANY = ".*$"  # a name that ends so means all that begin as it does
HLS, HLS_MP4, HLS_AAC, MP4, AAC = range(5)  # OutputFormat


def check(asked: CreateCloudRecording, channel: Channel) -> Tracks:
    """What is recorded of the channel, or why that is not possible. Its id is the one user's that there is."""
    record, transcode = asked.record_params, asked.mix_transcode_params
    tracks = subscribed(record.subscribe_stream_user_ids, record.stream_type, channel)
    _refuse(
        [
            ("RecordParams.MediaId", record.media_id == 2, "a channel has no substream"),
            ("RecordParams.FillType", record.fill_type == 1, "what did not come is left out, not filled"),
            ("MixTranscodeParams.VideoParams", transcode.video_params is not None, _AS_IT_IS),
            ("MixTranscodeParams.AudioParams", transcode.audio_params is not None, _AS_IT_IS),
        ]
    )
    check_layout(asked.mix_layout_params, channel.channel_id)
    check_storage(asked.storage_params)
    if output_format(asked) in (HLS_AAC, AAC) and tracks == "VIDEO":
        raise TencentError("InvalidParameter", "OutputFormat: AAC is sound, and none is recorded")
    vod = asked.storage_params.cloud_vod
    if vod is not None and vod.tencent_vod.media_type in (2, 4) and tracks != "AUDIO":
        raise TencentError("InvalidParameter", "MediaType: AAC is for StreamType 1, sound alone")
    return tracks


def output_format(asked: CreateCloudRecording) -> int:
    """In the numbers of OutputFormat, wherever it is asked for."""
    vod = asked.storage_params.cloud_vod
    if vod is None:
        return asked.record_params.output_format
    return (MP4, HLS, AAC, HLS_MP4, HLS_AAC)[vod.tencent_vod.media_type]


def check_layout(layout: MixLayoutParams, user: str) -> None:
    """One picture fills a grid, and the whole of a floating layout, too: both are the channel as it is."""
    _refuse(
        [
            ("MixLayoutParams.MixLayoutMode", layout.mix_layout_mode in (2, 4), "there is one picture: use 1 or 3"),
            ("MixLayoutParams.MixLayoutList", bool(layout.mix_layout_list), _AS_IT_IS),
            ("MixLayoutParams.MaxResolutionUserId", layout.max_resolution_user_id not in ("", user), _AS_IT_IS),
            ("MixLayoutParams.MediaId", layout.media_id == 1, "a channel has no substream"),
            ("MixLayoutParams.BackgroundImageUrl", bool(layout.background_image_url), _AS_IT_IS),
            ("MixLayoutParams.PlaceHolderMode", layout.place_holder_mode == 1, "what did not come is left out"),
            ("MixLayoutParams.DefaultSubBackgroundImage", bool(layout.default_sub_background_image), _AS_IT_IS),
            ("MixLayoutParams.WaterMarkList", bool(layout.water_mark_list), _AS_IT_IS),
        ]
    )


def check_storage(storage: StorageParams) -> None:
    """One place, and nothing that only the vendor's library of videos does."""
    if storage.cloud_storage is not None and storage.cloud_vod is not None:
        raise TencentError("InvalidParameter", "StorageParams: CloudStorage and CloudVod exclude each other")
    if storage.cloud_vod is not None:
        _refuse(_vod(storage.cloud_vod.tencent_vod))
    elif storage.cloud_storage is None:
        raise TencentError("MissingParameter.CloudStorage", "StorageParams: CloudStorage or CloudVod is needed")


def _vod(vod: TencentVod) -> Iterator[tuple[str, bool, str]]:
    names = ("Procedure", "StorageRegion", "SessionContext", "SourceContext", "ExpireTime", "ClassId", "SubAppId")
    values = (
        *(vod.procedure, vod.storage_region, vod.session_context, vod.source_context),
        *(vod.expire_time, vod.class_id, vod.sub_app_id),
    )
    for name, value in zip(names, values, strict=True):
        yield f"TencentVod.{name}", bool(value), "there is a folder in the place of a library of videos"


def subscribed(lists: SubscribeStreamUserIds, stream_type: int, channel: Channel) -> Tracks:
    """What is left of the one user's stream."""
    where, user = "SubscribeStreamUserIds", channel.channel_id
    sound = _is_wanted("Audio", lists.subscribe_audio_user_ids, lists.un_subscribe_audio_user_ids, user)
    pictures = _is_wanted("Video", lists.subscribe_video_user_ids, lists.un_subscribe_video_user_ids, user)
    sound = sound and stream_type != 2 and any(map(channel.audio_of, channel.mux_streams))
    pictures = pictures and stream_type != 1 and any(map(channel.video_of, channel.mux_streams))
    if not sound and not pictures:
        raise TencentError("InvalidParameter", f"{where}: nothing is left of user '{user}', whose stream this room is")
    return "AV" if sound and pictures else "AUDIO" if sound else "VIDEO"


def _is_wanted(kind: str, allowed: list[str] | None, barred: list[str] | None, user: str) -> bool:
    if allowed and barred:
        name = f"SubscribeStreamUserIds.Subscribe{kind}UserIds"
        raise TencentError("InvalidParameter", f"{name} and UnSubscribe{kind}UserIds exclude each other")
    if allowed:
        return _names(allowed, user)
    return not _names(barred or [], user)


def _names(listed: list[str], user: str) -> bool:
    return any(user.startswith(one[: -len(_ANY)]) if one.endswith(_ANY) else one == user for one in listed)


def _refuse(found: Iterable[tuple[str, bool, str]]) -> None:
    for name, is_asked, why in found:
        if is_asked:
            raise TencentError("UnsupportedOperation", f"{name}: {why}")
