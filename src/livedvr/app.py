"""`LiveDvr`: the product as one object. Owns the catalog, the watcher and every channel's tasks."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar

from livedvr.catalog import channel_rows
from livedvr.catalog.catalog import Also, Catalog, Owner
from livedvr.catalog.channel_rows import ChannelRow
from livedvr.channel_deletion import erase_channel
from livedvr.channel_runtime import ChannelLock, ChannelRuntime
from livedvr.channels import Channels, DvrSessions, check_free
from livedvr.clips_api import Clips
from livedvr.ingest.gateway import GatewayInputs, load_secret
from livedvr.ingest.surroundings import RunSettings, Surroundings
from livedvr.ingest.watcher import Watcher
from livedvr.recordings.dialects import NATIVE, Dialect
from livedvr.recordings_api import Recordings, Take, taken
from livedvr.resources.errors import FailedPrecondition, LiveDvrError, NotFound
from livedvr.resources.gateway import Gateway
from livedvr.resources.models import Channel, DvrSession
from livedvr.resources.pull_policy import PullPolicy
from livedvr.resources.recording import RecordingSpec
from livedvr.resources.webhook_policy import PUBLIC, WebhookPolicy
from livedvr.sessions.live import live_names
from livedvr.sessions.sweeper import delete_objects
from livedvr.storage.local import make_private_root
from livedvr.storage.open_store import place_of
from livedvr.wallclock import SystemClock, WallClock

if TYPE_CHECKING:
    from livedvr.gateway.door import GatewayDoor

T = TypeVar("T")


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
        pull: from where inputs may be pulled, see docs/inputs.md; None: from everywhere, as whoever names a URL is
            trusted.
        clock: the wall clock; a test may bring its own.
        settings: house numbers of a run.
        on_published: called with a channel's id when a session's playlist has its newest segment, and how many
            microseconds after that one was closed; as ``on_state`` it must not block.
        webhooks: who may be told of recordings, see docs/recordings.md; None: public addresses alone.
        dialects: in which words, by name, beside our own (``livedvr``).

    Attributes:
        channels: create, get, list, start, stop and delete channels.
        sessions: create, get, list, update, delete and watch DVR sessions.
        clips: create, get, list, delete and watch clips.
        recordings: start, stop, pause, resume, cancel, get, list, delete and watch recordings.
        gateway: which inputs the gateway feeds.
        pull: from where inputs may be pulled.
    """

    def __init__(
        self,
        data_dir: str | Path,
        *,
        on_state: Callable[[DvrSession], None] | None = None,
        detach: bool = False,
        visiting: bool = False,
        gateway: Gateway | None = None,
        pull: PullPolicy | None = None,
        clock: WallClock | None = None,
        settings: RunSettings | None = None,
        on_published: Callable[[str, int], None] = lambda _channel, _delay: None,
        webhooks: WebhookPolicy | None = None,
        dialects: Mapping[str, Dialect] | None = None,
    ) -> None:
        self._data_dir = Path(data_dir).absolute()
        self._on_state = on_state
        self._detach = detach or visiting
        self._visiting = visiting
        self._given_gateway = gateway
        self.pull = pull
        self.gateway: GatewayInputs | None = None
        self._gateway_door: GatewayDoor | None = None
        self._clock = clock or SystemClock()
        self._settings = settings or RunSettings()
        self._on_published = on_published
        self._webhooks = webhooks or PUBLIC
        self._dialects = {**NATIVE, **(dialects or {})}
        self._runtimes: dict[str, ChannelRuntime] = {}
        # One for each channel: an output that is slow, or away, must not keep others waiting.
        self._opening: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()
        self._is_open = False
        self.channels = Channels(self)
        self.sessions = DvrSessions(self)
        self.clips = Clips(self.runtime)
        self.recordings = Recordings(self.runtime)

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
            self.pull,
            self._on_published,
            self._webhooks,
            self._dialects,
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
        from livedvr.gateway.door import GatewayDoor  # a web server is imported by who has a gateway

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
        for opening in list(self._opening.values()):
            async with opening:  # what is being opened is closed below
                pass
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

    def record(
        self, channel_id: str, recording_id: str, spec: RecordingSpec | None = None
    ) -> contextlib.AbstractAsyncContextManager[Take]:
        """Record while a block runs: ``async with dvr.record("live", "take-1") as take``.

        It is stopped where the block ends, unless a limit of ``spec`` has ended it before (``await take.ended()``), and
        its files are waited for: ``take.recording`` has them. A block that raises keeps what was recorded, too.
        Raises what `Recordings.start` does.
        """
        return taken(self.recordings, channel_id, recording_id, spec)

    async def runtime(self, channel: str) -> ChannelRuntime:
        """The channel at work; takes its lock the first time. NOT_FOUND, or ABORTED when somebody else owns it."""
        async with self._opening.setdefault(channel, asyncio.Lock()):
            self._check_open()
            if channel not in self._runtimes:
                self._runtimes[channel] = await self._open(channel)
            return self._runtimes[channel]

    def kill(self) -> None:
        """Have stops that are under way, or come with the exit, end ffmpeg at once."""
        for runtime in self._runtimes.values():
            runtime.kill()

    def at_work(self) -> list[ChannelRuntime]:
        """The channels that this controller has, as far as it has looked at them."""
        return list(self._runtimes.values())

    async def _open(self, channel: str) -> ChannelRuntime:
        output = self._row(channel).channel.output
        place = place_of(output.uri)
        await asyncio.to_thread(place.check, make=False)
        private = place.private(self._data_dir, channel)
        lock = ChannelLock(private, place.uri)
        try:
            store = await asyncio.to_thread(place.open, gzipped=output.gzip)
            row = self._row(channel)  # as it is when nobody else can change it
            owner = Owner(channel, await self._catalog.write(lambda db: channel_rows.raise_owner_epoch(db, channel)))
            if row.deleting:
                await erase_channel(row.channel, store, private / "spool", self._catalog, owner)
                raise NotFound(f"channel '{channel}' has been deleted", field="channel")
            runtime = ChannelRuntime(self._around, row, lock, owner, store, private)
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

    @property
    def catalog(self) -> Catalog:
        """The durable state, for who keeps something of its own beside it (the API)."""
        self._check_open()
        return self._catalog

    async def begin_delete(
        self, channel: str, *, force: bool, also: Callable[[sqlite3.Connection], None] = lambda _: None
    ) -> None:
        """Mark the channel: nothing but its deletion is possible from here on, and it goes on after a crash."""
        known = self._catalog.read(lambda db: channel_rows.get_channel(db, channel))
        if known is None or not known.deleting:
            await (await self.runtime(channel)).mark_deleting(force=force, also=also)
        else:
            await self._catalog.write(also)

    async def delete_channel(self, channel: str, *, force: bool) -> None:
        """Mark the channel, let its runtime go, erase what is its own. What a crash interrupts the next entry ends."""
        await self.begin_delete(channel, force=force)
        runtime = self._runtimes.pop(channel, None)
        if runtime is not None:
            await runtime.close()
        with contextlib.suppress(NotFound):  # it is opened once more, which erases it
            await self.runtime(channel)

    def _check_open(self) -> None:
        if not self._is_open:
            raise FailedPrecondition("LiveDvr is not open", hint="use it inside `async with LiveDvr(...) as dvr`")

    async def put_channel(self, channel: Channel, *, is_new: bool, also: Also[Channel] | None = None) -> None:
        """Store a channel's settings; its runtime, if there is one, is made anew. Refused: see `check_free`.

        Live manifests that it does not have any more go (O5). ``also`` is stored with it, or neither is.
        """

        def work(db: sqlite3.Connection) -> None:
            check_free(channel, [row.channel for row in channel_rows.list_channels(db)], is_new=is_new)
            channel_rows.put_channel(db, channel)
            if also is not None:
                also(db, channel)

        async with self._opening.setdefault(
            channel.channel_id, asyncio.Lock()
        ):  # nobody opens it in between with its old settings
            old = self._runtimes.get(channel.channel_id)
            if old is not None:
                old.check_at_rest()  # it may have been started since it was looked at
                del self._runtimes[channel.channel_id]
                await old.close()
                names = [name for name in live_names(old.channel) if name not in live_names(channel)]
                await asyncio.to_thread(delete_objects, old.store, names)
            await self._catalog.write(work)

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What concerns no channel's timeline: one transaction of the catalog, see `Catalog.write`."""
        self._check_open()
        return await self._catalog.write(work)

    def stored_channels(self) -> list[Channel]:
        """All channels by id."""
        self._check_open()
        return [row.channel for row in self._catalog.read(channel_rows.list_channels)]

    def events(self, channel: str, skip: int = 0) -> list[tuple[int, str, str]]:
        """What its user should know of a channel, but the first ``skip``: (UTC microseconds, kind, text)."""
        return self._catalog.read(lambda db: channel_rows.list_events(db, channel, skip))
