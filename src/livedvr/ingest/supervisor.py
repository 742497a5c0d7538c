"""A channel's ingest: one feed for each input, and which of them is on air."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from livedvr.catalog import channel_rows
from livedvr.catalog.segment_rows import RunRow
from livedvr.ingest.channel_ingest import ChannelIngest, StreamingState
from livedvr.ingest.command import PROBE_SECONDS
from livedvr.ingest.failover import choose
from livedvr.ingest.feed import Feed
from livedvr.ingest.followed_run import SWEEP
from livedvr.ingest.input_streams import input_streams
from livedvr.resources.errors import (
    CatalogError,
    FailedPrecondition,
    LiveDvrError,
    SourceError,
    StorageError,
    Superseded,
)
from livedvr.resources.figures import InputStreams
from livedvr.resources.models import InputKey, to_datetime
from livedvr.resources.times import SECOND
from livedvr.timeline.clock import PATIENCE
from livedvr.timeline.placing import earliest_after

LOOKBACK = 10 * SECOND  # a run's first media may be dated this long before its first byte was seen


def next_run(now: int, probe_seconds: int = PROBE_SECONDS) -> int:
    """No media of a run that has not begun is dated before this: it may bring what was sent before it was started."""
    return now - LOOKBACK - probe_seconds * SECOND


class Supervisor:
    """One channel's ingest. ``run()`` is a task; the rest may be called from the same loop.

    Args:
        shared: what it is made with.
        active: the input that was on air last.
        left_open: the runs that an earlier controller left: they are adopted, or read to their end.

    Attributes:
        error: why it is in STREAMING_ERROR.
        on_air: the input that is on the timeline.
    """

    def __init__(self, shared: ChannelIngest, active: InputKey, left_open: list[RunRow]) -> None:
        self._on_change = shared.on_change
        self._wake = asyncio.Event()
        self._shared = shared = replace(shared, on_change=self._changed)
        self._channel = shared.channel
        self._known = shared.known
        self._clock = shared.around.clock
        inputs = shared.channel.inputs
        self.on_air: InputKey = active if active in inputs else "primary"
        self._feeds = {
            key: Feed(shared, key, [row for row in left_open if row.input == key], on_air=key == self.on_air)
            for key in inputs
        }
        if shared.channel.input_switch_mode != "MANUAL":
            for feed in self._feeds.values():
                feed.stand_ins = tuple(other for other in self._feeds.values() if other is not feed)
        self._ended: StreamingState | None = None
        self._catalog_error: CatalogError | None = None
        self._asked_to_stop = False
        self._wanted: InputKey | None = None
        self.error: LiveDvrError | None = None

    # what others ask for

    def stop(self) -> None:
        """Stop by the ladder; `run` returns when everything is read."""
        self._ask("stop")

    def kill(self) -> None:
        """Stop at once; the open segment is lost."""
        self._ask("kill")

    def _ask(self, what: str) -> None:
        self._asked_to_stop = True
        for feed in self._feeds.values():
            feed.ask(what)
        self._changed()

    def _changed(self) -> None:
        self._wake.set()
        self._on_change()

    def let_go(self) -> None:
        """`run` was cancelled: the runs that are open go on without this controller."""
        for feed in self._feeds.values():
            feed.let_go()

    def switch_input(self, key: InputKey) -> None:
        """Have this input on air from now on (MANUAL)."""
        if key not in self._feeds or self._channel.input_switch_mode != "MANUAL":
            raise FailedPrecondition(
                f"channel '{self._channel.channel_id}' switches by itself, or has no {key} input",
                field="input",
                hint="a channel with inputSwitchMode MANUAL and a backup input can be switched",
            )
        self._wanted = key
        self._changed()

    # how it stands

    @property
    def _active(self) -> Feed:
        return self._feeds[self.on_air]

    @property
    def state(self) -> StreamingState:
        """What the channel is doing."""
        if self._ended is not None:
            return self._ended
        return StreamingState.STOPPING if self._asked_to_stop else self._active.state

    @property
    def last_failure(self) -> str | None:
        """What the last run that brought nothing died of."""
        return self._active.last_failure

    @property
    def streams(self) -> list[str]:
        """The source's streams that were taken, for people."""
        return self._active.streams

    def came(self, key: InputKey) -> InputStreams:
        """What an input of the channel brings, or brought last; nothing of one that it does not have."""
        feed = self._feeds.get(key)
        if feed is None or feed.established is None:
            return InputStreams()
        return InputStreams(established=to_datetime(feed.established), streams=input_streams(feed.streams))

    @property
    def runs(self) -> int:
        """How many ffmpegs have been started."""
        return sum(feed.runs for feed in self._feeds.values())

    @property
    def waiting_bytes(self) -> int:
        """What is recorded and not in the store yet."""
        return self._shared.intake.waiting_bytes

    @property
    def clock_error(self) -> int | None:
        """By how much media on air comes later than it is dated, microseconds (C1); None: nothing is dated."""
        clock = self._active.clock
        return None if clock is None or clock.offset is None or not clock.samples else clock.error(PATIENCE)

    @property
    def is_over(self) -> bool:
        """No run is open and none will be started; all journals are read, everything is stored."""
        return self._ended is not None

    @property
    def refused(self) -> LiveDvrError | None:
        """What storage said for good while rows were still to be taken (S14): they wait in the spool."""
        return self.error if self._has_open_run and isinstance(self.error, StorageError) else None

    @property
    def _has_open_run(self) -> bool:
        return any(feed.is_open for feed in self._feeds.values())

    @property
    def is_stopping(self) -> bool:
        """The channel is being stopped, or has ended."""
        return self._asked_to_stop or self.is_over

    @property
    def left_is_read(self) -> bool:
        """The runs that an earlier controller left have ended and are read to their end."""
        return not any(feed.left_running for feed in self._feeds.values())

    def frontier(self, now: int) -> int | None:
        """No segment that is still to come starts before this instant (S5); None while that cannot be told."""
        frontiers = [self._frontier(now, mux) for mux in self._known.timeline.renditions()]
        return None if None in frontiers else min(one for one in frontiers if one is not None)

    def _frontier(self, now: int, mux: str) -> int | None:
        last = self._known.timeline.last(mux)
        reached = earliest_after(last) if last else None
        # By itself the other input comes on air with what it has brought meanwhile.
        feeds = [self._active] if self._channel.input_switch_mode == "MANUAL" else list(self._feeds.values())
        if any(feed.unread or feed.is_behind for feed in self._feeds.values()):
            return reached
        if self._has_open_run if self.is_over else any(feed.has_media for feed in feeds):
            return reached
        coming = min((now if self.is_over else feed.looked(now)) - feed.begins_before for feed in feeds) - LOOKBACK
        return max(coming, reached) if reached is not None else coming

    # the task

    async def run(self) -> None:
        """Keep every input going until told to stop. The outcome stands in ``state`` and ``error``.

        CatalogError ends the controller, not the channel: the next one goes on with the sessions as they are (S16).
        """
        async with asyncio.TaskGroup() as group:
            feeding = [group.create_task(self._feed(feed)) for feed in self._feeds.values()]
            directing = group.create_task(self._direct()) if len(feeding) > 1 else None
            await asyncio.wait(feeding)
            if directing is not None:
                directing.cancel()
        if self._catalog_error is not None:
            raise self._catalog_error
        self._ended = StreamingState.STOPPED if self.error is None else StreamingState.STREAMING_ERROR
        self._changed()

    async def _feed(self, feed: Feed) -> None:
        """One input to its end, and the other's if the channel ends with it.

        It does not when an input is given up while there is another, nor when a file that stands by has been played.
        """
        others = [other for other in self._feeds.values() if other is not feed]
        try:
            await feed.run()
            is_last = feed.key == "primary"
        except (LiveDvrError, OSError) as error:
            await feed.abandon(error)
            is_last = not isinstance(error, SourceError) or all(
                other.state is StreamingState.STOPPED for other in others
            )
            if isinstance(error, Superseded) and self.error is None:
                await self._add_event("SUPERSEDED", str(error))
            if is_last:
                self._fail(error)
            else:
                await self._add_event("INPUT_FAILED", f"{feed.key}: {error}")
        feed.state = StreamingState.STOPPED
        if is_last:
            for other in others:
                other.comes_next = False
                other.ask("stop")
        self._changed()

    def _fail(self, error: LiveDvrError | OSError) -> None:
        if isinstance(error, CatalogError):
            self._catalog_error = error
            return
        if isinstance(error, OSError):
            error = StorageError(error.strerror or str(error), field=str(error.filename))
        self.error = self.error or error

    async def _direct(self) -> None:
        """Have the right input on air."""
        while True:
            self._wake.clear()
            now = self._clock.now()
            inputs = {key: feed.health(now) for key, feed in self._feeds.items()}
            wanted = choose(self._channel.input_switch_mode, self.on_air, inputs, self._wanted, now)
            if wanted != self.on_air and not self._asked_to_stop:
                await self._switch(wanted)
            await self._clock.wait(self._wake, SWEEP)

    async def _switch(self, wanted: InputKey) -> None:
        left, was_lost = self._active, self._active.health(self._clock.now()).lost
        self._feeds[wanted].comes_next = True  # the store may be away for as long as it likes
        await left.leave_air()
        now, channel = self._clock.now(), self._channel.channel_id
        text = f"{wanted} is on air" + (f", {left.key} is lost" if was_lost else "")
        await self._shared.around.catalog.write(
            lambda db: channel_rows.switch_input(db, channel, wanted, now, text), self._shared.owner
        )
        self.on_air = wanted
        self._active.go_on_air()
        self._changed()

    async def _add_event(self, kind: str, text: str) -> None:
        now, channel = self._clock.now(), self._channel.channel_id
        await self._shared.around.catalog.write(
            lambda db: channel_rows.add_event(db, channel, now, kind, text), self._shared.owner
        )
