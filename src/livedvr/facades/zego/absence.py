"""Who looks whether there is a stream where something is to be recorded: event 4, soon after it has gone and then every
30 s (reference, section 4.5)."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from livedvr.catalog import facade_rows
from livedvr.channel_runtime import ChannelRuntime
from livedvr.facades.facade import FacadeDesk
from livedvr.facades.zego.shown import ABSENT_AFTER, has_ended
from livedvr.facades.zego.task import KIND
from livedvr.recordings.states import Notice
from livedvr.resources.errors import LiveDvrError
from livedvr.resources.models import to_micros
from livedvr.resources.recording import Recording
from livedvr.resources.times import SECOND

LOOK_AGAIN = 5 * SECOND
TOLD_AGAIN = 30 * SECOND
SETTLED = 2 * SECOND  # an encoder's newest segment may be so far behind what it has sent


class Absence:
    """`run` is a task. What it knows is not stored: after a restart it may say something again."""

    def __init__(self, desk: FacadeDesk) -> None:
        self._desk = desk
        self._told: dict[tuple[str, str], int | None] = {}  # when, of each recording that has not ended
        self._wake = asyncio.Event()

    def watch(self, channel: str, recording: str) -> None:
        """Look after a recording, until it has ended."""
        self._told.setdefault((channel, recording))
        self._wake.set()

    async def run(self) -> None:
        """Look, until cancelled."""
        catalog, facade = self._desk.dvr.catalog, self._desk.facade
        for row in catalog.read(lambda db: facade_rows.unfinished_facade_rows(db, facade, KIND)):
            self.watch(row.channel or "", row.recording or "")
        while True:
            self._wake.clear()
            for channel, recording in list(self._told):
                await self._look(channel, recording)
            await self._desk.clock.wait(self._wake, LOOK_AGAIN if self._told else None)

    async def _look(self, channel: str, name: str) -> None:
        try:
            runtime = await self._desk.dvr.runtime(channel)
            recording = runtime.recordings.get(name)
        except LiveDvrError:  # its channel cannot be looked at, or it has been deleted
            del self._told[channel, name]
            return
        now = self._desk.clock.now()
        told = self._told[channel, name]
        if has_ended(recording):
            del self._told[channel, name]
        elif not _is_absent(runtime, recording, now):
            self._told[channel, name] = None
        elif told is None or now >= told + TOLD_AGAIN:
            self._told[channel, name] = now
            with suppress(LiveDvrError):  # it is told again in 30 s
                await runtime.recordings.tell(name, Notice.ABSENT)


def _is_absent(runtime: ChannelRuntime, recording: Recording, now: int) -> bool:
    """Whether no media has come for a while, as far as that is certain."""
    timeline = runtime.known.timeline
    last, frontier = timeline.last(timeline.reference), runtime.frontier(now)
    if now < to_micros(recording.create_time) + ABSENT_AFTER:
        return False
    return frontier is not None and (last is None or frontier >= last.end + SETTLED)
