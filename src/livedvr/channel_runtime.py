"""One channel at work: its lock, its timeline in memory, its ingest, its sessions. Owns their tasks."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from livedvr.catalog import channel_rows, segment_rows
from livedvr.catalog.catalog import Owner
from livedvr.catalog.channel_rows import ChannelRow
from livedvr.catalog.segment_rows import RunRow
from livedvr.channel_deletion import mark_deleting
from livedvr.clips.manager import ClipManager
from livedvr.control.server import ControlServer
from livedvr.ingest.ad_breaks import AdBreaks
from livedvr.ingest.channel_ingest import ChannelIngest, StreamingState
from livedvr.ingest.ffmpeg import find_ffmpeg
from livedvr.ingest.intake import Intake
from livedvr.ingest.listening import is_listened_on
from livedvr.ingest.source import check_file, check_pull, parse_source
from livedvr.ingest.supervisor import Supervisor, next_run
from livedvr.ingest.surroundings import Surroundings
from livedvr.recordings.manager import RecordingManager
from livedvr.recordings.outbox import Outbox
from livedvr.resources.errors import Aborted, FailedPrecondition, LiveDvrError
from livedvr.resources.figures import ChannelFigures, InputStreams
from livedvr.resources.models import InputKey
from livedvr.resources.times import SECOND
from livedvr.sessions.held_channel import HeldChannel
from livedvr.sessions.live import LiveManifests
from livedvr.sessions.manager import SessionManager
from livedvr.sessions.plan import Facts
from livedvr.sessions.pressure import Disk
from livedvr.sessions.sweeper import Sweeper
from livedvr.storage.base import ObjectStore
from livedvr.storage.local import make_private_root
from livedvr.storage.lock import OwnerLock
from livedvr.storage.open_store import place_of
from livedvr.timeline.figures import GapCount, drift_ppm
from livedvr.timeline.timeline import ChannelTimeline

if TYPE_CHECKING:
    from livedvr.pull_fetcher import PullFetcher


OPENS_WITHIN, LOOK = 10 * SECOND, SECOND // 20  # an ffmpeg opens its port in a quarter of a second


class ChannelLock(OwnerLock):
    """Says that one controller owns an output.

    Args:
        private: where it lies, see `Place.private`.
        output: for people.
    """

    def __init__(self, private: Path, output: str) -> None:
        make_private_root(private)
        super().__init__(private / "lock", field=output, hint="stop that one, or use another --output")


class ChannelRuntime:
    """Runs one channel. `take_up` comes first, `close` last."""

    def __init__(
        self,
        around: Surroundings,
        row: ChannelRow,
        lock: ChannelLock,
        owner: Owner,
        store: ObjectStore,
        private: Path,
    ) -> None:
        self.channel = row.channel
        self._around = around
        self._lock = lock
        self._owner = owner
        self.store = store
        self._root = place_of(row.channel.output.uri).root
        self._spool = private / "spool"
        self._known = around.catalog.read(lambda db: segment_rows.load_timeline(db, row))
        self._gaps = GapCount(self._known.timeline)
        self._taken_up = False
        self._stopped = True  # the last stop has been carried out to its end
        self._changed = asyncio.Event()
        self._changing = asyncio.Lock()  # a start and a stop come after each other
        self._starting = False  # ingest is not there yet
        self.supervisor: Supervisor | None = None
        self.ad_breaks = AdBreaks(row.channel.channel_id, self._known, around.catalog, owner, around.clock)
        held = HeldChannel(row.channel, self._known, store, around.catalog, owner, around.clock)
        on_published = partial(around.on_published, row.channel.channel_id)
        self.sessions = SessionManager(held, self._facts, around.on_state, on_published)
        self._control = ControlServer(private, self.sessions, around.tasks, lambda: self.recordings)
        self._ingest_task: asyncio.Task[None] | None = None
        self._fetcher: PullFetcher | None = None
        self._sessions_task = around.begin(self.sessions.run(), f"sessions {self.channel.channel_id}")
        self._live = LiveManifests(held)
        self._live_task = around.begin(self._live.run(), f"live {self.channel.channel_id}")
        self.clips = ClipManager(held, self._facts, self.sessions.nothing_changes, private)
        self._clips_task = None if around.visiting else around.begin(self.clips.run(), "clips")
        self.outbox = outbox = Outbox(held, around.dialects, around.webhooks)
        self.recordings = RecordingManager(held, self._facts, self.sessions.nothing_changes, outbox, around.webhooks)
        works = () if around.visiting else (self.recordings.run, outbox.run)
        self._recording_tasks = [around.begin(work(), "recordings") for work in works]
        self.sweeper = Sweeper(
            held,
            self.sessions,
            None if self._root is None else partial(_look_at_disk, self._root, around.settings.reserve_bytes),
            round(around.settings.sweep_seconds * SECOND),
            lambda now: [*self._live.held(now), *self.clips.held(), *self.recordings.held()],
        )
        self._sweeper_task = around.begin(self.sweeper.run(), f"sweeper {self.channel.channel_id}")

    @property
    def known(self) -> ChannelTimeline:
        """The channel's timeline as it is now."""
        return self._known

    def _facts(self, now: int) -> Facts:
        ingest = self.supervisor
        if not self._taken_up:
            return Facts(frontier=None)  # what an earlier controller left is still to be read
        if ingest is None:
            return Facts(frontier=next_run(now), channel_stopping=not self._stopped, drained=True, left_read=True)
        stopping = ingest.is_stopping and not self._stopped
        return Facts(
            frontier=ingest.frontier(now),
            channel_stopping=stopping,
            drained=ingest.is_over and ingest.refused is None,
            left_read=ingest.left_is_read,
            storage_error=None if ingest.refused is None else str(ingest.refused),
        )

    def _left_open(self) -> list[RunRow]:
        runs = self._around.catalog.read(lambda db: segment_rows.list_runs(db, self.channel.channel_id))
        return [run for run in runs if run.end_reason is None]

    async def take_up(self, row: ChannelRow) -> None:
        """Go on where an earlier controller died: read its runs to the end, carry its start or stop on."""
        left = self._left_open()
        await self._open_control()
        async with self._changing:
            if row.started or left:
                await self._start_ingest()
            self._taken_up = True
            if row.stopping or (left and not row.started):
                await self._stop()

    async def _open_control(self) -> None:
        try:
            await self._control.open()
        except OSError as error:  # some file systems have no sockets: that must not cost a recording
            await self._note("CONTROL_UNAVAILABLE", f"`livedvr session` cannot reach this controller: {error.strerror}")

    async def start(self) -> None:
        """Start ingest. The channel is wanted from now on."""
        if self._around.visiting:
            raise FailedPrecondition("a visitor starts no channel", field="channel")
        async with self._changing:
            if self._ingest_task is not None and not self._ingest_task.done():
                return
            self._starting = True
            try:
                await self._start()
            finally:
                self._starting = False

    async def _start(self) -> None:
        for given in self.channel.inputs.values():
            source = parse_source(given)
            check_file(source)
            check_pull(source, self._around.pull, field=source.shown)
        await asyncio.to_thread(find_ffmpeg)
        await asyncio.to_thread(place_of(self.channel.output.uri).check_start)
        await self._write(lambda db: channel_rows.set_started(db, self.channel.channel_id, True))
        await self._start_ingest()

    async def _write(self, work: Callable[[sqlite3.Connection], None]) -> None:
        await self._around.catalog.write(work, self._owner)

    async def _start_ingest(self) -> None:
        around, spool = self._around, self._around.settings.spool_bytes
        intake = Intake(self.channel, self._known, self.store, around.catalog, self._owner, self._notify, spool)
        ffmpeg = await asyncio.to_thread(find_ffmpeg)
        self._stopped = self._around.visiting  # when what a visitor adopts ends, the channel is wanted all the same
        self._open_fetcher()
        mirror = self._fetcher.mirror if self._fetcher is not None else None
        shared = ChannelIngest(
            self.channel, self._known, intake, self._spool, ffmpeg, self._owner, self._around, self._notify, mirror
        )
        self.supervisor = Supervisor(shared, self.active_input, self._left_open())
        self._ingest_task = self._around.begin(self.supervisor.run(), f"ingest {self.channel.channel_id}")

    def _open_fetcher(self) -> None:
        """Where there is a list of whom may be pulled from, HLS is read through us (I6)."""
        policy, sources = self._around.pull, map(parse_source, self.channel.inputs.values())
        if policy is None or self._fetcher is not None or not any(source.kind == "hls" for source in sources):
            return
        from livedvr.pull_fetcher import PullFetcher  # a web server is imported by who needs one

        self._fetcher = PullFetcher(policy, self._note, self._around.tasks)
        self._fetcher.open()

    async def _note(self, kind: str, text: str) -> None:
        now, channel = self._around.clock.now(), self.channel.channel_id
        await self._write(lambda db: channel_rows.add_event(db, channel, now, kind, text))

    async def awaiting(self) -> None:
        """Return when publishers may come: each port that is waited on is open. Not later than a while, or an error."""
        sources = [parse_source(given) for given in self.channel.inputs.values()]
        for _ in range(OPENS_WITHIN // LOOK):
            waits = self.state in (StreamingState.STARTING, StreamingState.AWAITING_INPUT)
            if not waits or (self.state is not StreamingState.STARTING and all(map(is_listened_on, sources))):
                return
            await self._around.clock.wait(asyncio.Event(), LOOK)

    async def stop(self) -> None:
        """Stop ingest; returns when its journal is read to the end and every session has what it will get."""
        async with self._changing:
            await self._stop()

    async def mark_deleting(self, *, force: bool, also: Callable[[sqlite3.Connection], None]) -> None:
        """Nothing but its deletion is possible from here on; FAILED_PRECONDITION says why it may not be deleted.

        ``also`` is stored with the mark, or neither is.
        """
        self.check_at_rest()

        def work(db: sqlite3.Connection) -> None:
            mark_deleting(db, self.channel.channel_id, force=force)
            also(db)

        await self._write(work)

    def check_at_rest(self) -> None:
        """FAILED_PRECONDITION while the channel is doing something."""
        if self.state not in (StreamingState.STOPPED, StreamingState.STREAMING_ERROR):
            raise FailedPrecondition(
                f"channel '{self.channel.channel_id}' is {self.state}", field="channel", hint="stop it first"
            )

    def kill(self) -> None:
        """Have a stop, also one that is under way, end ffmpeg at once."""
        if self.supervisor is not None:
            self.supervisor.kill()

    async def _stop(self) -> None:
        failure: LiveDvrError | None = None
        try:
            await self._write(lambda db: channel_rows.set_stopping(db, self.channel.channel_id))
        except LiveDvrError as error:  # it is told at the end: ffmpeg has to be stopped all the same
            failure = error
        self._stopped = False
        if self.supervisor is not None and self._ingest_task is not None:
            self.supervisor.stop()
            await asyncio.wait([self._ingest_task])
        await self.recordings.channel_stopped()
        settled = asyncio.create_task(self._settled())
        # If one of these tasks has died, nothing will settle; the task group tells why.
        writers = (self._sessions_task, self._live_task)
        await asyncio.wait([settled, *writers], return_when=asyncio.FIRST_COMPLETED)
        if not settled.done():
            settled.cancel()
            failure = failure or _why(next(task for task in writers if task.done()))  # the next one carries the stop on
        else:
            self._stopped = True
        if failure is not None:
            raise failure
        await self._write(lambda db: channel_rows.set_started(db, self.channel.channel_id, False))

    async def _settled(self) -> None:
        await self.sessions.settled()
        await self._live.settled()

    def _notify(self) -> None:
        """Ingest has brought something or changed: sessions and live manifests look again, and whoever waits here."""
        self.sessions.wake()
        self._live.wake()
        self.recordings.wake()
        self._changed.set()
        self._changed = asyncio.Event()

    def frontier(self, now: int) -> int | None:
        """No segment that is still to come starts before this instant, see `Facts`."""
        return self._facts(now).frontier

    @property
    def changed(self) -> asyncio.Event:
        """Set at the next change of ingest; take it before looking."""
        return self._changed

    @property
    def state(self) -> StreamingState:
        """What the channel is doing."""
        if self._starting:
            return StreamingState.STARTING
        return self.supervisor.state if self.supervisor else StreamingState.STOPPED

    @property
    def active_input(self) -> InputKey:
        """The input that is on air, or will be when the channel is started."""
        row = self._around.catalog.read(lambda db: channel_rows.get_channel(db, self.channel.channel_id))
        return row.active_input if row else "primary"

    @property
    def error(self) -> LiveDvrError | None:
        """Why the channel is in STREAMING_ERROR."""
        return self.supervisor.error if self.supervisor else None

    def came(self, key: InputKey) -> InputStreams:
        """What an input brings, or brought last."""
        return self.supervisor.came(key) if self.supervisor else InputStreams()

    def figures(self) -> ChannelFigures:
        """How well it goes."""
        timeline, ingest = self._known.timeline, self.supervisor
        self._gaps.look()
        last = timeline.last(timeline.reference)
        newest = [timeline.last(mux) for mux in timeline.renditions()]
        error = ingest.clock_error if ingest else None
        return ChannelFigures(
            segments=sum(len(timeline.segments(mux)) for mux in timeline.renditions()),
            segments_ever=sum(one.number + 1 for one in newest if one),
            size_bytes=timeline.size,
            taken_bytes=timeline.taken,
            waiting_bytes=ingest.waiting_bytes if ingest else 0,
            lag=timedelta(microseconds=self._around.clock.now() - last.end) if last else None,
            clock_error=None if error is None else timedelta(microseconds=error),
            drift_ppm=drift_ppm(timeline.segments(timeline.reference)),
            gaps=self._gaps.count,
            gap_duration=timedelta(microseconds=self._gaps.micros),
            runs=ingest.runs if ingest else 0,
        )

    async def close(self) -> None:
        """Stop ingest, end the tasks, let the channel go."""
        try:
            await self.stop()
        finally:
            await self.dismiss()

    async def dismiss(self) -> None:
        """End the tasks and let the channel go as it is: ffmpeg goes on under its lease, sessions stay LIVE.

        The next owner finds what it would find after a crash, and nothing is lost.
        """
        every = (self._ingest_task, self._sweeper_task, self._sessions_task, self._live_task, self._clips_task)
        tasks = [task for task in (*every, *self._recording_tasks) if task is not None]
        await self.sessions.requests_done()
        # No thread may write a playlist when the lock is somebody else's.
        async with self.sessions.nothing_is_written(), self._live.nothing_changes():
            for task in tasks:
                task.cancel()
        await asyncio.wait(tasks)
        if self.supervisor is not None:
            self.supervisor.let_go()
        if self._fetcher is not None:
            await self._fetcher.close()
        self.sessions.close()
        self.clips.close()
        self.recordings.close()
        await self._control.close()
        self.store.close()
        self._lock.release()


def _look_at_disk(root: Path, reserve: int) -> Disk:
    usage = shutil.disk_usage(root)
    return Disk(usage.total, usage.free, reserve)


def _why(died: asyncio.Task[None]) -> LiveDvrError:
    """What a task that should never end has ended with."""
    error = None if died.cancelled() else died.exception()
    return (
        error if isinstance(error, LiveDvrError) else Aborted("the controller was left before the sessions were sealed")
    )
