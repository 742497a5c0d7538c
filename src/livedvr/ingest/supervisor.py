"""Owns a channel's runs: starts, adopts, watches, ends them, and starts the next (SEMANTICS I2, I3, I5)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from livedvr.catalog import channel_rows, segment_rows
from livedvr.catalog.catalog import Owner
from livedvr.catalog.segment_rows import RunRow
from livedvr.ingest import log
from livedvr.ingest.command import (
    LONG_PROBE_SECONDS,
    PROBE_SECONDS,
    Cut,
    build_argv,
    stream_specifiers,
)
from livedvr.ingest.door import Door, Refusals
from livedvr.ingest.ffmpeg import Ffmpeg
from livedvr.ingest.hls_pull import HlsPull, end_following
from livedvr.ingest.intake import Intake
from livedvr.ingest.open_run import OpenRun, open_run
from livedvr.ingest.run import Run, RunExit, new_run_id
from livedvr.ingest.source import check_file, check_port, parse_source
from livedvr.ingest.surroundings import Surroundings
from livedvr.ingest.watchdog import SILENCE_FLOOR, Watchdog
from livedvr.resources.errors import Aborted, LiveDvrError, SourceError, StorageError
from livedvr.resources.models import Channel
from livedvr.resources.times import MINUTE, SECOND
from livedvr.timeline.clock import RunClock
from livedvr.timeline.gaps import CHANNEL_STOPPED, INGEST_RESTARTED, PUBLISHER_REFUSED, SOURCE_LOST
from livedvr.timeline.placing import earliest_after
from livedvr.timeline.timeline import ChannelTimeline

SWEEP = SECOND  # one look a second at the open segment (I2)
SETTLING_SWEEP = SECOND // 4  # more samples while the clock settles
FIRST_BACKOFF, LAST_BACKOFF = SECOND // 2, 10 * SECOND
LOOKBACK = 10 * SECOND  # a run's first media may be dated this long before its first byte was seen
AT_ONCE = 2 * SECOND  # an ffmpeg that ends this early without media never got going
GIVE_UP_AFTER = 3  # that often in a row


class StreamingState(StrEnum):
    """The Live Stream API's states of a channel."""

    STARTING = "STARTING"
    AWAITING_INPUT = "AWAITING_INPUT"
    STREAMING = "STREAMING"
    STREAMING_NO_INPUT = "STREAMING_NO_INPUT"
    STREAMING_ERROR = "STREAMING_ERROR"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"


def next_run(now: int, probe_seconds: int = PROBE_SECONDS) -> int:
    """No media of a run that has not begun is dated before this: it may bring what was sent before it was started."""
    return now - LOOKBACK - probe_seconds * SECOND


