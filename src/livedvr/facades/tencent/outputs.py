"""What is asked for as a recording, and its files in the vendor's words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from urllib.parse import quote

from livedvr.facades.tencent.params import CreateCloudRecording
from livedvr.facades.tencent.settings import App
from livedvr.facades.tencent.supported import AAC, HLS, HLS_AAC, HLS_MP4, MP4, Tracks, output_format
from livedvr.recordings.dialects import Told
from livedvr.resources.models import to_micros
from livedvr.resources.recording import Notify, Recording, RecordingFormat, RecordingLimits, RecordingSpec

DIALECT = "tencent"
FORMATS: Mapping[int, tuple[RecordingFormat, ...]] = {
    HLS: ("HLS",),
    HLS_MP4: ("HLS", "MP4"),
    HLS_AAC: ("HLS", "AAC"),
    MP4: ("MP4",),
    AAC: ("AAC",),
}
TRACK_TYPES: Mapping[Tracks, str] = {"AV": "audio_video", "AUDIO": "audio", "VIDEO": "video"}


def below(asked: CreateCloudRecording) -> tuple[str, ...]:
    """Folders of the channel's recordings that the task's files go into."""
    cos = asked.storage_params.cloud_storage
    return ("vod",) if cos is None else ("cos" if cos.vendor == 0 else "aws", cos.bucket, *cos.file_name_prefix)


def spec_of(asked: CreateCloudRecording, app: App, folder: str, user: str, tracks: Tracks) -> RecordingSpec:
    """The recording that is asked for; its name is the TaskId."""
    return RecordingSpec(
        output_uri=folder,
        formats=FORMATS[output_format(asked)],
        limits=RecordingLimits(max_idle=timedelta(seconds=asked.record_params.max_idle_time)),
        notify=_notify(asked, app, user, tracks),
    )


def _notify(asked: CreateCloudRecording, app: App, user: str, tracks: Tracks) -> tuple[Notify, ...]:
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
        "track": TRACK_TYPES[tracks],
    }
    return (Notify(uri=app.callback_url, dialect=DIALECT, secret=app.callback_key, context=context),)


@dataclass(frozen=True, slots=True)
class Index:
    """A playlist of a recording: its name below the task's folder, and what it is of."""

    name: str
    track: str


@dataclass(frozen=True, slots=True)
class File:
    """A file that is there. ``begin`` and ``end``: of its media, Unix milliseconds."""

    kind: RecordingFormat
    name: str
    id: str
    url: str
    track: str
    begin: int
    end: int


def indexes_of(recording: Recording) -> list[Index]:
    """Its playlists, whether they are there already or not."""
    return [Index("main.m3u8", "audio_video")] if "HLS" in recording.spec.formats else []


def files_of(told: Told) -> list[File]:
    """Its files."""
    track, found = told.notify.context["track"], []
    for number, file in enumerate(told.recording.files, 1):
        name, begin = PurePosixPath(file.uri).name, millis(file.begin_time)
        end = begin + file.duration // timedelta(milliseconds=1)
        url = f"file://{quote(file.uri)}"
        found.append(File(file.format, name, f"{told.recording.recording_id}-{number}", url, track, begin, end))
    return found


def begin_of(recording: Recording) -> int:
    """When its first media began, Unix milliseconds; 0 before."""
    return millis(recording.start_time) if recording.start_time else 0


def millis(at: datetime) -> int:
    """Unix milliseconds."""
    return to_micros(at) // 1000
