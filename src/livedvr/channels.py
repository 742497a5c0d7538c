"""What a `LiveDvr` offers its user: its channels and their DVR sessions."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from livedvr.catalog.catalog import Also
from livedvr.channel_runtime import ChannelRuntime
from livedvr.ingest.channel_ingest import StreamingState
from livedvr.ingest.gateway import GatewayInputs, check_inputs
from livedvr.ingest.stream_key import with_stream_key
from livedvr.resources.errors import AlreadyExists, FailedPrecondition, InvalidArgument, LiveDvrError, NotFound
from livedvr.resources.figures import ChannelFigures, InputStreams
from livedvr.resources.models import AdBreak, Channel, DvrSession, InputKey, TimeInterval
from livedvr.resources.pull_policy import PullPolicy
from livedvr.storage.open_store import place_of

T = TypeVar("T")


class Dvr(Protocol):
    """What they ask of the `LiveDvr` that they belong to."""

    gateway: GatewayInputs | None
    pull: PullPolicy | None

    async def runtime(self, channel: str) -> ChannelRuntime:
        """The channel at work."""

    def stored_channels(self) -> list[Channel]:
        """All channels by id."""

    async def put_channel(self, channel: Channel, *, is_new: bool, also: Also[Channel] | None = None) -> None:
        """Store a channel's settings."""

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """One transaction of the catalog."""

    async def begin_delete(
        self, channel: str, *, force: bool, also: Callable[[sqlite3.Connection], None] = lambda _: None
    ) -> None:
        """Mark the channel for its deletion."""

    async def delete_channel(self, channel: str, *, force: bool) -> None:
        """Delete the channel."""


def check_free(channel: Channel, others: Sequence[Channel], *, is_new: bool) -> None:
    """ALREADY_EXISTS when a new channel's id is taken, FAILED_PRECONDITION when its output meets another's (O1)."""
    place = place_of(channel.output.uri)
    for other in others:
        if other.channel_id == channel.channel_id:
            if is_new:
                raise AlreadyExists(f"channel '{channel.channel_id}' exists already", field="channelId")
        elif (theirs := place_of(other.output.uri)).meets(place):
            raise FailedPrecondition(
                f"channel '{other.channel_id}' already writes to {theirs.uri}",
                field="output.uri",
                hint="use another one",
            )


