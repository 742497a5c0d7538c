"""Callbacks 301 to 312: what is told when, and how it is signed (reference, section 2.4). Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from livedvr.facades.tencent.outputs import File, begin_of, file_of, indexes_of
from livedvr.recordings.dialects import RetryPolicy, Told
from livedvr.recordings.end_point import EndReason
from livedvr.recordings.states import ENDED, Event, State
from livedvr.resources.times import SECOND

Said = tuple[int, dict[str, Any]]  # a callback's number and its Payload

STARTED, STOPPED, UPLOAD_STARTED, FILE_INFO, UPLOADED = 301, 302, 303, 304, 305
FILE_SLICE, UPLOAD_ERROR, MP4_STOPPED, VOD_COMMIT, VOD_STOPPED = 307, 308, 310, 311, 312

LEAVE_CODES: Mapping[str, int] = {EndReason.REQUESTED: 0, EndReason.CHANNEL_STOPPED: 2, EndReason.IDLE: 99}
"""Of 302, by the reason; 2: the room is dismissed."""
KICKED = 3  # by the server: it cannot be recorded, or its operator has given it up


class Callbacks:
    """The dialect."""

    policy = RetryPolicy(
        tuple(seconds * SECOND for seconds in (0, 10, 10, 10, 10, 10)), timeout=5 * SECOND, longest=60 * SECOND
    )
    needs = frozenset({"app", "room", "roomType", "robot", "user", "media", "storage"})

    def messages(self, told: Told) -> Iterable[tuple[str, bytes]]:
        """What there is to be told, each with its app and number as its name."""
        context = told.notify.context
        said = _vod(told) if context["storage"] == "vod" else _cos(told)
        for number, payload in said:
            millis = told.now // 1000
            info = {
                "RoomId": int(context["room"]) if context["roomType"] == "1" else context["room"],
                "EventTs": millis // 1000,
                "EventMsTs": millis,
                "UserId": context["robot"],
                "TaskId": told.recording.recording_id,
                "Payload": payload,
            }
            body = {"EventGroupId": 3, "EventType": number, "CallbackTs": millis, "EventInfo": info}
            yield f"{context['app']}/{number}", json.dumps(body, ensure_ascii=False).encode()

    def headers(self, uri: str, event: str, body: bytes, secret: str | None) -> Mapping[str, str]:
        """``Sign``: the HMAC-SHA256 of the body with the app's key in Base64, where there is one."""
        headers = {"Content-Type": "application/json", "SdkAppId": event.partition("/")[0]}
        if secret is not None:
            digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
            headers["Sign"] = base64.b64encode(digest).decode()
        return headers


def _cos(told: Told) -> Iterator[Said]:
    """301, 303, 307 and 304 with the first media, 302, 305 when the HLS is there, 310 for each other file."""
    recording, event = told.recording, told.event
    if event is None:
        yield STARTED, {"Status": 0}
        yield UPLOAD_STARTED, {"Status": 0}
    elif event is Event.MEDIA:
        for index in indexes_of(recording):
            track = {"UserId": told.notify.context["user"], "TrackType": index.track}
            yield FILE_SLICE, {"FileName": index.name, **track, "BeginTimeStamp": begin_of(recording)}
            yield FILE_INFO, {"FileList": index.name}
    yield from _stopped(told)
    if recording.state not in ENDED:
        return
    is_lost = recording.state in (State.FAILED, State.CANCELED)
    if recording.state == State.FAILED:
        yield UPLOAD_ERROR, {"Code": "InternalError", "Message": recording.error or ""}
    # The two editions of the documentation differ in the name of its value.
    yield UPLOADED, {"LeaveCode": int(is_lost), "Status": int(is_lost)}
    others = [file for file in map(file_of, recording.files) if file.kind != "HLS"]
    if is_lost and {"MP4", "AAC"} & set(recording.spec.formats):
        yield MP4_STOPPED, {"Status": 2, "FileList": [], "FileMessage": []}
    for file in others:
        message = {"FileName": file.name, **_facts(told, file)}
        yield MP4_STOPPED, {"Status": 0, "FileList": [file.name], "FileMessage": [message]}


def _vod(told: Told) -> Iterator[Said]:
    """301, 302, 311 for each file, 312."""
    recording = told.recording
    if told.event is None:
        yield STARTED, {"Status": 0}
    yield from _stopped(told)
    if recording.state not in ENDED:
        return
    for number, file in enumerate(map(file_of, recording.files), 1):
        place = {"FileId": f"{recording.recording_id}-{number}", "VideoUrl": file.url, "CacheFile": file.name}
        yield VOD_COMMIT, {"Status": 0, "TencentVod": {**_facts(told, file), **place}}
    is_lost = recording.state in (State.FAILED, State.CANCELED)
    if is_lost:
        yield VOD_COMMIT, {"Status": 2, "Errmsg": recording.error or recording.state, "TencentVod": {}}
    yield VOD_STOPPED, {"Status": int(is_lost)}


def _facts(told: Told, file: File) -> dict[str, Any]:
    context, times = told.notify.context, {"StartTimeStamp": file.begin, "EndTimeStamp": file.end}
    return {"UserId": context["user"], "TrackType": file.track, "MediaId": context["media"], **times}


def _stopped(told: Told) -> Iterator[Said]:
    """302, once: when it has an end; or has ended without one."""
    recording = told.recording
    if told.event is Event.END:
        yield STOPPED, {"LeaveCode": LEAVE_CODES.get(recording.end_reason or "", KICKED)}
    elif recording.state in ENDED and recording.end_reason is None:
        yield STOPPED, {"LeaveCode": KICKED}
