"""One run of ffmpeg while it lives: its heartbeat, its lease, and when it is ended (SEMANTICS I2 to I4)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from livedvr.ingest.door import Door
from livedvr.ingest.ended_run import EndedRun
from livedvr.ingest.open_run import OpenRun
from livedvr.ingest.run import RunExit
from livedvr.ingest.source import Source
from livedvr.ingest.watchdog import SILENCE_FLOOR, Watchdog
from livedvr.ingest.watcher import Watcher
from livedvr.resources.times import SECOND
from livedvr.wallclock import WallClock

SWEEP = SECOND  # one look a second at the open segment (I2)
SETTLING_SWEEP = SECOND // 4  # more samples while the clock settles


class FollowedRun:
    """A run that is followed.

    Args:
        opened: what is read of it.
        source: what it reads.
        probe: for how long ffmpeg looks at a source before it writes, microseconds.
        longest: so long a segment may be open.
        floor: silence shorter than this is no loss (I3).
    """

    def __init__(
        self,
        opened: OpenRun,
        source: Source,
        clock: WallClock,
        *,
        probe: int,
        longest: int,
        floor: int = SILENCE_FLOOR,
    ) -> None:
        patient = source.listens or source.kind in ("testsrc", "file")
        self.opened = opened
        self.door = Door(source, opened.run)
        self._clock = clock
        self._began = clock.now()
        self._watchdog = Watchdog(self._began, patient=patient, probe=probe, floor=floor, longest=longest)
        self._silence: str | None = None
        self._overlong: str | None = None
        self._change: str | None = None

    @property
    def has_media(self) -> bool:
        """Whether it has brought a byte."""
        return self._watchdog.first_beat is not None

    async def follow(
        self,
        look: Callable[[], Awaitable[None]],
        asked: Callable[[], str | None],
        wake: asyncio.Event,
        watcher: Watcher,
    ) -> RunExit:
        """``look`` at it now and then until it has ended, by itself or because it has to; ``asked``: stop, or kill."""
        run = self.opened.run
        watched = [run.folder, *(run.journal_path(mux) for mux in run.muxes)]
        watches = [watcher.watch(path, wake) for path in watched if path.exists()]
        try:
            while (ended := run.exit()) is None:
                wake.clear()
                await look()
                self._judge(asked())
                await self._clock.wait(wake, SWEEP if self.opened.clock.offset is not None else SETTLING_SWEEP)
        finally:
            for watch in watches:
                watcher.forget(watch)
        return ended

    def _judge(self, asked: str | None) -> None:
        """End it where it is of no more use."""
        now, run = self._clock.now(), self.opened.run
        self._silence = self._silence or self._watchdog.verdict(now)
        self._overlong = self._overlong or self._watchdog.overlong(now)
        self._change = self._change or self.opened.change(now - self._began)
        if asked == "kill" or self.door.refusal:
            run.kill()
        elif asked or self._silence or self._overlong or self._change:
            run.stop()

    def knock(self) -> bool:
        """It is not forgotten: renew its lease, look at its door. Whether its media may be read (I4)."""
        self.opened.run.renew()
        if self.door.look(self._clock.now()):
            self._watchdog.connected(self._clock.now())
        return self.door.is_open

    def beat(self) -> None:
        """I2: the growth of the open segment is the heartbeat."""
        track = self.opened.reference
        try:
            size = self.opened.segment_path(track, track.open_index).stat().st_size
        except FileNotFoundError:
            size = 0
        self._watchdog.beat(self._clock.now(), (track.open_index, track.change.grown(size)))

    def over(self, ended: RunExit, lines: list[str]) -> EndedRun:
        """How it ended; of what is listed nothing is known yet."""
        return EndedRun(ended, lines, self._silence, self.door.refusal, self._change, False, self._overlong)