class Channels:
    """The channels of a `LiveDvr`."""

    def __init__(self, dvr: Dvr) -> None:
        self._dvr = dvr

    async def create(self, channel: Channel, *, also: Also[Channel] | None = None) -> Channel:
        """Store a new channel, stopped. ALREADY_EXISTS, or FAILED_PRECONDITION when its output is another's (O1).

        What is returned has the stream key, also one that was made because none was given. ``also``: called with the
        catalog's connection and the channel, in the transaction that stores it; what it raises leaves nothing stored.
        """
        return await self._put(with_stream_key(channel), True, also)

    async def update(self, channel: Channel, *, also: Also[Channel] | None = None) -> Channel:
        """Replace the settings of a stopped channel; its timeline and sessions stay. ``also``: as in `create`."""
        current = await self.get(channel.channel_id)
        channel = with_stream_key(channel, current)
        if current == channel:
            if also is not None:
                await self._dvr.write(lambda db: also(db, channel))
            return channel
        await self._check_change(current, channel)
        return await self._put(channel, False, also)

    async def check_update(self, channel: Channel) -> None:
        """Raise what `update` would, as things are now."""
        current = await self.get(channel.channel_id)
        channel = with_stream_key(channel, current)
        if current != channel:
            await self._check_change(current, channel)

    async def _check_change(self, current: Channel, channel: Channel) -> None:
        if current.mux_streams != channel.mux_streams or place_of(current.output.uri) != place_of(channel.output.uri):
            raise FailedPrecondition(
                f"channel '{channel.channel_id}' already writes {', '.join(mux.key for mux in current.mux_streams)} as "
                f"{current.reference.container} segments of {current.reference.segment_duration.total_seconds():g} s "
                f"to {current.output.uri}",
                field="channel",
                hint="use another --channel and --output for other settings",
            )
        runtime = await self._dvr.runtime(channel.channel_id)
        used = {one.manifest_key for one in runtime.sessions.list()} | runtime.clips.manifests_in_use()
        used |= runtime.recordings.manifests_in_use()
        if any(manifest not in channel.manifests for manifest in current.manifests if manifest.key in used):
            raise FailedPrecondition(
                "sessions use a manifest that this would change, or clips and recordings still to be made",
                field="manifests",
            )
        runtime.check_at_rest()

    async def _put(self, channel: Channel, is_new: bool, also: Also[Channel] | None) -> Channel:
        others = self._dvr.stored_channels()
        check_inputs(channel, others, self._dvr.gateway, self._dvr.pull)
        check_free(channel, others, is_new=is_new)  # before anything is made for it
        await asyncio.to_thread(place_of(channel.output.uri).check, make=True)
        await self._dvr.put_channel(channel, is_new=is_new, also=also)
        return channel

    async def get(self, channel_id: str) -> Channel:
        """The channel, or NOT_FOUND."""
        for channel in self._dvr.stored_channels():
            if channel.channel_id == channel_id:
                return channel
        raise NotFound(f"there is no channel '{channel_id}'", field="channelId")

    async def list(self) -> list[Channel]:
        """All channels by id."""
        return self._dvr.stored_channels()

    async def start(self, channel_id: str) -> None:
        """Start ingest; returns at once, see `state`."""
        await (await self._dvr.runtime(channel_id)).start()

    async def awaiting(self, channel_id: str) -> None:
        """After `start`: return when publishers may come, or after ten seconds; `state` says what is so."""
        await (await self._dvr.runtime(channel_id)).awaiting()

    async def stop(self, channel_id: str) -> None:
        """Stop ingest and return when everything is read; its LIVE sessions are sealed (S11), SCHEDULED ones stay."""
        await (await self._dvr.runtime(channel_id)).stop()

    async def delete(self, channel_id: str, *, force: bool = False) -> None:
        """Delete a stopped channel with its segments; with ``force`` also with its sessions (R3).

        FAILED_PRECONDITION names the sessions that are in the way: pinned ones always are. ABORTED: another
        controller owns it. What an error or a crash interrupts is gone on with by the next delete or `LiveDvr`.
        """
        await self._dvr.delete_channel(channel_id, force=force)

    async def begin_delete(
        self, channel_id: str, *, force: bool = False, also: Callable[[sqlite3.Connection], None] = lambda _: None
    ) -> None:
        """The part of `delete` that can be refused; returns when it is certain that the channel will go.

        ``also`` is called with the catalog's connection in the transaction that makes it certain.
        """
        await self._dvr.begin_delete(channel_id, force=force, also=also)

    async def switch_input(self, channel_id: str, key: InputKey) -> None:
        """Have the other input on air (MANUAL); returns at once, see `active_input`. FAILED_PRECONDITION: it cannot."""
        runtime = await self._dvr.runtime(channel_id)
        if runtime.supervisor is None or runtime.supervisor.is_over:
            raise FailedPrecondition(
                f"channel '{channel_id}' is {runtime.state}", field="channel", hint="start it first"
            )
        runtime.supervisor.switch_input(key)

    async def ad_break(
        self, channel_id: str, duration: timedelta, *, at: datetime | None = None, event_id: int | None = None
    ) -> AdBreak:
        """Have an ad break told in all playlists (P9), from the first segment's start at or after ``at`` on.

        ``at`` None: now. ``event_id``: the splice_event_id; None: the next free one. It waits over restarts until its
        segment comes. FAILED_PRECONDITION: the channel is not streaming, ``at`` is listed already, or another break is
        then; ALREADY_EXISTS: so is this event.
        """
        runtime = await self._dvr.runtime(channel_id)
        if runtime.state is not StreamingState.STREAMING:
            raise FailedPrecondition(
                f"channel '{channel_id}' is {runtime.state}", field="channel", hint="a break needs media around it"
            )
        return await runtime.ad_breaks.begin(duration, at, event_id)

    async def return_to_program(self, channel_id: str) -> None:
        """End the ad break that `ad_break` began, at the next segment's start; one that waits is off.

        FAILED_PRECONDITION: there is none.
        """
        await (await self._dvr.runtime(channel_id)).ad_breaks.end()

    async def active_input(self, channel_id: str) -> InputKey:
        """The input that is on air, or will be when the channel is started."""
        return (await self._dvr.runtime(channel_id)).active_input

    async def streams(self, channel_id: str, key: InputKey = "primary") -> InputStreams:
        """What an input of the channel brings, or brought last: codecs, sizes, rates, and since when."""
        return (await self._dvr.runtime(channel_id)).came(key)

    async def figures(self, channel_id: str) -> ChannelFigures:
        """How well the channel goes: segments, lag, clock, gaps, runs. Cheap enough to be asked each second."""
        return (await self._dvr.runtime(channel_id)).figures()

    async def state(self, channel_id: str) -> tuple[StreamingState, LiveDvrError | None]:
        """What the channel is doing, and why it is in STREAMING_ERROR."""
        runtime = await self._dvr.runtime(channel_id)
        return runtime.state, runtime.error


