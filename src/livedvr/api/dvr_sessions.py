"""DVR sessions: the domain's, as the API says them."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any

from google.cloud.video.live_stream_v1 import types
from google.protobuf import empty_pb2
from google.rpc import code_pb2

from livedvr.api.aip.mask import apply_mask
from livedvr.api.call import Call
from livedvr.api.desk import Desk
from livedvr.api.listing import page
from livedvr.api.messages import micros_of, set_time
from livedvr.api.names import last_id, parent_of
from livedvr.api.operations import Acceptance
from livedvr.resources.errors import FailedPrecondition, InvalidArgument, LiveDvrError, NotFound
from livedvr.resources.layout import multivariant_name
from livedvr.resources.models import DvrSession, TimeInterval, to_datetime, to_micros
from livedvr.sessions.plan import NO_MEDIA

SessionMessage = types.DvrSession.pb()
ChannelMessage = types.Channel.pb()

_PATCHABLE = ("dvr_windows", "labels")  # labels are ours
_OUTPUT_ONLY = ("create_time", "update_time", "state", "error", "dvr_manifests.output_uri")

_WINDOW = re.compile(r"dvrWindows\[(\d+)\]\.(start|end)Time")
_FIELDS = {
    "dvrSessionId": "dvr_session_id",
    "dvrWindows": "dvr_session.dvr_windows",
    "manifestKey": "dvr_session.dvr_manifests[0].manifest_key",
    "retentionWindow": "channel.retention_config.retention_window_duration",
    "channel": "name",
    "dvrSession": "name",
    "state": "dvr_session.state",
}


class DvrSessions:
    """The collection ``dvrSessions`` of a channel."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        desk.operations.register({"dvrSessions.delete": self._delete})

    async def create_dvr_session(self, call: Call) -> Any:
        """Accepted and scheduled when the operation is done, which it is at once (S1)."""
        parent, asked = call.request.parent, call.request.dvr_session
        channel = self._desk.get(parent, ChannelMessage, field="parent")
        domain = self._desk.domain_id(parent)
        key = manifest_key(asked.dvr_manifests, channel, "dvr_session.dvr_manifests")
        if not channel.HasField("retention_config"):
            raise FailedPrecondition(
                "the channel has no retention window", field=_FIELDS["retentionWindow"], hint="give it one"
            )

        name = f"{parent}/dvrSessions/{call.request.dvr_session_id}"
        accepted = self._acceptance(call, name, "create", channel)
        with as_asked():
            await self._desk.dvr.sessions.create(
                domain,
                call.request.dvr_session_id,
                _windows(asked),
                manifest_key=key,
                labels=dict(asked.labels),
                also=accepted,
            )
        return accepted.answer

    def _acceptance(self, call: Call, name: str, verb: str, channel: Any) -> Acceptance[DvrSession]:
        return Acceptance(self._desk.operations, call, name, verb, lambda _, session: to_message(session, channel))

    async def get_dvr_session(self, call: Call) -> Any:
        """The session as it stands."""
        channel = self._desk.get(parent_of(call.request.name), ChannelMessage)
        return to_message(await self._session(call.request.name), channel)

    async def list_dvr_sessions(self, call: Call) -> Any:
        """A channel's sessions."""
        channel = self._desk.get(call.request.parent, ChannelMessage, field="parent")
        sessions = await self._desk.dvr.sessions.list(self._desk.domain_id(channel.name))
        return page(call, "dvr_sessions", [to_message(session, channel) for session in sessions])

    async def update_dvr_session(self, call: Call) -> Any:
        """Windows and labels can be patched (S6-S10)."""
        asked, name = call.request.dvr_session, call.request.dvr_session.name
        channel = self._desk.get(parent_of(name), ChannelMessage)
        paths = call.request.update_mask.paths
        if not paths:
            raise InvalidArgument("which fields?", field="update_mask", hint="dvrWindows, labels, or both")
        current = await self._session(name)
        before = to_message(current, channel)
        new = apply_mask(before, asked, paths, patchable=_PATCHABLE, output_only=_OUTPUT_ONLY)
        windows = None if list(new.dvr_windows) == list(before.dvr_windows) else _windows(new)
        accepted = self._acceptance(call, name, "update", channel)
        with as_asked():
            await self._desk.dvr.sessions.update(
                self._desk.domain_id(channel.name),
                last_id(name),
                windows=windows,
                labels=None if new.labels == before.labels else dict(new.labels),
                also=accepted,
            )
        return accepted.answer

    async def delete_dvr_session(self, call: Call) -> Any:
        """The manifest goes, segments follow retention (S15)."""
        await self._session(call.request.name)
        return await self._desk.operations.begin(call, call.request.name, "delete")

    async def _delete(self, name: str) -> Any:
        with contextlib.suppress(NotFound):  # an earlier controller has done it
            await self._desk.dvr.sessions.delete(self._desk.domain_id(parent_of(name)), last_id(name))
        return empty_pb2.Empty()

    async def _session(self, name: str) -> DvrSession:
        with as_asked():
            return await self._desk.dvr.sessions.get(self._desk.domain_id(parent_of(name)), last_id(name))


