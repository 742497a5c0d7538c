"""`LiveDvr`: the product as one object. Owns the catalog, the watcher and every channel's tasks."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from livedvr.catalog import channel_rows
from livedvr.catalog.catalog import Catalog, Owner
from livedvr.catalog.channel_rows import ChannelRow
from livedvr.channel_deletion import erase_channel
from livedvr.channel_runtime import ChannelLock, ChannelRuntime
from livedvr.clips_api import Clips
from livedvr.ingest.channel_ingest import StreamingState
from livedvr.ingest.gateway import GatewayInputs, check_inputs, load_secret
from livedvr.ingest.stream_key import with_stream_key
from livedvr.ingest.surroundings import RunSettings, Surroundings
from livedvr.ingest.watcher import Watcher
from livedvr.resources.errors import (
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    LiveDvrError,
    NotFound,
)
from livedvr.resources.gateway import Gateway
from livedvr.resources.models import Channel, DvrSession, InputKey, TimeInterval
from livedvr.sessions.live import live_names
from livedvr.sessions.sweeper import delete_objects
from livedvr.storage.local import LocalStore, check_local_root, make_private_root
from livedvr.storage.open_store import local_root
from livedvr.wallclock import SystemClock, WallClock

if TYPE_CHECKING:
    from livedvr.api.gateway_door import GatewayDoor


class LiveDvr:
    """A DVR over one data dir. Use it as ``async with LiveDvr(data_dir) as dvr``.

    On entry, channels that were running when the last controller died are taken up again: their ffmpeg is adopted,
    and not one segment is lost. On exit every channel is stopped and its sessions are sealed; with ``detach`` they are
    left as they are.

    Args:
        data_dir: where the catalog lives; made if need be, private to its user. Not on a network file system.
        on_state: called with a session each time its state has changed, in the event loop: it must not block. What it
            raises ends nothing; it becomes the channel's event ON_STATE_FAILED.
        detach: on exit ffmpeg goes on recording and LIVE sessions stay LIVE: for an upgrade, or a short visit. The next
            controller has five minutes to take them up; an ffmpeg that nobody owns for longer ends by itself.
        visiting: for a call on a channel whose controller has died. Nothing is taken up but the channels asked for, no
            ffmpeg is started, and on exit what runs is left as with ``detach``.
        gateway: one RTMP port for all channels, see docs/gateway.md. ABORTED when its controller's port is taken.
        clock: the wall clock; a test may bring its own.
        settings: house numbers of a run.

    Attributes:
        channels: create, get, list, start, stop and delete channels.
        sessions: create, get, list, update, delete and watch DVR sessions.
        clips: create, get, list, delete and watch clips.
        gateway: which inputs the gateway feeds.
    """

    def __init__(
        self,
        data_dir: str | Path,
        *,
        on_state: Callable[[DvrSession], None] | None = None,
        detach: bool = False,
        visiting: bool = False,
        gateway: Gateway | None = None,
        clock: WallClock | None = None,
        settings: RunSettings | None = None,
    ) -> None:
        self._data_dir = Path(data_dir).absolute()
        self._on_state = on_state
        self._detach = detach or visiting
        self._visiting = visiting
        self._given_gateway = gateway
        self.gateway: GatewayInputs | None = None
        self._gateway_door: GatewayDoor | None = None
        self._clock = clock or SystemClock()
        self._settings = settings or RunSettings()
        self._runtimes: dict[str, ChannelRuntime] = {}
        self._opening = asyncio.Lock()
        self._is_open = False
        self.channels = Channels(self)
        self.sessions = DvrSessions(self)
        self.clips = Clips(self.runtime)

    async def __aenter__(self) -> Self:
        make_private_root(self._data_dir)
        if self._given_gateway is not None:
            self.gateway = GatewayInputs(self._given_gateway, load_secret(self._data_dir / "gateway.secret"))
        self._catalog = Catalog(self._data_dir / "catalog.sqlite3")
        self._watcher = Watcher()
        self._tasks = await asyncio.TaskGroup().__aenter__()
        self._around = Surroundings(
            self._catalog,
            self._watcher,
            self._clock,
            self._settings,
            self._tell_state,
            self._tasks,
            self._visiting,
            self.gateway,
        )
        self._watching = self._tasks.create_task(self._watcher.run(), name="watcher")
        self._is_open = True
        try:
            if self.gateway is not None and not self._visiting:
                self._open_gateway_door(self.gateway)
            unfinished = [] if self._visiting else self._catalog.read(channel_rows.unfinished_channels)
            for channel in unfinished:
                await self._take_up(channel)
        except BaseException as error:
            await self.__aexit__(type(error), error, error.__traceback__)
            raise
        return self

    def _open_gateway_door(self, inputs: GatewayInputs) -> None:
        from livedvr.api.gateway_door import GatewayDoor  # a web server is imported by who has a gateway

        self._gateway_door = GatewayDoor(inputs, self._catalog, self._clock, self._tasks)
        self._gateway_door.open()

    def _tell_state(self, session: DvrSession) -> None:
        if self._on_state is None:
            return
        try:
            self._on_state(session)
        except Exception as error:  # noqa: BLE001 - somebody else's code must not end a recording
            text = f"on_state raised {type(error).__name__} at {session.state} of '{session.session_id}': {error}"
            now, channel = self._clock.now(), session.channel_id
            self._tasks.create_task(
                self._catalog.write(lambda db: channel_rows.add_event(db, channel, now, "ON_STATE_FAILED", text))
            )

    async def _take_up(self, channel: str) -> None:
        try:
            await self.runtime(channel)
        except LiveDvrError:  # one channel's trouble is not the others'; whoever asks for it by name is told
            return

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_open = False
        failed: list[Exception] = []
        for runtime in self._runtimes.values():
            try:
                await (runtime.dismiss() if self._detach else runtime.close())
            except Exception as trouble:  # noqa: BLE001 - it is raised below, when the other channels are closed too
                failed.append(trouble)
        if self._gateway_door is not None:
            await self._gateway_door.close()
        self._watching.cancel()
        try:
            # A task that died has cancelled the body; here it says what of.
            await self._tasks.__aexit__(kind, error, trace)
        except BaseExceptionGroup as died:
            if died.exceptions == (error,):
                return  # the body's own, and nothing else
            known = died.subgroup(LiveDvrError)
            raise (known.exceptions[0] if known else died) from None
        finally:
            self._watcher.close()
            self._catalog.close()
        if failed and error is None:
            raise failed[0]

    async def runtime(self, channel: str) -> ChannelRuntime:
        """The channel at work; takes its lock the first time. NOT_FOUND, or ABORTED when somebody else owns it."""
        self._check_open()
        async with self._opening:
            if channel not in self._runtimes:
                self._runtimes[channel] = await self._open(channel)
            return self._runtimes[channel]

    async def _open(self, channel: str) -> ChannelRuntime:
        root = local_root(self._row(channel).channel.output.uri)
        check_local_root(root, make=False)  # made anew it would hold nothing of what sessions list
        lock = ChannelLock(root)
        try:
            row = self._row(channel)  # as it is when nobody else can change it
            owner = Owner(channel, await self._catalog.write(lambda db: channel_rows.raise_owner_epoch(db, channel)))
            if row.deleting:
                await erase_channel(row.channel, LocalStore(root), root / ".livedvr" / "spool", self._catalog, owner)
                raise NotFound(f"channel '{channel}' has been deleted", field="channel")
            runtime = ChannelRuntime(self._around, row, lock, owner)
        except BaseException:
            lock.release()
            raise
        try:
            await runtime.take_up(row)
        except BaseException:
            await runtime.dismiss()
            raise
        return runtime

    def _row(self, channel: str) -> ChannelRow:
        row = self._catalog.read(lambda db: channel_rows.get_channel(db, channel))
        if row is None:
            raise NotFound(f"there is no channel '{channel}'", field="channel")
        return row

    async def delete_channel(self, channel: str, *, force: bool) -> None:
        """Mark the channel, let its runtime go, erase what is its own. What a crash interrupts the next entry ends."""
        known = self._catalog.read(lambda db: channel_rows.get_channel(db, channel))
        if known is None or not known.deleting:
            await (await self.runtime(channel)).mark_deleting(force=force)
        runtime = self._runtimes.pop(channel, None)
        if runtime is not None:
            await runtime.close()
        with contextlib.suppress(NotFound):  # it is opened once more, which erases it
            await self.runtime(channel)

    def _check_open(self) -> None:
        if not self._is_open:
            raise FailedPrecondition("LiveDvr is not open", hint="use it inside `async with LiveDvr(...) as dvr`")

    async def put_channel(self, channel: Channel, *, is_new: bool) -> None:
        """Store a channel's settings; its runtime, if there is one, is made anew. Refused: see `_check_free`.

        Live manifests that it does not have any more go (O5).
        """

        def work(db: sqlite3.Connection) -> None:
            _check_free(channel, [row.channel for row in channel_rows.list_channels(db)], is_new=is_new)
            channel_rows.put_channel(db, channel)

        async with self._opening:  # nobody opens it in between with its old settings
            old = self._runtimes.pop(channel.channel_id, None)
            if old is not None:
                await old.close()
                names = [name for name in live_names(old.channel) if name not in live_names(channel)]
                await asyncio.to_thread(delete_objects, LocalStore(local_root(channel.output.uri)), names)
            await self._catalog.write(work)

    def stored_channels(self) -> list[Channel]:
        """All channels by id."""
        self._check_open()
        return [row.channel for row in self._catalog.read(channel_rows.list_channels)]

    def events(self, channel: str, skip: int = 0) -> list[tuple[int, str, str]]:
        """What its user should know of a channel, but the first ``skip``: (UTC microseconds, kind, text)."""
        return self._catalog.read(lambda db: channel_rows.list_events(db, channel, skip))


def _check_free(channel: Channel, others: Sequence[Channel], *, is_new: bool) -> None:
    """ALREADY_EXISTS when a new channel's id is taken, FAILED_PRECONDITION when its output is another's (O1)."""
    root = local_root(channel.output.uri)
    for other in others:
        if other.channel_id == channel.channel_id:
            if is_new:
                raise AlreadyExists(f"channel '{channel.channel_id}' exists already", field="channelId")
        elif local_root(other.output.uri).resolve() == root.resolve():
            raise FailedPrecondition(
                f"channel '{other.channel_id}' already writes to {root}", field="output.uri", hint="use another one"
            )


class Channels:
    """The channels of a `LiveDvr`."""

    def __init__(self, dvr: LiveDvr) -> None:
        self._dvr = dvr

    async def create(self, channel: Channel) -> Channel:
        """Store a new channel, stopped. ALREADY_EXISTS, or FAILED_PRECONDITION when its output is another's (O1).

        What is returned has the stream key, also one that was made because none was given.
        """
        return await self._put(with_stream_key(channel), is_new=True)

    async def update(self, channel: Channel) -> Channel:
        """Replace the settings of a stopped channel; its timeline and sessions stay."""
        current = await self.get(channel.channel_id)
        channel = with_stream_key(channel, current)
        if current == channel:
            return channel
        if current.mux_streams != channel.mux_streams or local_root(current.output.uri) != local_root(
            channel.output.uri
        ):
            raise FailedPrecondition(
                f"channel '{channel.channel_id}' already writes {', '.join(mux.key for mux in current.mux_streams)} as "
                f"{current.reference.container} segments of {current.reference.segment_duration.total_seconds():g} s "
                f"to {current.output.uri}",
                field="channel",
                hint="use another --channel and --output for other settings",
            )
        runtime = await self._dvr.runtime(channel.channel_id)
        used = {one.manifest_key for one in runtime.sessions.list()} | runtime.clips.manifests_in_use()
        if any(manifest not in channel.manifests for manifest in current.manifests if manifest.key in used):
            raise FailedPrecondition(
                "sessions use a manifest that this would change, or clips still to be made", field="manifests"
            )
        if runtime.state not in (StreamingState.STOPPED, StreamingState.STREAMING_ERROR):
            raise FailedPrecondition(
                f"channel '{channel.channel_id}' is {runtime.state}", field="channel", hint="stop it first"
            )
        return await self._put(channel, is_new=False)

    async def _put(self, channel: Channel, *, is_new: bool) -> Channel:
        others = self._dvr.stored_channels()
        check_inputs(channel, others, self._dvr.gateway)
        _check_free(channel, others, is_new=is_new)  # before anything is made for it
        check_local_root(local_root(channel.output.uri))
        await self._dvr.put_channel(channel, is_new=is_new)
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

    async def stop(self, channel_id: str) -> None:
        """Stop ingest and return when everything is read; its LIVE sessions are sealed (S11), SCHEDULED ones stay."""
        await (await self._dvr.runtime(channel_id)).stop()

    async def delete(self, channel_id: str, *, force: bool = False) -> None:
        """Delete a stopped channel with its segments; with ``force`` also with its sessions (R3).

        FAILED_PRECONDITION names the sessions that are in the way: pinned ones always are. ABORTED: another
        controller owns it. What an error or a crash interrupts is gone on with by the next delete or `LiveDvr`.
        """
        await self._dvr.delete_channel(channel_id, force=force)

    async def switch_input(self, channel_id: str, key: InputKey) -> None:
        """Have the other input on air (MANUAL); returns at once, see `active_input`. FAILED_PRECONDITION: it cannot."""
        runtime = await self._dvr.runtime(channel_id)
        if runtime.supervisor is None or runtime.supervisor.is_over:
            raise FailedPrecondition(
                f"channel '{channel_id}' is {runtime.state}", field="channel", hint="start it first"
            )
        runtime.supervisor.switch_input(key)

    async def active_input(self, channel_id: str) -> InputKey:
        """The input that is on air, or will be when the channel is started."""
        return (await self._dvr.runtime(channel_id)).active_input

    async def state(self, channel_id: str) -> tuple[StreamingState, LiveDvrError | None]:
        """What the channel is doing, and why it is in STREAMING_ERROR."""
        runtime = await self._dvr.runtime(channel_id)
        return runtime.state, runtime.error


class DvrSessions:
    """The DVR sessions of a `LiveDvr`."""

    def __init__(self, dvr: LiveDvr) -> None:
        self._dvr = dvr

    async def create(
        self,
        channel_id: str,
        session_id: str,
        windows: Sequence[TimeInterval] = (TimeInterval(),),
        *,
        manifest_key: str | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> DvrSession:
        """Accept a DVR session over past, running or future windows (W1-W4). The default window: from now, open."""
        if isinstance(windows, TimeInterval):
            raise InvalidArgument("windows is a list", field="windows", hint="windows=[TimeInterval(...)]")
        manager = (await self._dvr.runtime(channel_id)).sessions
        return await manager.create(session_id, windows, manifest_key, labels or {})

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
    ) -> DvrSession:
        """Patch a session's windows, its labels, or both; what is None stays (S6-S10).

        A first window without a start keeps the start it has. A LIVE session can be extended and be given later
        windows; an end that is now or past ends it (COOLDOWN). FAILED_PRECONDITION says what would be allowed;
        ABORTED: another update of the same session is under way.
        """
        if isinstance(windows, TimeInterval):
            raise InvalidArgument("windows is a list", field="windows", hint="windows=[TimeInterval(...)]")
        manager = (await self._dvr.runtime(channel_id)).sessions
        return await manager.update(session_id, intervals=windows, labels=labels)

    async def delete(self, channel_id: str, session_id: str) -> None:
        """Delete the session and its manifest; the channel's segments follow retention (S15)."""
        await (await self._dvr.runtime(channel_id)).sessions.delete(session_id)

    async def watch(self, channel_id: str, session_id: str) -> AsyncIterator[DvrSession]:
        """The session now and after each change, until it is FINISHED, FAILED or gone."""
        async for session in (await self._dvr.runtime(channel_id)).sessions.watch(session_id):
            yield session