class DvrSessions:
    """The DVR sessions of a `LiveDvr`."""

    def __init__(self, dvr: Dvr) -> None:
        self._dvr = dvr

    async def create(
        self,
        channel_id: str,
        session_id: str,
        windows: Sequence[TimeInterval] = (TimeInterval(),),
        *,
        manifest_key: str | None = None,
        labels: Mapping[str, str] | None = None,
        also: Also[DvrSession] | None = None,
    ) -> DvrSession:
        """Accept a DVR session over past, running or future windows (W1-W4). The default window: from now, open.

        ``also``: called with the catalog's connection and the session as it is accepted, in the transaction that stores
        it, in the catalog's thread; what it raises leaves nothing stored.
        """
        if isinstance(windows, TimeInterval):
            raise InvalidArgument("windows is a list", field="windows", hint="windows=[TimeInterval(...)]")
        manager = (await self._dvr.runtime(channel_id)).sessions
        return await manager.create(session_id, windows, manifest_key, labels or {}, also)

    async def get(self, channel_id: str, session_id: str) -> DvrSession:
        """The session as it stands, or NOT_FOUND."""
        return (await self._dvr.runtime(channel_id)).sessions.get(session_id)

    async def list(self, channel_id: str) -> list[DvrSession]:
        """The channel's sessions by creation."""
        return (await self._dvr.runtime(channel_id)).sessions.list()

    async def update(
        self,
        channel_id: str,
        session_id: str,
        *,
        windows: Sequence[TimeInterval] | None = None,
        labels: Mapping[str, str] | None = None,
        also: Also[DvrSession] | None = None,
    ) -> DvrSession:
        """Patch a session's windows, its labels, or both; what is None stays (S6-S10).

        ``also``: as in `create`; of what the manifest holds it is told how it was before the patch.

        A first window without a start keeps the start it has. A LIVE session can be extended and be given later
        windows; an end that is now or past ends it (COOLDOWN). FAILED_PRECONDITION says what would be allowed;
        ABORTED: another update of the same session is under way.
        """
        if isinstance(windows, TimeInterval):
            raise InvalidArgument("windows is a list", field="windows", hint="windows=[TimeInterval(...)]")
        manager = (await self._dvr.runtime(channel_id)).sessions
        return await manager.update(session_id, intervals=windows, labels=labels, also=also)

    async def delete(self, channel_id: str, session_id: str) -> None:
        """Delete the session and its manifest; the channel's segments follow retention (S15)."""
        await (await self._dvr.runtime(channel_id)).sessions.delete(session_id)

    async def watch(self, channel_id: str, session_id: str) -> AsyncIterator[DvrSession]:
        """The session now and after each change, until it is FINISHED, FAILED or gone."""
        async for session in (await self._dvr.runtime(channel_id)).sessions.watch(session_id):
            yield session
