"""The four actions over `dvr.recordings`."""

from __future__ import annotations

import re
import secrets
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from livedvr.catalog import channel_rows, facade_rows
from livedvr.facades.facade import FacadeDesk
from livedvr.facades.tencent.errors import TencentError, gone
from livedvr.facades.tencent.outputs import begin_of, below, indexes_of, spec_of
from livedvr.facades.tencent.params import (
    CreateCloudRecording,
    DeleteCloudRecording,
    DescribeCloudRecording,
    ModifyCloudRecording,
    read,
)
from livedvr.facades.tencent.settings import App, TencentSettings
from livedvr.facades.tencent.supported import check, check_layout, subscribed
from livedvr.facades.tencent.tasks import KIND, LONGEST, STATUS, Task, shown, task_of
from livedvr.facades.tencent.user_sig import check_user_sig
from livedvr.recordings.states import State
from livedvr.resources.errors import FailedPrecondition, NotFound
from livedvr.resources.models import Channel
from livedvr.resources.recording import Recording

MOST_TASKS = 100  # at a time
_ROOM_NUMBER = re.compile(r"[1-9][0-9]{0,9}")

Answer = dict[str, Any]
Action = Callable[[Mapping[str, Any], bool], Awaitable[Answer]]


class Actions:
    """What they are answered. Each takes the parameters, and whether numbers are to be numbers (as in JSON)."""

    def __init__(self, settings: TencentSettings, desk: FacadeDesk) -> None:
        self._settings = settings
        self._desk = desk
        self.table: Mapping[str, Action] = {
            "CreateCloudRecording": self.create,
            "DescribeCloudRecording": self.describe,
            "ModifyCloudRecording": self.modify,
            "DeleteCloudRecording": self.delete,
        }

    async def create(self, given: Mapping[str, Any], strict: bool) -> Answer:
        """A task, from now on until it is deleted or nothing has come for MaxIdleTime."""
        asked, now = read(CreateCloudRecording, given, strict=strict), self._desk.clock.now()
        app = self._app(asked.sdk_app_id)
        if app.user_sig_key is not None:
            key, sig = app.user_sig_key.get_secret_value(), asked.user_sig.get_secret_value()
            check_user_sig(sig, key, asked.sdk_app_id, asked.user_id, now)
        channel, name = self._channel(asked), secrets.token_hex(24)
        user = channel.channel_id  # whose stream it is
        tracks = check(asked, channel)
        folder = str(self._desk.folder(user, *below(asked, name)))
        spec = spec_of(asked, app, folder, user, tracks)
        task = Task.of(asked, user, tracks, now)

        def also(db: sqlite3.Connection, recording: Recording) -> None:
            facade_rows.forget_facade_rows(db, self._desk.facade, KIND, now - LONGEST)
            running = facade_rows.unfinished_facade_rows(db, self._desk.facade, KIND)
            if len(running) >= MOST_TASKS:
                raise TencentError("FailedOperation.RestrictedConcurrency", f"{MOST_TASKS} tasks are running already")
            if any(
                (one.app, one.room, one.robot) == (task.app, task.room, task.robot) for one in map(task_of, running)
            ):
                raise TencentError(
                    "FailedOperation.TaskExist", f"UserId: '{task.robot}' is recording this room already"
                )
            facade_rows.add_facade_row(db, task.row(self._desk.facade, recording, now))

        await self._desk.dvr.recordings.start(user, name, spec, also=also)
        return {"TaskId": name}

    async def describe(self, given: Mapping[str, Any], strict: bool) -> Answer:
        """How it stands; its playlists as soon as something has come."""
        asked = read(DescribeCloudRecording, given, strict=strict)
        task, recording = await self._find(asked)
        listed = []
        if recording.start_time is not None and not task.is_vod:
            user = "" if task.is_mix else task.user
            begin = begin_of(recording)
            for index in indexes_of(recording):
                listed.append(
                    {"UserId": user, "FileName": index.name, "TrackType": index.track, "BeginTimeStamp": begin}
                )
        return {"TaskId": asked.task_id, "Status": STATUS[recording.state], "StorageFileList": listed}

    async def modify(self, given: Mapping[str, Any], strict: bool) -> Answer:
        """Lists and layout are what is given now; refused where that would be another picture or sound."""
        asked = read(ModifyCloudRecording, given, strict=strict)
        task, recording = await self._find(asked)
        lists, layout = asked.subscribe_stream_user_ids, asked.mix_layout_params
        check_layout(layout, task.user)
        if subscribed(lists, task.stream_type, self._stored(recording.channel_id)) != task.tracks:
            raise TencentError(
                "UnsupportedOperation",
                "SubscribeStreamUserIds: sound or pictures that it records, or does not, stay so",
            )
        if recording.state == State.FINALIZING:
            raise _finished(asked.task_id)
        changed = replace(task, layout=shown(layout), subscription=shown(lists))
        row = changed.row(self._desk.facade, recording, 0)
        await self._desk.write(lambda db: facade_rows.put_facade_row(db, row))
        return {"TaskId": asked.task_id}

    async def delete(self, given: Mapping[str, Any], strict: bool) -> Answer:
        """It ends now; its files come later."""
        asked = read(DeleteCloudRecording, given, strict=strict)
        _, recording = await self._find(asked)
        try:
            await self._desk.dvr.recordings.stop(recording.channel_id, recording.recording_id)
        except FailedPrecondition as error:  # it is on its way out, or is there by now
            raise _finished(asked.task_id) from error
        return {"TaskId": asked.task_id}

    def _app(self, name: int) -> App:
        app = self._settings.apps.get(str(name))
        if app is None:
            raise TencentError("InvalidParameter.SdkAppId", f"SdkAppId: there is no app {name}")
        return app

    def _channel(self, asked: CreateCloudRecording) -> Channel:
        room = asked.room_id
        if asked.room_id_type == 1 and (not _ROOM_NUMBER.fullmatch(room) or int(room) >= 2**32):
            raise TencentError("InvalidParameter.RoomId", "RoomId: with RoomIdType 1 it is a number of 32 bits")
        try:
            return self._stored(self._desk.channel(self._settings.channels, room, field="RoomId"))
        except NotFound as error:
            raise TencentError("InvalidParameter.RoomId", str(error)) from error

    def _stored(self, channel: str) -> Channel:
        row = self._desk.dvr.catalog.read(lambda db: channel_rows.get_channel(db, channel))
        if row is None:
            raise NotFound("the channel has been deleted", field="RoomId")
        return row.channel

    async def _find(self, asked: DescribeCloudRecording) -> tuple[Task, Recording]:
        """A task of this app that may still be asked for and has not ended."""
        self._app(asked.sdk_app_id)
        row = self._desk.find(KIND, asked.task_id)
        if row is None or row.channel is None or row.recording is None:
            raise gone(asked.task_id)
        task = task_of(row)
        if task.app != asked.sdk_app_id or self._desk.clock.now() >= task.expires:
            raise gone(asked.task_id)
        try:
            recording = await self._desk.dvr.recordings.get(row.channel, row.recording)
        except NotFound as error:  # it has been deleted by its operator, or its channel has
            raise gone(asked.task_id) from error
        if recording.state not in STATUS:
            raise gone(asked.task_id)
        return task, recording


def _finished(task: str) -> TencentError:
    return TencentError("FailedOperation.TaskFinished", f"TaskId: task '{task}' has been stopped")
