"""A recording in the vendor's words: the status of its task, and its files. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from livedvr.facades.zego.spec import TRACK_NAMES
from livedvr.facades.zego.supported import AUDIO, BOTH, KODO, SEPARATE, SOUND_ALONE, VIDEO
from livedvr.facades.zego.task import Task
from livedvr.recordings.end_point import EndReason
from livedvr.recordings.states import RUNNING, State
from livedvr.resources.file_names import filled, stamp
from livedvr.resources.models import to_micros
from livedvr.resources.recording import Recording, RecordingFile
from livedvr.resources.times import SECOND

INITIALIZED, ONGOING, COMPLETED, ABNORMAL, PAUSED = 1, 2, 3, 4, 5
FILE_RECORDED, FILE_UPLOADING, FILE_THERE, FILE_LOST = 1, 2, 3, 5  # 4 is the vendor's spare storage
ABSENT_AFTER = 10 * SECOND  # so long without media, there is no stream in the room

QUIT_REASONS: Mapping[str, int] = {EndReason.IDLE: 3, EndReason.MAX_TIME: 4, EndReason.CHANNEL_STOPPED: 6}
"""Of an abnormal end (event 2); a task whose end was asked for has a normal one."""
_TYPES: Mapping[str, int] = {"AUDIO": AUDIO, "VIDEO": VIDEO, "AUDIO_VIDEO": BOTH}  # MediaTrackType


def status_of(recording: Recording, now: int) -> int:
    """The task's Status. It is initialised until something has come, or it is certain that nobody publishes."""
    state = State(recording.state)
    if state is State.IDLE:
        return INITIALIZED if now - to_micros(recording.create_time) < ABSENT_AFTER else ONGOING
    if state is State.RECORDING:
        return ONGOING
    if state is State.PAUSED:
        return PAUSED
    is_lost = state in (State.FAILED, State.CANCELED)
    return ABNORMAL if is_lost or recording.end_reason in QUIT_REASONS else COMPLETED


def has_ended(recording: Recording) -> bool:
    """Whether it records no more; its files may still be made."""
    return recording.state not in RUNNING


def described(task: Task, recording: Recording, now: int) -> dict[str, Any]:
    """``Data`` of DescribeRecordStatus. There are no RecordFiles where nobody has published."""
    files = files_of(task, recording)
    ends = [one.end_time for one in recording.spans if one.end_time is not None]
    return {
        "RoomId": task.room,
        "RecordMode": task.mode,
        "StreamType": task.stream_type,
        "RecordBeginTimestamp": millis(recording.create_time),
        "RecordEndTimestamp": millis(recording.end_time or ends[-1]) if has_ended(recording) and ends else 0,
        "Status": status_of(recording, now),
        **({"RecordFiles": files} if files else {}),
    }


def files_of(task: Task, recording: Recording) -> list[dict[str, Any]]:
    """Its RecordFiles, those that are still to be made by what is known of them."""
    if recording.state == State.SUCCEEDED:
        return [_file(task, one, recording.spec.output_uri) for one in recording.files]
    if recording.start_time is None or recording.state in (State.EMPTY, State.CANCELED):
        return []
    status = FILE_LOST if recording.state == State.FAILED else FILE_UPLOADING
    return _coming(task, recording.start_time, status if has_ended(recording) else FILE_RECORDED)


def snake(file: Mapping[str, Any]) -> dict[str, Any]:
    """The same as callbacks have it."""
    return {re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower(): value for name, value in file.items()}


def millis(time: datetime) -> int:
    """Ms since the epoch."""
    return to_micros(time) // 1000


def _file(task: Task, file: RecordingFile, folder: str) -> dict[str, Any]:
    below = file.uri.removeprefix(folder.rstrip("/") + "/")
    return {
        **_named(task, PurePosixPath(below).name, file.format.lower(), _TYPES[file.track]),
        **({} if task.vendor == KODO else {"FileUrl": f"{task.url}/{quote(below)}"}),
        "FileSize": file.size_bytes,
        "Duration": round(file.duration / timedelta(milliseconds=1)),
        "ResolutionWidth": file.width or 0,
        "ResolutionHeight": file.height or 0,
        "BeginTimestamp": millis(file.begin_time),
        "CustomBeginTimestamp": file.custom_begin_ms or 0,
        "Status": FILE_THERE,
    }


def _coming(task: Task, start: datetime, status: int) -> list[dict[str, Any]]:
    """What begins with its first media; those that a pause begins are told when they are there."""
    apart = task.stream_type == SEPARATE
    types = [AUDIO if task.kind in SOUND_ALONE else task.stream_type]
    if apart:  # in the order in which they are made
        types = [AUDIO, VIDEO] if task.kind == "hls" else [VIDEO, AUDIO]
    files = []
    for one in types:
        kind = "aac" if apart and one == AUDIO and task.kind != "hls" else task.kind
        values = {"begin": stamp(to_micros(start)), "track": TRACK_NAMES[one]}
        name = f"{filled(task.stem, values)}.{'m3u8' if kind == 'hls' else kind}"
        files.append({**_named(task, name, kind, one), "BeginTimestamp": millis(start), "Status": status})
    return files


def _named(task: Task, name: str, kind: str, track: int) -> dict[str, Any]:
    who = {"UserId": task.user, "UserName": task.user, "StreamId": task.stream}
    return {**who, "FileId": name, "VideoId": "", "OutputFileFormat": kind, "MediaTrackType": track}