def to_message(session: DvrSession, channel: Any) -> Any:
    """The domain's session as the API's. ``channel``: its channel's message."""
    manifest = next(one for one in channel.manifests if one.key == session.manifest_key)
    uri = f"{channel.output.uri.rstrip('/')}/{multivariant_name(session.session_id, manifest.file_name)}"
    message = SessionMessage(
        name=f"{channel.name}/dvrSessions/{session.session_id}",
        labels=dict(session.labels),
        state=SessionMessage.State.Value(session.state),
    )
    set_time(message.create_time, to_micros(session.create_time))
    set_time(message.update_time, to_micros(session.update_time))
    message.dvr_manifests.add(manifest_key=session.manifest_key, output_uri=uri)
    for window in session.dvr_windows:
        interval = message.dvr_windows.add().time_interval
        if window.start_time is not None:
            set_time(interval.start_time, to_micros(window.start_time))
        if window.end_time is not None:
            set_time(interval.end_time, to_micros(window.end_time))
    if session.error is not None:
        missing = session.error == NO_MEDIA
        message.error.code = code_pb2.NOT_FOUND if missing else code_pb2.UNAVAILABLE
        message.error.message = session.error
    return message


def manifest_key(given: Any, channel: Any, field: str) -> str:
    """The key of exactly one manifest, that the channel has. ``given``: the repeated ``field`` of a session or clip."""
    if len(given) != 1:
        raise InvalidArgument(f"{len(given)} manifests, there is exactly one", field=field)
    key: str = given[0].manifest_key
    have = [manifest.key for manifest in channel.manifests if manifest.key]
    if key not in have:
        raise InvalidArgument(
            f"the channel has no manifest '{key}'" if key else "which manifest?",
            field=f"{field}[0].manifest_key",
            hint=f"it has {', '.join(have) or 'none with a key'}",
        )
    return key


def _windows(asked: Any) -> list[TimeInterval]:
    windows = []
    for i, window in enumerate(asked.dvr_windows):
        interval = window.time_interval
        field = f"dvr_session.dvr_windows[{i}].time_interval"
        if not window.HasField("time_interval"):
            raise InvalidArgument("a window is a time interval", field=field)
        windows.append(TimeInterval(start_time=_moment(interval, "start_time"), end_time=_moment(interval, "end_time")))
    return windows


def _moment(interval: Any, field: str) -> Any:
    return to_datetime(micros_of(getattr(interval, field))) if interval.HasField(field) else None


@contextlib.contextmanager
def as_asked() -> Iterator[None]:
    """An error of the domain names the field as the client knows it."""
    try:
        yield
    except LiveDvrError as error:
        if error.field is not None:
            error.field = _WINDOW.sub(r"dvr_session.dvr_windows[\1].time_interval.\2_time", error.field)
            error.field = _FIELDS.get(error.field, error.field)
        raise
