"""What is asked for as a recording, and its files in the vendor's words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from urllib.parse import quote

from livedvr.facades.tencent import names
from livedvr.facades.tencent.params import CreateCloudRecording
from livedvr.facades.tencent.settings import App
from livedvr.facades.tencent.supported import AAC, HLS, HLS_AAC, HLS_MP4, MP4, output_format
from livedvr.recordings.takes import SOUND_ALONE, file_name, tracks_of
from livedvr.resources.models import to_micros
from livedvr.resources.recording import (
    HlsOptions,
    Notify,
    Recording,
    RecordingFile,
    RecordingFormat,
    RecordingLimits,
    RecordingSpec,
    Tracks,
)

DIALECT = "tencent"
FORMATS: Mapping[int, tuple[RecordingFormat, ...]] = {
    HLS: ("HLS",),
    HLS_MP4: ("HLS", "MP4"),
    HLS_AAC: ("HLS", "AAC"),
    MP4: ("MP4",),
    AAC: ("AAC",),
}
TRACK_NAMES = ("", "_audio", "_video")  # of both, as observed: an MP4 of a user's stream has none
SEGMENT_SECONDS = 10
HEAD = (
    "#EXT-X-TRTC-START-REC-TIME:{begin_ms}",
    "#EXT-X-TRTC-VIDEO-METADATA:WIDTH:{width} HEIGHT:{height}",
)


def below(asked: CreateCloudRecording, task: str) -> tuple[str, ...]:
    """Folders of the channel's recordings that the task's files go into."""
    cos = asked.storage_params.cloud_storage
    if cos is None:
        return "vod", task
    return "cos" if cos.vendor == 0 else "aws", cos.bucket, *cos.file_name_prefix, task


def spec_of(asked: CreateCloudRecording, app: App, folder: str, user: str, tracks: Tracks) -> RecordingSpec:
    """The recording that is asked for; its name is the TaskId."""
    record, stem = asked.record_params, _stem(asked, user)
    is_apart = record.record_mode == 1 and record.av_merge == 0 and tracks == "AV"  # in HLS; an MP4 is of both
    formats = FORMATS[output_format(asked)]
    hls = HlsOptions(
        container="ts",
        segment_seconds=SEGMENT_SECONDS,
        segment_stem=f"{stem}_{{begin}}",
        header=HEAD,
        tracks="SEPARATE" if is_apart else None,
    )
    return RecordingSpec(
        output_uri=folder,
        file_stem=stem,
        formats=formats,
        tracks="AV" if set(formats) <= SOUND_ALONE else tracks,
        track_names=TRACK_NAMES,
        hls=hls if "HLS" in formats else HlsOptions(),
        max_file_duration=None if formats == ("HLS",) else timedelta(minutes=record.max_media_file_duration),
        limits=RecordingLimits(max_idle=timedelta(seconds=record.max_idle_time)),
        keep_silence=True,  # who says nothing is recorded all the same
        notify=_notify(asked, app, user),
    )


def _stem(asked: CreateCloudRecording, user: str) -> str:
    room = names.room_in_names(asked.room_id, is_number=asked.room_id_type == 1)
    vod = asked.storage_params.cloud_vod
    own = "" if vod is None else names.user_defined(vod.tencent_vod.user_define_record_id)
    if asked.record_params.record_mode == 2:
        return own + names.mixed(asked.sdk_app_id, room)
    return f"{own}{names.single(asked.sdk_app_id, room, user)}{{track}}"


def _notify(asked: CreateCloudRecording, app: App, user: str) -> tuple[Notify, ...]:
    if app.callback_url is None:
        return ()
    is_mix = asked.record_params.record_mode == 2
    context = {
        "app": str(asked.sdk_app_id),
        "room": asked.room_id,
        "roomType": str(asked.room_id_type),
        "robot": asked.user_id,
        "user": "" if is_mix else user,
        "media": "mix" if is_mix else "main",
        "storage": "cos" if asked.storage_params.cloud_vod is None else "vod",
    }
    return (Notify(uri=app.callback_url, dialect=DIALECT, secret=app.callback_key, context=context),)


@dataclass(frozen=True, slots=True)
class Index:
    """A playlist of a recording: its name in the task's folder, and what it is of."""

    name: str
    track: str


def indexes_of(recording: Recording) -> list[Index]:
    """Its playlists, whether they are there already or not."""
    spec = recording.spec
    if "HLS" not in spec.formats:
        return []
    tracks = tracks_of(spec, "HLS")
    named = [(track, file_name(recording.recording_id, spec, "HLS", track, 1, None)) for track in tracks]
    return [Index(name, track.lower()) for track, name in named if name is not None]


@dataclass(frozen=True, slots=True)
class File:
    """A file that is there. ``begin`` and ``end``: of its media, Unix milliseconds."""

    kind: RecordingFormat
    name: str
    url: str
    track: str
    begin: int
    end: int


def file_of(file: RecordingFile) -> File:
    """One of a recording's."""
    name, url = PurePosixPath(file.uri).name, f"file://{quote(file.uri)}"
    return File(file.format, name, url, file.track.lower(), millis(file.begin_time), millis(file.end_time))


def begin_of(recording: Recording) -> int:
    """When its first media began, Unix milliseconds; 0 before."""
    return millis(recording.start_time) if recording.start_time else 0


def millis(at: datetime) -> int:
    """Unix milliseconds."""
    return (to_micros(at) + 500) // 1000
