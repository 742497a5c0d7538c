"""A task: what a client calls a recording, and what is told of it beside. Pure."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, dataclass

from livedvr.catalog.facade_rows import FacadeRow
from livedvr.facades.zego.params import StartRecord
from livedvr.facades.zego.supported import MIXED
from livedvr.resources.recording import Recording
from livedvr.resources.times import SECOND

KIND, CLIENT_KIND = "task", "client task"
KNOWN_FOR = 3 * 24 * 3600 * SECOND  # after its start nobody may ask for it any more
ID_BYTES = 12  # of which 16 characters are made


def new_id(now: int, chance: bytes) -> bytes:
    """Of a task that begins now: seconds, and 8 bytes of chance."""
    return (now // SECOND).to_bytes(4, "big") + chance


def task_name(raw: bytes) -> str:
    """As clients have it: 16 characters of base64url."""
    return base64.urlsafe_b64encode(raw).decode()


@dataclass(frozen=True, slots=True)
class Task:
    """``stream``: the StreamId that its files have, ``user`` their UserId; ``absent``: streams that were asked for and
    that there are not. ``kind``: the OutputFileFormat; ``url``: of the folder of its files."""

    app: int
    task: str
    room: str
    mode: int
    stream_type: int
    kind: str
    vendor: int
    stream: str
    user: str
    url: str
    absent: tuple[str, ...] = ()

    @classmethod
    def of(cls, asked: StartRecord, app: int, name: str, channel: str, url: str, absent: tuple[str, ...] = ()) -> Task:
        """Of what is asked for; none of its keys are in it. The publisher of a channel's stream is the channel."""
        given = asked.record_input_params
        stream = given.mix_config.mix_output_stream_id if given.mix_config and given.record_mode == MIXED else channel
        return cls(
            app=app,
            task=name,
            room=asked.room_id,
            mode=given.record_mode,
            stream_type=given.stream_type,
            kind=asked.record_output_params.output_file_format,
            vendor=asked.storage_params.vendor,
            stream=stream,
            user=stream,
            url=url,
            absent=absent,
        )

    @property
    def stem(self) -> str:
        """What its files are called (OutputFileRule 1), with the placeholders of `RecordingSpec.file_stem`."""
        names = (self.task, self.room, *([self.stream] if self.mode == MIXED else [self.user, self.stream]))
        return "_".join((*names, "{track}", "{begin}"))

    def json(self) -> str:
        """As it is stored."""
        return json.dumps(asdict(self))

    def row(self, facade: str, recording: Recording, now: int) -> FacadeRow:
        """The same in the catalog."""
        return FacadeRow(facade, KIND, self.task, recording.channel_id, recording.recording_id, now, self.json())


def task_of(text: str) -> Task:
    """A stored one."""
    found = json.loads(text)
    return Task(**{**found, "absent": tuple(found["absent"])})
