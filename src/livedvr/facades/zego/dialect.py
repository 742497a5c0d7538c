"""Callbacks: what is told when, and how it is signed (reference, section 4.5). Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from livedvr.facades.zego.settings import ZegoSettings
from livedvr.facades.zego.shown import QUIT_REASONS, files_of, snake
from livedvr.facades.zego.task import Task, task_of
from livedvr.recordings.dialects import RetryPolicy, Told
from livedvr.recordings.states import Event, Notice, State
from livedvr.resources.times import SECOND

Said = tuple[int, dict[str, Any]]  # an event_type and its detail

UPLOADED, ABNORMAL, NO_STREAM, NORMAL, NO_SUCH_STREAM, UPLOADING, PAUSED, RESUMED = 1, 2, 4, 5, 6, 7, 201, 202
MESSAGES: Mapping[int, str] = {
    UPLOADED: "record files uploaded",
    ABNORMAL: "record task ended abnormally",
    NO_STREAM: "no stream in room",
    NORMAL: "record task ended",
    NO_SUCH_STREAM: "stream does not exist",
    UPLOADING: "uploading record files",
    PAUSED: "record task paused",
    RESUMED: "record task resumed",
}
UNKNOWN, WRITING = 1001, 1008  # quit_reasons of what failed
ALL_THERE, NOT_ALL_THERE = 1, 2  # upload_status


def callback_signature(secret: str, timestamp: str, nonce: str) -> str:
    """Hex SHA-1 of the three, sorted as text, one behind the other."""
    return hashlib.sha1("".join(sorted((secret, timestamp, nonce))).encode(), usedforsecurity=False).hexdigest()


class Callbacks:
    """The dialect: two more attempts, 5 s apart."""

    policy = RetryPolicy((5 * SECOND, 5 * SECOND), timeout=5 * SECOND)
    needs = frozenset({"task"})

    def __init__(self, settings: ZegoSettings) -> None:
        self._secret = settings.callback_secret

    def messages(self, told: Told) -> Iterable[tuple[str, bytes]]:
        """What there is to be told, each with its event_type as its name."""
        task, timestamp = task_of(told.notify.context["task"]), str(told.now // SECOND)
        for sequence, (kind, detail) in enumerate(_said(told, task), told.sequence):
            nonce = hashlib.sha256(f"{task.task}/{sequence}/{told.now}".encode()).hexdigest()[:16]
            body = {
                "app_id": task.app,
                "task_id": task.task,
                "room_id": task.room,
                "event_type": kind,
                "message": MESSAGES[kind],
                "nonce": nonce,
                "timestamp": timestamp,
                "signature": callback_signature(self._secret.get_secret_value(), timestamp, nonce),
                "sequence": sequence,
                "detail": detail,
            }
            yield str(kind), json.dumps(body, ensure_ascii=False).encode()

    def headers(self, uri: str, event: str, body: bytes, secret: str | None) -> Mapping[str, str]:
        """The signature stands in the body."""
        return {"Content-Type": "application/json"}


def _said(told: Told, task: Task) -> Iterator[Said]:
    event, recording = told.event, told.recording
    if event is None:
        for stream in task.absent:
            yield NO_SUCH_STREAM, {"stream_id": stream}
    elif event is Notice.ABSENT:
        yield NO_STREAM, {}
    elif event is Event.PAUSE:
        yield PAUSED, {}
    elif event is Event.RESUME:
        yield RESUMED, {}
    elif event is Event.END:
        quit_reason = QUIT_REASONS.get(recording.end_reason or "")
        yield (NORMAL, {}) if quit_reason is None else (ABNORMAL, {"quit_reason": quit_reason})
        yield UPLOADING, {}
    elif event in (Event.RENDERED, Event.SILENT):
        yield UPLOADED, {"upload_status": ALL_THERE, "file_info": _files(task, told)}
    elif event is Event.CANCEL or recording.state == State.FAILED:
        yield ABNORMAL, {"quit_reason": UNKNOWN if event is Event.CANCEL else _why(recording.error)}
        yield UPLOADED, {"upload_status": NOT_ALL_THERE, "file_info": _files(task, told)}


def _files(task: Task, told: Told) -> list[dict[str, Any]]:
    return [snake(file) for file in files_of(task, told.recording)]


def _why(error: str | None) -> int:
    """The quit_reason of an error as a recording has it: an output that takes nothing, or anything else."""
    return WRITING if (error or "").startswith("UNAVAILABLE") else UNKNOWN
