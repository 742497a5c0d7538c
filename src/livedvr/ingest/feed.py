"""Keeps one run of one input going: starts, adopts, watches, ends it, and starts the next (SEMANTICS I2, I3, I5)."""

from __future__ import annotations

import asyncio

from livedvr.catalog import channel_rows, segment_rows
from livedvr.catalog.segment_rows import RunRow
from livedvr.ingest import log
from livedvr.ingest.attempts import Attempts
from livedvr.ingest.channel_ingest import ChannelIngest, StreamingState
from livedvr.ingest.command import Cut, build_argv
from livedvr.ingest.door import Door, Refusals, admit
from livedvr.ingest.ended_run import EndedRun
from livedvr.ingest.failover import NEVER_CAME, Health
from livedvr.ingest.gateway import source_of
from livedvr.ingest.hls_pull import HlsPull, end_following
from livedvr.ingest.last_segment import close_last_segments
from livedvr.ingest.open_run import OpenRun, open_run
from livedvr.ingest.run import Run, new_run_id
from livedvr.ingest.source import check_file, check_port, check_pull
from livedvr.ingest.watchdog import SILENCE_FLOOR, Watchdog
from livedvr.resources.errors import Aborted, SourceError, StorageError
from livedvr.resources.models import InputKey
from livedvr.resources.times import SECOND
from livedvr.timeline.clock import RunClock
from livedvr.timeline.gaps import SOURCE_LOST

SWEEP = SECOND  # one look a second at the open segment (I2)
SETTLING_SWEEP = SECOND // 4  # more samples while the clock settles


