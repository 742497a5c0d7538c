"""Keeps one run of one input going: starts, adopts, watches, ends it, and starts the next (SEMANTICS I2, I3, I5)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial

from livedvr.catalog import channel_rows
from livedvr.catalog.segment_rows import RunRow
from livedvr.ingest import log
from livedvr.ingest.attempts import Attempts
from livedvr.ingest.channel_ingest import ChannelIngest, StreamingState
from livedvr.ingest.command import Cut
from livedvr.ingest.door import Refusals
from livedvr.ingest.ended_run import EndedRun
from livedvr.ingest.failover import NEVER_CAME, Health
from livedvr.ingest.followed_run import SETTLING_SWEEP, FollowedRun
from livedvr.ingest.gateway import source_of
from livedvr.ingest.hls_pull import HlsPull, end_following
from livedvr.ingest.last_segment import close_last_segments
from livedvr.ingest.open_run import OpenRun
from livedvr.ingest.outbox import Outbox
from livedvr.ingest.run import Run
from livedvr.ingest.runs import adopt_run, end_run, start_run
from livedvr.ingest.source import check_file, check_port, check_pull
from livedvr.ingest.watchdog import SILENCE_FLOOR
from livedvr.resources.errors import Aborted, SourceError, StorageError
from livedvr.resources.models import InputKey
from livedvr.resources.times import SECOND
from livedvr.timeline.clock import RunClock
from livedvr.timeline.gaps import SOURCE_LOST


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
        established: when the last run's media began to come, UTC microseconds; None: none has.
        runs: how many ffmpegs it has started.
        stand_ins: the inputs that come on air by themselves when this one is lost.
        comes_next: it is on air as soon as the store has what the other one has brought; until then all of it waits.
    """

    def __init__(self, shared: ChannelIngest, key: InputKey, left_open: list[RunRow], *, on_air: bool) -> None:
        self.key = key
        self.source = source_of(shared.channel, key, shared.around.gateway)
        self.on_air = on_air
        self.state = StreamingState.STARTING
        self.streams: list[str] = []
        self.established: int | None = None
        self.runs = 0
        self.stand_ins: tuple[Feed, ...] = ()
        self.comes_next = False
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
        self._followed: FollowedRun | None = None  # the run that is open, or was last
        self._refusals = Refusals()
        self._pull = HlsPull(self.source.url, shared.mirror) if self.source.kind == "hls" else None
        self._has_brought = bool(left_open)  # a run of ours, or one that was left, has brought media
        self._has_only_changed = False  # a source did, that nothing is listed of since: it has been said
        self._is_undated = False  # it has been said that the source has no dates
        self._wake = asyncio.Event()
        self._outbox = Outbox(self._take, self._clock, self._wake.set)
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
        self.on_air, self.comes_next = True, False
        self._wake.set()

    async def leave_air(self) -> None:
        """Return when it is off air: all renditions of what it has brought have come equally far (P7)."""
        self._off_air.clear()
        self._leave_by = self._clock.now() + (self._known.target or 0) * SECOND
        self._wake.set()
        if not self.is_open:
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
        """Whether a run is open, or one that has ended is not read to its end."""
        return self._open is not None or self.is_behind

    @property
    def is_behind(self) -> bool:
        """Whether a run that has ended waits in the spool."""
        return self._outbox.is_behind

    @property
    def is_ready(self) -> bool:
        """Whether what it brings could go on air: its clock has settled."""
        return self._ready_since is not None

    @property
    def has_media(self) -> bool:
        """Whether the open run has brought a byte."""
        return self._followed is not None and self._followed.has_media

    @property
    def clock(self) -> RunClock | None:
        """The clock of the open run."""
        return self._open.clock if self._open is not None else None

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
        return Health(self._ready_since, lost=waited and not (self._open is not None and self.has_media))

    # the task

    async def run(self) -> None:
        """Adopt the runs that an earlier controller left, then keep one run going until told to stop.

        Raises LiveDvrError or OSError when there is no way on; then `abandon` comes next.
        """
        try:
            for row in self._left_open:
                await self._try(adopt_run(self._shared, row))
            # A file is played once.
            if not self._shared.around.visiting and not (self._left_open and self.source.ends):
                await self._keep_going()
            await self._outbox.drained()
        finally:
            await self._outbox.close()

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
            self._followed = None
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
            await self._outbox.forget()
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
        source = self.source if self._pull is None else self._pull.source_of_next_run(self.source)
        opened = await start_run(self._shared, self.key, source, self._attempts.cut, now)
        self._has_begun = True
        self.runs += 1
        self._set_state(StreamingState.AWAITING_INPUT)
        return opened

    async def _follow(self, opened: OpenRun) -> EndedRun:
        """Read a run until it has ended and its journal is read to the end."""
        run, self._open = opened.run, opened
        floor = SILENCE_FLOOR if self._pull is None else self._pull.silence_floor
        probe = self._attempts.cut.probe_seconds * SECOND
        longest = round(self._settings.longest_segment_seconds * SECOND)
        followed = FollowedRun(opened, self.source, self._clock, probe=probe, longest=longest, floor=floor)
        self._followed, following = followed, None
        if self._pull is not None:
            is_left = run.id in self.left_running
            following = self._pull.begin(opened, self._channel, self._clock, is_left=is_left)
        try:
            look = partial(self._look, followed)
            ended = await followed.follow(look, lambda: self._asked, self._wake, self._watcher)
        finally:
            await end_following(following)
        # Where another input goes on, it has this media too, and in whole segments.
        if followed.door.is_open and not any(other.is_ready for other in self.stand_ins):
            await asyncio.to_thread(close_last_segments, opened)
        await self._look(followed)
        run.reap()
        lines = await asyncio.to_thread(run.log_lines)
        if self._pull is not None:
            await self._pull.look()
            self._pull.has_read(lines, opened.first_changed)
        # What read through a controller that has gone did not lose its source.
        orphaned = self._pull is not None and self._shared.mirror is not None and run.id in self.left_running
        over = replace(followed.over(ended, lines), orphaned=orphaned)
        await self._outbox.end(opened, partial(self._finish, opened, over))
        self._open, self._ready_since, self._looked = None, None, None
        self._shared.on_change()  # whatever waits in the spool: it is not on air any more
        if ended.reason == "disk full":
            await self._outbox.drained()  # what the store takes makes room, and whoever waits for media gets it
            raise StorageError(
                f"disk full: less than {self._settings.reserve_bytes >> 20} MiB are left",
                field=self._channel.output.uri,
                hint="free some space; what was recorded is kept",
            )
        outcome = self._outcome(opened, over)
        return replace(outcome, listed=outcome.listed or self.is_behind)  # what waits will be listed

    def _outcome(self, opened: OpenRun, over: EndedRun) -> EndedRun:
        """As far as it is known by now."""
        last = self._known.timeline.last(opened.reference.mux.key)
        listed = last is not None and last.run == opened.run.id
        return replace(over, change=over.change or opened.change(0), listed=listed)

    async def _say_undated(self, opened: OpenRun) -> None:
        if self._is_undated or opened.dates is None or not opened.dates.has_none:
            return
        self._is_undated = True
        text = f"{self.source.shown} has no dates of its own (EXT-X-PROGRAM-DATE-TIME); arrival counts"
        await self._add_event("SOURCE_WITHOUT_DATES", text)

    async def _look(self, followed: FollowedRun) -> None:
        """One sweep: heartbeat, lease, new rows."""
        opened, began, beaten = followed.opened, self._clock.now(), self.has_media
        run, is_let_in = opened.run, followed.knock()
        if is_let_in:  # I4: nothing is read of a publisher that is not
            await self._shared.intake.read(opened)
        if await self._outbox.take(opened):
            self.unread.discard(run.id)
        await self._say_undated(opened)
        self._looked = began
        if not is_let_in:
            return
        followed.beat()
        if self.has_media and not beaten:
            self._has_brought = True
            self.streams = log.taken_streams(await asyncio.to_thread(run.log_head))
            listed = self._known.timeline.of_run(opened.reference.mux.key, run.id)  # of one that was adopted
            self.established = listed[0].start if listed else self._clock.now()
            self._set_state(StreamingState.STREAMING)
        if opened.clock.offset is not None and self._ready_since is None:
            self._ready_since = self._clock.now()
            self._shared.on_change()

    async def _take(self, opened: OpenRun, final: bool) -> bool:
        """Take what has been read. False: storage did not for now, the rows wait and are tried again (S14)."""
        intake = self._shared.intake
        try:
            if self.comes_next:
                await intake.give_up(opened)
                if final:
                    return False
            while await intake.take(opened, final=final, on_air=self.on_air, comes_next=self.comes_next):
                pass  # a backlog is taken a batch at a time
            if self._leave_by is not None:
                overdue = self._clock.now() >= self._leave_by and opened.clock.offset is not None
                if overdue and not intake.is_level(opened):
                    while await intake.take(opened, final=True):  # what has not come by now is a gap
                        pass
                if final or overdue or opened.clock.offset is None or intake.is_level(opened):
                    self._leave()
        except StorageError as error:
            if not error.passing or self._asked == "kill":
                raise
            self._attempts.last_failure = str(error)
            await intake.give_up(opened)
            return False
        return True

    async def _finish(self, opened: OpenRun, over: EndedRun) -> None:
        """The run is over and read: its folder goes, its row says why."""
        run, ended = opened.run, self._outcome(opened, over)
        if ended.change and (ended.listed or not self._has_only_changed):
            await self._add_event("SOURCE_CHANGED", f"{self.source.shown}: {ended.change}")
        self._has_only_changed = not ended.listed and (bool(ended.change) or self._has_only_changed)
        reason = ended.reason(self._asked)
        await self._close(run, reason)
        self._known.run_ends[run.id] = reason
        self._shared.on_change()

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
                self._open, self._ready_since, self._looked = None, None, None

    async def _close(self, run: Run, reason: str) -> None:
        """Nothing more is wanted of a run that has ended."""
        await end_run(self._shared, run, reason)
        self._shared.intake.forget(run.id)
        self.left_running.discard(run.id)
        self.unread.discard(run.id)
        if self._leave_by is not None:
            self._leave()

    def _set_state(self, state: StreamingState) -> None:
        self.state = state
        self._shared.on_change()
