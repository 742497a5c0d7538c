"""The actions: parameters in, ``Data`` out."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from livedvr.catalog import facade_rows
from livedvr.catalog.facade_rows import FacadeRow
from livedvr.facades.facade import FacadeDesk
from livedvr.facades.zego import listing
from livedvr.facades.zego.absence import Absence
from livedvr.facades.zego.errors import Code, ZegoError, invalid
from livedvr.facades.zego.params import DescribeTasks, OfTask, StartRecord, read
from livedvr.facades.zego.room import absent_streams
from livedvr.facades.zego.settings import ZegoSettings
from livedvr.facades.zego.shown import described, has_ended
from livedvr.facades.zego.spec import spec_of
from livedvr.facades.zego.supported import MIXED, check
from livedvr.facades.zego.task import CLIENT_KIND, ID_BYTES, KIND, KNOWN_FOR, Task, new_id, task_name, task_of
from livedvr.recordings.states import State
from livedvr.resources.errors import AlreadyExists, FailedPrecondition, NotFound
from livedvr.resources.recording import Recording

MOST_TASKS = 100  # that record at once

Data = dict[str, Any] | None
Action = Callable[[Mapping[str, Any], bool], Awaitable[Data]]


class Actions:
    """``table``: by name. Each takes the parameters, and whether they are JSON; raises ZegoError, LiveDvrError."""

    def __init__(self, settings: ZegoSettings, desk: FacadeDesk, absence: Absence) -> None:
        self._settings = settings
        self._desk = desk
        self._absence = absence
        self.table: Mapping[str, Action] = {
            "StartRecord": self._start,
            "StopRecord": self._stop,
            "DescribeRecordStatus": self._describe,
            "DescribeTasks": self._list,
            "PauseRecord": self._pause,
            "ResumeRecord": self._resume,
            "UpdateLayout": _not_offered,
            "UpdateWhiteboard": _not_offered,
            "TakeSnapshot": _not_offered,
        }

    async def _start(self, given: Mapping[str, Any], is_json: bool) -> Data:
        asked = read(StartRecord, given, strict=is_json)
        check(asked)
        known = self._started(asked.record_input_params.client_task_id)
        if known is not None:
            return {"TaskId": known}
        try:
            return {"TaskId": await self._started_now(asked)}
        except AlreadyExists:  # somebody has just asked for the same
            known = self._started(asked.record_input_params.client_task_id)
            if known is None:
                raise
            return {"TaskId": known}

    async def _started_now(self, asked: StartRecord) -> str:
        channel, desk, now = self._channel(asked), self._desk, self._desk.clock.now()
        raw = new_id(now, secrets.token_bytes(ID_BYTES - 4))
        folder = [part for part in asked.record_output_params.output_folder.strip("/").split("/") if part]
        place = desk.folder(channel, *folder)
        url, absent = self._url(channel, place), await self._absent(asked, channel)
        task = Task.of(asked, self._settings.app_id, task_name(raw), channel, url, absent)
        client = asked.record_input_params.client_task_id

        def also(db: sqlite3.Connection, recording: Recording) -> None:
            for kind in (KIND, CLIENT_KIND):
                facade_rows.forget_facade_rows(db, desk.facade, kind, now - KNOWN_FOR)
            if len(facade_rows.unfinished_facade_rows(db, desk.facade, KIND)) >= MOST_TASKS:
                raise ZegoError(Code.TOO_MANY_TASKS, f"{MOST_TASKS} tasks are recording, and no more can")
            facade_rows.add_facade_row(db, task.row(desk.facade, recording, now))
            if client:
                row = FacadeRow(desk.facade, CLIENT_KIND, client, channel, recording.recording_id, now, task.task)
                facade_rows.add_facade_row(db, row)

        await desk.dvr.recordings.start(channel, raw.hex(), spec_of(asked, task, str(place), desk.facade), also=also)
        self._absence.watch(channel, raw.hex())
        return task.task

    def _channel(self, asked: StartRecord) -> str:
        try:
            return self._desk.channel(self._settings.channels, asked.room_id, field="RoomId")
        except NotFound as error:
            raise invalid("RoomId", error.message) from error

    async def _absent(self, asked: StartRecord, channel: str) -> tuple[str, ...]:
        """See `absent_streams`."""
        known = (await self._desk.dvr.runtime(channel)).known
        last = known.timeline.last(known.timeline.reference)
        media = None if last is None else known.media.get(last.run, {}).get(known.timeline.reference)
        return absent_streams(asked, self._settings.channels, channel, media)

    def _url(self, channel: str, place: Path) -> str:
        """Where the files in a folder of the channel's are to be had."""
        if not self._settings.file_url:
            return place.as_uri()
        below = place.relative_to(self._desk.folder(channel).parent).as_posix()
        return f"{self._settings.file_url.rstrip('/').replace('{channel}', channel)}/{quote(below)}"

    def _started(self, client: str) -> str | None:
        """The task that a client has started by that name of its own."""
        row = self._desk.find(CLIENT_KIND, client) if client else None
        return row.resource if row is not None and self._is_known(row) else None

    async def _stop(self, given: Mapping[str, Any], is_json: bool) -> Data:
        _, recording = await self._running(given, is_json)
        await self._change("stop", recording)
        return None

    async def _pause(self, given: Mapping[str, Any], is_json: bool) -> Data:
        task, recording = await self._running(given, is_json)
        if task.mode != MIXED:
            raise invalid("TaskId", "only mixed-stream tasks can be paused, and RecordMode of this one is 1")
        if recording.state != State.PAUSED:  # else it is what is asked for
            await self._change("pause", recording)
        return None

    async def _resume(self, given: Mapping[str, Any], is_json: bool) -> Data:
        task, recording = await self._running(given, is_json)
        if recording.state != State.PAUSED:
            raise ZegoError(Code.NOT_PAUSED, f"TaskId: task '{task.task}' is not paused")
        await self._change("resume", recording)
        return None

    async def _describe(self, given: Mapping[str, Any], is_json: bool) -> Data:
        task, recording = await self._find(given, is_json)
        return described(task, recording, self._desk.clock.now())

    async def _list(self, given: Mapping[str, Any], is_json: bool) -> Data:
        return listing.tasks(self._desk, read(DescribeTasks, given, strict=is_json))

    async def _find(self, given: Mapping[str, Any], is_json: bool) -> tuple[Task, Recording]:
        name = read(OfTask, given, strict=is_json).task_id
        row = self._desk.find(KIND, name)
        if row is None or row.channel is None or row.recording is None or not self._is_known(row):
            raise ZegoError(Code.NO_TASK, f"TaskId: no task '{name}' has been started within 3 days")
        return task_of(row.resource), await self._desk.dvr.recordings.get(row.channel, row.recording)

    async def _running(self, given: Mapping[str, Any], is_json: bool) -> tuple[Task, Recording]:
        task, recording = await self._find(given, is_json)
        if has_ended(recording):
            raise _ended()
        return task, recording

    async def _change(self, verb: str, recording: Recording) -> None:
        try:
            await getattr(self._desk.dvr.recordings, verb)(recording.channel_id, recording.recording_id)
        except FailedPrecondition as error:  # it has ended in between
            raise _ended() from error

    def _is_known(self, row: FacadeRow) -> bool:
        return row.created >= self._desk.clock.now() - KNOWN_FOR


def _ended() -> ZegoError:
    return ZegoError(Code.TASK_ENDED, "TaskId: the task has ended")


async def _not_offered(_: Mapping[str, Any], __: bool) -> Data:
    raise ZegoError(Code.NOT_ACTIVATED, "Action: layouts, whiteboards and snapshots are not offered by this server")