class Feed:
    """One input's ingest. ``run()`` is a task; the rest may be called from the same loop.

    Args:
        shared: what it shares with the channel's other input.
        key: which input it is.
        left_open: its runs that an earlier controller left: they are adopted, or read to their end.
        on_air: whether what it brings goes on the timeline, or stands by.

    Attributes:
        state: what it is doing: STARTING, AWAITING_INPUT, STREAMING, STREAMING_NO_INPUT, in the end STOPPED.
        streams: the source's streams that were taken, for people.
        stand_ins: the inputs that come on air by themselves when this one is lost.
    """

    def __init__(self, shared: ChannelIngest, key: InputKey, left_open: list[RunRow], *, on_air: bool) -> None:
        self.key = key
        self.source = source_of(shared.channel, key, shared.around.gateway)
        self.on_air = on_air
        self.state = StreamingState.STARTING
        self.streams: list[str] = []
        self.stand_ins: tuple[Feed, ...] = ()
        self.unread = {row.id for row in left_open}  # runs of which not even what is there has been read
        self.left_running = {row.id for row in left_open}
        self._shared = shared
        self._channel = shared.channel
        self._known = shared.known
        self._catalog = shared.around.catalog
        self._clock = shared.around.clock
        self._watcher = shared.around.watcher
        self._settings = shared.around.settings
        self._attempts = Attempts(self.source, Cut(shared.channel, shared.channel.mux_streams))
        self._left_open = left_open
        self._has_begun = bool(left_open)  # a run of ours has been started or adopted
        self._asked: str | None = None  # "stop" or "kill"
        self._open: OpenRun | None = None
        self._watchdog: Watchdog | None = None
        self._door: Door | None = None
        self._refusals = Refusals()
        self._pull = HlsPull(self.source.url, shared.mirror) if self.source.kind == "hls" else None
        self._has_brought = bool(left_open)  # a run of ours, or one that was left, has brought media
        self._has_only_changed = False  # a source did, that nothing is listed of since: it has been said
        self._is_undated = False  # it has been said that the source has no dates
        self._wake = asyncio.Event()
        self._began = self._clock.now()
        self._looked: int | None = None  # when the last look at the open run began; None: there is no run
        self._ready_since: int | None = None
        self._leave_by: int | None = None  # when it is off air at the latest
        self._off_air = asyncio.Event()

    # what others ask for

    def ask(self, what: str) -> None:
        """``stop``: by the ladder; `run` returns when everything is read. ``kill``: at once; what is there is read."""
        if self._asked != "kill":
            self._asked = what
        self._wake.set()

    def let_go(self) -> None:
        """`run` was cancelled: the run that is open goes on without this controller."""
        if self._open is not None:
            self._open.run.let_go()

    def go_on_air(self) -> None:
        """What it brings goes on the timeline from now on."""
        self.on_air = True
        self._wake.set()

    async def leave_air(self) -> None:
        """Return when it is off air: all renditions of what it has brought have come equally far (P7)."""
        self._off_air.clear()
        self._leave_by = self._clock.now() + (self._known.target or 0) * SECOND
        self._wake.set()
        if self._open is None:
            self._leave()
        await self._off_air.wait()

    def _leave(self) -> None:
        self._leave_by, self.on_air = None, False
        self._off_air.set()

    @property
    def last_failure(self) -> str | None:
        """What the last run that brought nothing died of."""
        return self._attempts.last_failure

    @property
    def is_open(self) -> bool:
        """Whether a run is open."""
        return self._open is not None

    @property
    def is_ready(self) -> bool:
        """Whether what it brings could go on air: its clock has settled."""
        return self._ready_since is not None

    @property
    def has_media(self) -> bool:
        """Whether the open run has brought a byte."""
        return self._watchdog is not None and self._watchdog.first_beat is not None

    @property
    def begins_before(self) -> int:
        """By how much the first media of a run may be older than what is live, microseconds."""
        listed = 0 if self._pull is None else self._pull.silence_floor  # it begins with the last three that are listed
        return self._attempts.cut.probe_seconds * SECOND + self._shared.intake.behind + listed

    def looked(self, now: int) -> int:
        """Since when media may have come that nobody has looked at: a look may be held up, or a run's start."""
        return now if self._looked is None else self._looked

    def health(self, now: int) -> Health:
        """What it is like (failover)."""
        ended = self.state in (StreamingState.STREAMING_NO_INPUT, StreamingState.STOPPED)
        waited = ended or now - self._began >= NEVER_CAME
        return Health(self._ready_since, lost=waited and not (self.is_open and self.has_media))

    # the task

    async def run(self) -> None:
        """Adopt the runs that an earlier controller left, then keep one run going until told to stop.

        Raises LiveDvrError or OSError when there is no way on; then `abandon` comes next.
        """
        for row in self._left_open:
            await self._try(self._adopt(row))
            self.left_running.discard(row.id)
        # A file is played once.
        if not self._shared.around.visiting and not (self._left_open and self.source.ends):
            await self._keep_going()

    async def _keep_going(self) -> None:
        attempts = self._attempts
        while self._asked is None and not await self._is_played():
            if self._pull is not None and not self._pull.fresh:
                await self._pause(self._pull.target // 2)  # a run would bring again what is listed already
                continue
            started = self._clock.now()
            ended = None  # the last run's log may be long: nobody holds it while the next one goes on
            ended = await self._try(await self._start(started))
            if ended is not None and ended.change and self.source.kind == "file":
                hint = "--video h264 encodes it into one picture and one sound"
                raise SourceError(f"the file changes: {ended.change}", field=self.source.shown, hint=hint)
            if self._asked is not None:
                return
            if ended is not None and ended.refusal:
                await self._note_refusal(ended.refusal)
                continue  # at once: the right publisher may be waiting
            lived = self._clock.now() - started
            if ended is None or self.has_media:
                events = attempts.brought(ended, lived)
                if self.source.ends and self.has_media:
                    return
                self._set_state(StreamingState.STREAMING_NO_INPUT)
            else:
                events = attempts.brought_nothing(ended, lived, has_recorded=self._has_recorded)
            for kind, text in events:
                await self._add_event(kind, text)
            self._watchdog = None
            self._shared.on_change()
            # The source is there, only another one. (Two at once would make each run of no use: those take their time.)
            if ended is None or not ended.change or not ended.listed:
                await self._pause(attempts.backoff)
                attempts.waited()

    async def _is_played(self) -> bool:
        """Whether an HLS source has ended as a file does: it has its ENDLIST, and its media has come."""
        if self._pull is None:
            return False
        await self._pull.look()
        return self._pull.is_over and self._has_brought

    async def _try(self, opened: OpenRun) -> EndedRun | None:
        """Follow a run to its end. None: it brought what cannot be played, which ends a channel only at its start."""
        try:
            return await self._follow(opened)
        except SourceError as error:
            if self.source.ends or not self._has_recorded:
                raise
            self._attempts.last_failure = str(error)
            await self.abandon(error)
            await self._add_event("SOURCE_REFUSED", str(error))
            return None

    async def _note_refusal(self, refusal: str) -> None:
        """I4: nothing of that publisher has been read."""
        text = self._refusals.note(self._clock.now(), refusal)
        if text is not None:
            await self._add_event("PUBLISHER_REFUSED", text)

    @property
    def _has_recorded(self) -> bool:
        return self._known.timeline.last(self._channel.reference.key) is not None

    async def _add_event(self, kind: str, text: str) -> None:
        now, channel = self._clock.now(), self._channel.channel_id
        await self._catalog.write(lambda db: channel_rows.add_event(db, channel, now, kind, text), self._shared.owner)

    async def _pause(self, micros: int) -> None:
        self._wake.clear()
        if self._asked is None:
            await self._clock.wait(self._wake, micros)

    async def _start(self, now: int) -> OpenRun:
        check_file(self.source)
        check_pull(self.source, self._shared.around.pull, field=self.source.shown)
        self._looked = now
        try:
            await asyncio.to_thread(check_port, self.source)
        except Aborted:
            if not self._has_begun:  # later our own last ffmpeg may still be letting go of it
                raise
        run = Run(self._shared.spool / new_run_id(now), [mux.key for mux in self._attempts.cut.muxes])
        channel, key = self._channel.channel_id, self.key
        await self._catalog.write(lambda db: segment_rows.add_run(db, run.id, channel, now, key), self._shared.owner)
        source = self.source if self._pull is None else self._pull.source_of_next_run(self.source)
        argv = build_argv(str(self._shared.ffmpeg.path), source, self._attempts.cut)
        try:
            await asyncio.to_thread(
                run.start,
                argv,
                lease_seconds=self._settings.lease_seconds,
                reserve_bytes=self._settings.reserve_bytes,
            )
        except OSError as error:
            raise StorageError(f"cannot start a run: {error.strerror}", field=str(run.folder)) from error
        if source.stream_key is None:
            admit(run)
        self._has_begun = True
        self._set_state(StreamingState.AWAITING_INPUT)
        return open_run(run, self._channel, self._known.timeline)

    def _adopt(self, row: RunRow) -> OpenRun:
        run = Run.left(self._shared.spool / row.id, self._known.timeline.renditions())
        adopted = open_run(run, self._channel, self._known.timeline, row.cues)
        adopted.clock, adopted.media = row.clock or RunClock(), dict(row.media)
        return adopted

    async def _follow(self, opened: OpenRun) -> EndedRun:
        """Read a run until it has ended and its journal is read to the end."""
        run, self._open, began = opened.run, opened, self._clock.now()
        patient = self.source.listens or self.source.kind in ("testsrc", "file")
        floor = SILENCE_FLOOR if self._pull is None else self._pull.silence_floor
        probe = self._attempts.cut.probe_seconds * SECOND
        longest = round(self._settings.longest_segment_seconds * SECOND)
        self._watchdog = Watchdog(self._clock.now(), patient=patient, probe=probe, floor=floor, longest=longest)
        self._door = door = Door(self.source, run)
        following = None
        if self._pull is not None:
            is_left = run.id in self.left_running
            following = self._pull.begin(opened, self._channel, self._clock, is_left=is_left)
        silence = overlong = change = None
        watched = [run.folder, *(run.journal_path(mux) for mux in run.muxes)]
        watches = [self._watcher.watch(path, self._wake) for path in watched if path.exists()]
        try:
            while (ended := run.exit()) is None:
                self._wake.clear()
                await self._look(opened)
                silence = silence or self._watchdog.verdict(self._clock.now())
                overlong = overlong or self._watchdog.overlong(self._clock.now())
                change = change or opened.change(self._clock.now() - began)
                if self._asked == "kill" or door.refusal:
                    run.kill()
                elif self._asked or silence or overlong or change:
                    run.stop()
                sweep = SWEEP if opened.clock.offset is not None else SETTLING_SWEEP
                await self._clock.wait(self._wake, sweep)
        finally:
            for watch in watches:
                self._watcher.forget(watch)
            await end_following(following)
        # Where another input goes on, it has this media too, and in whole segments.
        if door.is_open and not any(other.is_ready for other in self.stand_ins):
            await asyncio.to_thread(close_last_segments, opened)
        await self._look(opened)
        while not await self._take(opened, final=True):
            await self._clock.wait(asyncio.Event(), SWEEP)
        run.reap()
        lines = await asyncio.to_thread(run.log_lines)
        change = change or opened.change(0)
        if self._pull is not None:
            await self._pull.look()
            self._pull.has_read(lines, opened.first_changed)
        last = self._known.timeline.last(opened.reference.mux.key)
        listed = last is not None and last.run == run.id
        if change and (listed or not self._has_only_changed):
            await self._add_event("SOURCE_CHANGED", f"{self.source.shown}: {change}")
        self._has_only_changed = not listed and (bool(change) or self._has_only_changed)
        orphaned = self._pull is not None and self._shared.mirror is not None and run.id in self.left_running
        over = EndedRun(ended, lines, silence, door.refusal, change, listed, overlong, orphaned)
        return await self._finish(opened, over)

    async def _say_undated(self, opened: OpenRun) -> None:
        if self._is_undated or opened.dates is None or not opened.dates.has_none:
            return
        self._is_undated = True
        text = f"{self.source.shown} has no dates of its own (EXT-X-PROGRAM-DATE-TIME); arrival counts"
        await self._add_event("SOURCE_WITHOUT_DATES", text)

    async def _look(self, opened: OpenRun) -> None:
        """One sweep: heartbeat, lease, new rows."""
        assert self._watchdog is not None and self._door is not None
        run, began = opened.run, self._clock.now()
        run.renew()
        if self._door.look(self._clock.now()):
            self._watchdog.connected(self._clock.now())
        beaten = self.has_media
        await self._take(opened, final=False)
        await self._say_undated(opened)
        self.unread.discard(run.id)
        self._looked = began
        if not self._door.is_open:
            return
        track = opened.reference
        try:
            size = opened.segment_path(track, track.open_index).stat().st_size
        except FileNotFoundError:
            size = 0
        self._watchdog.beat(self._clock.now(), (track.open_index, track.change.grown(size)))
        if self.has_media and not beaten:
            self._has_brought = True
            self.streams = log.taken_streams(await asyncio.to_thread(run.log_head))
            self._set_state(StreamingState.STREAMING)
        if opened.clock.offset is not None and self._ready_since is None:
            self._ready_since = self._clock.now()
            self._shared.on_change()

    async def _take(self, opened: OpenRun, *, final: bool) -> bool:
        """Take what the journal has. False: storage did not for now, the rows wait and are tried again (S14)."""
        intake = self._shared.intake
        try:
            if self._door is None or self._door.is_open:  # I4: nothing is read of a publisher that is not let in
                await intake.read(opened, final=final, on_air=self.on_air)
            if self._leave_by is not None:
                overdue = self._clock.now() >= self._leave_by and opened.clock.offset is not None
                if overdue and not intake.is_level(opened):
                    await intake.read(opened, final=True, on_air=True)  # what has not come by now is a gap
                if final or overdue or opened.clock.offset is None or intake.is_level(opened):
                    self._leave()
        except StorageError as error:
            if not error.passing or self._asked == "kill":
                raise
            self._attempts.last_failure = str(error)
            return False
        return True

    async def _finish(self, opened: OpenRun, ended: EndedRun) -> EndedRun:
        """The run is over and read: its folder goes, its row says why."""
        run, reason = opened.run, ended.reason(self._asked)
        await self._close(run, reason)
        self._known.run_ends[run.id] = reason
        self._shared.on_change()
        if ended.exit.reason == "disk full":
            raise StorageError(
                f"disk full: less than {self._settings.reserve_bytes >> 20} MiB are left",
                field=self._channel.output.uri,
                hint="free some space; what was recorded is kept",
            )
        return ended

    async def abandon(self, error: Exception) -> None:
        """Something is wrong that another run would not mend: no ffmpeg may stay behind.

        What storage did not take stays in the spool, for the next controller; what cannot be played is dropped.
        """
        if self._open is not None:
            run = self._open.run
            while run.exit() is None:
                if self._asked == "kill":
                    run.kill()
                else:
                    run.stop()
                self._wake.clear()
                await self._clock.wait(self._wake, SETTLING_SWEEP)
            run.reap()
            if isinstance(error, SourceError):
                await self._close(run, SOURCE_LOST)

    async def _close(self, run: Run, reason: str) -> None:
        """Nothing more is wanted of a run that has ended."""
        # The folder first: what a controller leaves that dies in between belongs to an open run, and the next one
        # takes that up. A folder whose run is closed would stay for ever.
        await asyncio.to_thread(run.remove)
        now = self._clock.now()
        await self._catalog.write(lambda db: segment_rows.end_run(db, run.id, now, reason), self._shared.owner)
        self._open, self._ready_since, self._looked = None, None, None
        if self._leave_by is not None:
            self._leave()

    def _set_state(self, state: StreamingState) -> None:
        self.state = state
        self._shared.on_change()
