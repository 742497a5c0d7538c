"""Clips: the domain's, as the API says them. The message as it was accepted is kept beside: it has the client's URI."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from collections.abc import Iterator
from typing import Any, Literal

from google.cloud.video.live_stream_v1 import types
from google.protobuf import empty_pb2
from google.rpc import code_pb2

from livedvr.api.call import Call
from livedvr.api.desk import Desk
from livedvr.api.dvr_sessions import manifest_key
from livedvr.api.listing import page
from livedvr.api.messages import from_row, micros_of, set_time, to_row
from livedvr.api.names import last_id, parent_of
from livedvr.api.operations import Acceptance
from livedvr.api.refusing import placed
from livedvr.catalog import api_rows
from livedvr.catalog.api_rows import ResourceRow
from livedvr.resources.clip import Clip, TimeSlice
from livedvr.resources.errors import InvalidArgument, LiveDvrError, NotFound
from livedvr.resources.models import to_datetime, to_micros

ClipMessage = types.Clip.pb()
ChannelMessage = types.Channel.pb()
_TYPE = ClipMessage.OutputType

EXACT = "livedvr-exact"
"""A label of ours: with the value ``true`` an MP4 is cut to the frame."""

_SLICE = re.compile(r"slices\[(\d+)\]\.(?:(markin|markout)Time|timeSlice)")
_FIELDS = {
    "clipId": "clip_id",
    "outputUri": "clip.output_uri",
    "outputType": "clip.output_type",
    "manifestKey": "clip.clip_manifests[0].manifest_key",
    "exact": f"clip.labels.{EXACT}",
    "clip": "name",
    "slices": "clip.slices",
}


class Clips:
    """The collection ``clips`` of a channel."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        desk.operations.register({"clips.delete": self._delete})

    async def create_clip(self, call: Call) -> Any:
        """Accepted when the operation is done, which it is at once; its state says when it is made."""
        parent, asked = call.request.parent, call.request.clip
        channel = self._desk.get(parent, ChannelMessage, field="parent")
        key = manifest_key(asked.clip_manifests, channel, "clip.clip_manifests")
        output_uri = self._desk.outputs.place(asked.output_uri, field="clip.output_uri")
        kind: Literal["MANIFEST", "MP4"] = "MP4" if asked.output_type == _TYPE.MP4 else "MANIFEST"
        name, domain = f"{parent}/clips/{call.request.clip_id}", self._desk.domain_id(parent)

        def store(db: sqlite3.Connection, clip: Clip) -> Any:
            stored = ClipMessage(name=name, output_uri=asked.output_uri.rstrip("/"), output_type=_TYPE.Value(kind))
            row = to_row(stored, call.now, call.now)
            api_rows.forget_clips(db, f"{parent}/clips", domain, but=name)
            self._desk.add(db, row, field="clip_id")
            return _to_message(clip, row)

        accepted = Acceptance(self._desk.operations, call, name, "create", store)
        with _as_asked(), placed("clip.output_uri"):
            await self._desk.dvr.clips.create(
                domain,
                call.request.clip_id,
                _slices(asked),
                output_uri=output_uri,
                manifest_key=key,
                output_type=kind,
                exact=asked.labels.get(EXACT) == "true",
                labels=dict(asked.labels),
                also=accepted,
            )
        return accepted.answer

    async def get_clip(self, call: Call) -> Any:
        """The clip as it stands."""
        return await self._clip(call.request.name)

    async def _clip(self, name: str) -> Any:
        with _as_asked():
            found = await self._desk.dvr.clips.get(self._desk.domain_id(parent_of(name)), last_id(name))
        return _to_message(found, self._desk.row(name))

    async def list_clips(self, call: Call) -> Any:
        """A channel's clips, the latest 1000."""
        domain = self._desk.domain_id(call.request.parent, field="parent")
        collection = f"{call.request.parent}/clips"
        rows = {row.name: row for row in self._desk.rows(collection)}
        clips = await self._desk.dvr.clips.list(domain)
        named = [(rows.get(f"{collection}/{clip.clip_id}"), clip) for clip in clips]
        return page(call, "clips", [_to_message(clip, row) for row, clip in named if row is not None])

    async def delete_clip(self, call: Call) -> Any:
        """The record goes, the files stay."""
        await self._clip(call.request.name)
        return await self._desk.operations.begin(call, call.request.name, "delete")

    async def _delete(self, name: str) -> Any:
        with contextlib.suppress(NotFound):  # an earlier controller has come as far as this
            await self._desk.dvr.clips.delete(self._desk.domain_id(parent_of(name)), last_id(name))
        await self._desk.catalog.write(lambda db: api_rows.delete_resource(db, name))
        return empty_pb2.Empty()


def _slices(asked: Any) -> list[TimeSlice]:
    slices = []
    for i, one in enumerate(asked.slices):
        given, field = one.time_slice, f"clip.slices[{i}].time_slice"
        for name in ("markin_time", "markout_time"):
            if not given.HasField(name):
                raise InvalidArgument("a slice has both its ends", field=f"{field}.{name}")
        slices.append(
            TimeSlice(
                markin_time=to_datetime(micros_of(given.markin_time)),
                markout_time=to_datetime(micros_of(given.markout_time)),
            )
        )
    return slices


def _to_message(clip: Clip, row: ResourceRow) -> Any:
    message = from_row(row, ClipMessage)
    message.state = ClipMessage.State.Value(clip.state)
    message.labels.update(clip.labels)
    set_time(message.update_time, to_micros(clip.update_time))
    if clip.start_time is not None:
        set_time(message.start_time, to_micros(clip.start_time))
    played = f"{message.output_uri}/{clip.manifest_uri.rpartition('/')[2]}"
    message.clip_manifests.add(manifest_key=clip.manifest_key, output_uri=played)
    for one in clip.slices:
        time_slice = message.slices.add().time_slice
        set_time(time_slice.markin_time, to_micros(one.markin_time))
        set_time(time_slice.markout_time, to_micros(one.markout_time))
    if clip.error is not None:
        code, _, text = clip.error.partition(": ")
        message.error.code, message.error.message = code_pb2.Code.Value(code), text
    return message


@contextlib.contextmanager
def _as_asked() -> Iterator[None]:
    """An error of the domain names the field as the client knows it."""
    try:
        yield
    except LiveDvrError as error:
        named = _SLICE.sub(_slice_field, error.field or "")
        error.field = _FIELDS.get(named, named) or None
        raise


def _slice_field(found: re.Match[str]) -> str:
    """``slices[0].markoutTime`` -> ``clip.slices[0].time_slice.markout_time``."""
    return f"clip.slices[{found[1]}].time_slice" + (f".{found[2]}_time" if found[2] else "")
