"""A task: what a client calls a recording, and what it may still ask of it. Its name is the recording's. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from livedvr.catalog.facade_rows import FacadeRow
from livedvr.facades.tencent.params import CreateCloudRecording, MixLayoutParams, SubscribeStreamUserIds
from livedvr.recordings.states import State
from livedvr.resources.recording import Recording, Tracks
from livedvr.resources.times import SECOND

KIND = "task"
HOUR = 3600 * SECOND
LONGEST = 720 * HOUR  # ResourceExpiredHour at most: nobody may ask for an older one

STATUS: Mapping[str, str] = {
    State.IDLE: "Idle",
    State.RECORDING: "InProgress",
    State.PAUSED: "InProgress",
    State.FINALIZING: "Exited",
}
"""Of a task that has not ended; one that has is not found."""


@dataclass(frozen=True, slots=True)
class Task:
    """``robot``: its UserId; ``user``: whose stream it records, ``tracks``: what of it. ``expires``: when nobody may
    ask for it any more, UTC microseconds. ``layout`` and ``subscription``: as they were given last."""

    app: int
    room: str
    robot: str
    user: str
    stream_type: int
    tracks: Tracks
    is_mix: bool
    is_vod: bool
    expires: int
    layout: Mapping[str, Any]
    subscription: Mapping[str, Any]

    @classmethod
    def of(cls, asked: CreateCloudRecording, user: str, tracks: Tracks, now: int) -> Task:
        """Of what is asked for; none of its keys are in it."""
        record = asked.record_params
        return cls(
            app=asked.sdk_app_id,
            room=asked.room_id,
            robot=asked.user_id,
            user=user,
            stream_type=record.stream_type,
            tracks=tracks,
            is_mix=record.record_mode == 2,
            is_vod=asked.storage_params.cloud_vod is not None,
            expires=now + asked.resource_expired_hour * HOUR,
            layout=shown(asked.mix_layout_params),
            subscription=shown(record.subscribe_stream_user_ids),
        )

    def row(self, facade: str, recording: Recording, now: int) -> FacadeRow:
        """As it is stored."""
        name, channel = recording.recording_id, recording.channel_id
        return FacadeRow(facade, KIND, name, channel, name, now, json.dumps(asdict(self)))


def task_of(row: FacadeRow) -> Task:
    """A stored one."""
    return Task(**json.loads(row.resource))


def shown(given: MixLayoutParams | SubscribeStreamUserIds) -> dict[str, Any]:
    """What somebody has given, in the vendor's names."""
    return given.model_dump(by_alias=True, exclude_unset=True)