class Supervisor:
    """One channel's ingest. ``run()`` is a task; the rest may be called from the same loop.

    Args:
        left_open: the runs that an earlier controller left: they are adopted, or read to their end.
        on_change: called whenever something has changed.

    Attributes:
        state: what the channel is doing.
        error: why it is in STREAMING_ERROR.
        last_failure: what the last run that brought nothing died of.
        streams: the source's streams that were taken, for people.
    """

    def __init__(
        self,
        channel: Channel,
        known: ChannelTimeline,
        intake: Intake,
        spool: Path,
        ffmpeg: Ffmpeg,
        owner: Owner,
        around: Surroundings,
        left_open: list[RunRow],
        on_change: Callable[[], None],
    ) -> None:
        self._channel = channel
        self._source = parse_source(channel.input)
        self._known = known
        self._intake = intake
        self._spool = spool
        self._ffmpeg = ffmpeg
        self._catalog = around.catalog
        self._owner = owner
        self._watcher = around.watcher
        self._clock = around.clock
        self._settings = around.settings
        self._may_start = not around.visiting
        self._left_open = left_open
        self._unread = {row.id for row in left_open}  # runs of which not even what is there has been read
        self._left_running = {row.id for row in left_open}
        self._on_change = on_change
        self._wake = asyncio.Event()
        self._open: OpenRun | None = None
        self._watchdog: Watchdog | None = None
        self._door: Door | None = None
        self._refusals = Refusals()
        self._pull = HlsPull(self._source.url) if self._source.kind == "hls" else None
        self._has_brought = bool(left_open)  # a run of ours, or one that was left, has brought media
        self._is_undated = False  # it has been said that the source has no dates
        self._asked: str | None = None  # "stop" or "kill"
        self._cut = Cut(channel, channel.mux_streams)
        self._has_begun = bool(left_open)  # a run of ours has been started or adopted
        self.state = StreamingState.STARTING
        self.error: LiveDvrError | None = None
        self.last_failure: str | None = None
        self.streams: list[str] = []

    # what others ask for

    def stop(self) -> None:
        """Stop by the ladder; `run` returns when everything is read."""
        self._ask(self._asked or "stop")

    def kill(self) -> None:
        """Stop at once; the open segment is lost."""
        self._ask("kill")

    def _ask(self, what: str) -> None:
        self._asked = what
        if not self.is_over:
            self._set_state(StreamingState.STOPPING)
        self._wake.set()

    def let_go(self) -> None:
        """`run` was cancelled: the run that is open goes on without this controller."""
        if self._open is not None:
            self._open.run.let_go()

    @property
    def has_media(self) -> bool:
        """Whether the open run has brought a byte."""
        return self._watchdog is not None and self._watchdog.first_beat is not None

    @property
    def is_over(self) -> bool:
        """No run is open and none will be started; all journals are read, everything is stored."""
        return self.state in (StreamingState.STOPPED, StreamingState.STREAMING_ERROR)

    @property
    def refused(self) -> LiveDvrError | None:
        """What storage said for good while rows were still to be taken (S14): they wait in the spool."""
        return self.error if self._open is not None and isinstance(self.error, StorageError) else None

    @property
    def is_stopping(self) -> bool:
        """The channel is being stopped, or has ended."""
        return self._asked is not None or self.is_over

    @property
    def left_is_read(self) -> bool:
        """The runs that an earlier controller left have ended and are read to their end."""
        return not self._left_running

    def frontier(self, now: int) -> int | None:
        """No segment that is still to come starts before this instant (S5); None while that cannot be told."""
        frontiers = [self._frontier(now, mux) for mux in self._known.timeline.renditions()]
        return None if None in frontiers else min(one for one in frontiers if one is not None)

    def _frontier(self, now: int, mux: str) -> int | None:
        last = self._known.timeline.last(mux)
        reached = earliest_after(last) if last else None
        if self._unread or (self._open is not None if self.is_over else self.has_media):
            return reached
        coming = next_run(now, self._cut.probe_seconds) - self._intake.behind
        if self._pull is not None:
            coming -= self._pull.silence_floor  # it begins with the last three that are listed
        return max(coming, reached) if reached is not None else coming

    # the task

    async def run(self) -> None:
        """Adopt the runs that an earlier controller left, then keep one run going until told to stop.

        The outcome stands in ``state`` and ``error``.
        """
        try:
            for row in self._left_open:
                await self._try(self._adopt(row))
                self._left_running.discard(row.id)
            if self._may_start and not (self._left_open and self._source.ends):  # a file is played once
                await self._keep_going()
            self._set_state(StreamingState.STOPPED)
        except (LiveDvrError, OSError) as error:
            await self._abandon(error)
            if isinstance(error, OSError):
                error = StorageError(error.strerror or str(error), field=str(error.filename))
            self.error = error
            self._set_state(StreamingState.STREAMING_ERROR)

    async def _keep_going(self) -> None:
        backoff, failures = FIRST_BACKOFF, 0
        while self._asked is None and not await self._is_played():
            started = self._clock.now()
            ended = await self._try(await self._start(started))
            if self._asked is not None or (self._source.ends and self.has_media):
                return
            if ended is not None and ended.refusal:
                await self._note_refusal(ended.refusal)
                continue  # at once: the right publisher may be waiting
            if ended is None or self.has_media:
                failures = 0
                self._cut = replace(self._cut, muxes=self._channel.mux_streams)  # what was missing may be there now
                backoff = FIRST_BACKOFF if self._clock.now() - started > MINUTE else backoff
                self._set_state(StreamingState.STREAMING_NO_INPUT)
            else:
                failures = await self._count_failure(ended, started, failures)
            self._watchdog = None
            await self._pause(backoff)
            backoff = min(2 * backoff, LAST_BACKOFF)

    async def _is_played(self) -> bool:
        """Whether an HLS source has ended as a file does: it has its ENDLIST, and its media has come."""
        if self._pull is None:
            return False
        await self._pull.look()
        return self._pull.is_over and self._has_brought

    async def _try(self, opened: OpenRun) -> _Ended | None:
        """Follow a run to its end. None: it brought what cannot be played, which ends a channel only at its start."""
        try:
            return await self._follow(opened)
        except SourceError as error:
            if self._source.ends or not self._has_recorded:
                raise
            self.last_failure = text = str(error)
            await self._abandon(error)
            now, channel = self._clock.now(), self._channel.channel_id
            await self._catalog.write(
                lambda db: channel_rows.add_event(db, channel, now, "SOURCE_REFUSED", text), self._owner
            )
            return None

    async def _note_refusal(self, refusal: str) -> None:
        """I4: nothing of that publisher has been read."""
        now, channel = self._clock.now(), self._channel.channel_id
        text = self._refusals.note(now, refusal)
        if text is not None:
            await self._catalog.write(
                lambda db: channel_rows.add_event(db, channel, now, "PUBLISHER_REFUSED", text), self._owner
            )

    @property
    def _has_recorded(self) -> bool:
        return self._known.timeline.last(self._channel.reference.key) is not None

    async def _count_failure(self, ended: _Ended, started: int, failures: int) -> int:
        """A run brought nothing: learn from its log; give up on an ffmpeg that never gets going."""
        words = log.last_words(ended.log) or f"ffmpeg ended with code {ended.exit.code}, signal {ended.exit.signal}"
        self.last_failure = ended.silence or words
        missing = log.missing_stream(ended.log)
        if missing is not None:
            await self._do_without(missing)
            return failures
        if log.lacks_keyframe(ended.log) and self._cut.probe_seconds < LONG_PROBE_SECONDS:
            self._cut = replace(self._cut, probe_seconds=LONG_PROBE_SECONDS)
            return failures
        if self._source.kind in ("file", "testsrc"):
            raise SourceError(f"ffmpeg cannot read it: {self.last_failure}", field=self._source.shown)
        at_once = self._clock.now() - started < AT_ONCE and not log.refused_publisher(ended.log)
        failures = failures + 1 if at_once and self._source.listens else 0
        if failures >= GIVE_UP_AFTER:
            raise SourceError(f"ffmpeg ends at once, {failures} times in a row: {words}", field=self._source.shown)
        return failures

    async def _do_without(self, missing: str) -> None:
        """A stream that the source lacks: the next run does without the renditions that carry it (P7)."""
        muxes = tuple(mux for mux in self._cut.muxes if missing not in stream_specifiers(self._channel, mux))
        if self._channel.reference not in muxes:
            raise SourceError(f"the source has no stream '{missing}'", field=self._source.shown)
        dropped = ", ".join(mux.key for mux in self._cut.muxes if mux not in muxes)
        self._cut = replace(self._cut, muxes=muxes)
        self.last_failure = text = f"{dropped}: the source has no stream '{missing}'"
        now, channel = self._clock.now(), self._channel.channel_id
        await self._catalog.write(
            lambda db: channel_rows.add_event(db, channel, now, "RENDITION_FAILED", text), self._owner
        )

    async def _pause(self, micros: int) -> None:
        self._wake.clear()
        if self._asked is None:
            await self._clock.wait(self._wake, micros)

    async def _start(self, now: int) -> OpenRun:
        check_file(self._source)
        try:
            await asyncio.to_thread(check_port, self._source)
        except Aborted:
            if not self._has_begun:  # later our own last ffmpeg may still be letting go of it
                raise
        run = Run(self._spool / new_run_id(now), [mux.key for mux in self._cut.muxes])
        channel = self._channel.channel_id
        await self._catalog.write(lambda db: segment_rows.add_run(db, run.id, channel, now), self._owner)
        source = replace(self._source, paced=self._pull is not None and self._pull.is_over)
        argv = build_argv(str(self._ffmpeg.path), source, self._cut)
        try:
            await asyncio.to_thread(
                run.start,
                argv,
                lease_seconds=self._settings.lease_seconds,
                reserve_bytes=self._settings.reserve_bytes,
            )
        except OSError as error:
            raise StorageError(f"cannot start a run: {error.strerror}", field=str(run.folder)) from error
        self._has_begun = True
        if self._asked is None:
            self._set_state(StreamingState.AWAITING_INPUT)
        return open_run(run, self._channel, self._known.timeline)

    def _adopt(self, row: RunRow) -> OpenRun:
        run = Run.left(self._spool / row.id, self._known.timeline.renditions())
        adopted = open_run(run, self._channel, self._known.timeline)
        adopted.clock, adopted.media = row.clock or RunClock(), dict(row.media)
        return adopted

    async def _follow(self, opened: OpenRun) -> _Ended:
        """Read a run until it has ended and its journal is read to the end."""
        run, self._open = opened.run, opened
        patient = self._source.listens or self._source.kind in ("testsrc", "file")
        floor = SILENCE_FLOOR if self._pull is None else self._pull.silence_floor
        probe = self._cut.probe_seconds * SECOND
        self._watchdog = Watchdog(self._clock.now(), patient=patient, probe=probe, floor=floor)
        self._door = door = Door(self._source, run)
        following = None
        if self._pull is not None:
            is_left = run.id in self._left_running
            following = self._pull.begin(opened, self._channel, self._clock, is_left=is_left)
        silence: str | None = None
        watched = [run.folder, *(run.journal_path(mux) for mux in run.muxes)]
        watches = [self._watcher.watch(path, self._wake) for path in watched if path.exists()]
        try:
            while (ended := run.exit()) is None:
                self._wake.clear()
                await self._look(opened)
                silence = silence or self._watchdog.verdict(self._clock.now())
                if self._asked == "kill" or door.refusal:
                    run.kill()
                elif self._asked or silence:
                    run.stop()
                sweep = SWEEP if opened.clock.offset is not None else SETTLING_SWEEP
                await self._clock.wait(self._wake, sweep)
        finally:
            for watch in watches:
                self._watcher.forget(watch)
            await end_following(following)
        await self._look(opened)
        while not await self._take(opened, final=True):
            await self._clock.wait(asyncio.Event(), SWEEP)
        run.reap()
        return await self._finish(opened, _Ended(ended, run.log_lines(), silence, door.refusal))

    async def _say_undated(self, opened: OpenRun) -> None:
        if self._is_undated or opened.dates is None or not opened.dates.has_none:
            return
        self._is_undated = True
        text = f"{self._source.shown} has no dates of its own (EXT-X-PROGRAM-DATE-TIME); arrival counts"
        now, channel = self._clock.now(), self._channel.channel_id
        await self._catalog.write(
            lambda db: channel_rows.add_event(db, channel, now, "SOURCE_WITHOUT_DATES", text), self._owner
        )

    async def _look(self, opened: OpenRun) -> None:
        """One sweep: heartbeat, lease, new rows."""
        assert self._watchdog is not None and self._door is not None
        run = opened.run
        run.renew()
        if self._door.look(self._clock.now()):
            self._watchdog.connected(self._clock.now())
        beaten = self._watchdog.first_beat is not None
        await self._take(opened, final=False)
        await self._say_undated(opened)
        self._unread.discard(run.id)
        if not self._door.is_open:
            return
        track = opened.reference
        try:
            size = opened.segment_path(track, track.open_index).stat().st_size
        except FileNotFoundError:
            size = 0
        self._watchdog.beat(self._clock.now(), (track.open_index, size))
        if self._watchdog.first_beat is not None and not beaten:
            self._has_brought = True
            self.streams = log.taken_streams(run.log_lines())
            if self._asked is None:
                self._set_state(StreamingState.STREAMING)

    async def _take(self, opened: OpenRun, *, final: bool) -> bool:
        """Take what the journal has. False: storage did not for now, the rows wait and are tried again (S14)."""
        if self._door is not None and not self._door.is_open:
            return True  # I4: nothing of it is read
        try:
            await self._intake.read(opened, final=final)
        except StorageError as error:
            if not error.passing or self._asked == "kill":
                raise
            self.last_failure = str(error)
            return False
        return True

    async def _finish(self, opened: OpenRun, ended: _Ended) -> _Ended:
        """The run is over and read: its folder goes, its row says why."""
        run, reason = opened.run, ended.reason(self._asked)
        await self._close(run, reason)
        self._known.run_ends[run.id] = reason
        self._on_change()
        if ended.exit.reason == "disk full":
            raise StorageError(
                f"disk full: less than {self._settings.reserve_bytes >> 20} MiB are left",
                field=self._channel.output.uri,
                hint="free some space; what was recorded is kept",
            )
        return ended

    async def _abandon(self, error: Exception) -> None:
        """Something is wrong that another run would not mend: no ffmpeg may stay behind.

        What storage did not take stays in the spool, for the next controller; what cannot be played is dropped.
        """
        if self._open is None:
            return
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
        await self._catalog.write(lambda db: segment_rows.end_run(db, run.id, now, reason), self._owner)
        self._open = None

    def _set_state(self, state: StreamingState) -> None:
        self.state = state
        self._on_change()


@dataclass(frozen=True, slots=True)
class _Ended:
    """How a run ended: ffmpeg's exit, its log, the watchdog's verdict or the door's if that ended it."""

    exit: RunExit
    log: list[str]
    silence: str | None
    refusal: str | None

    def reason(self, asked: str | None) -> str:
        """For the gap ledger (P8)."""
        if asked:
            return CHANNEL_STOPPED
        if self.exit.reason == "disk full":
            return "disk full"
        if self.refusal:
            return PUBLISHER_REFUSED
        if self.exit.reason == "lease" or (self.exit.signal and not self.silence):
            return INGEST_RESTARTED
        return SOURCE_LOST
