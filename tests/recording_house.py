"""A channel's recordings as a controller carries them, without ffmpeg: what tests of them share."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

from builders import MEDIA, RUN, FakeClock, at, chain, channel, commit
from livedvr.catalog import channel_rows, segment_rows
from livedvr.catalog.catalog import Catalog, Owner
from livedvr.recordings.dialects import NATIVE
from livedvr.recordings.manager import RecordingManager
from livedvr.recordings.outbox import Outbox
from livedvr.resources.layout import segment_name
from livedvr.resources.models import to_micros
from livedvr.resources.recording import Recording, RecordingLimits, RecordingSpec
from livedvr.resources.times import SECOND
from livedvr.resources.webhook_policy import PUBLIC, WebhookPolicy
from livedvr.sessions.held_channel import HeldChannel
from livedvr.sessions.plan import Facts
from livedvr.sessions.sweeper import Sweeper
from livedvr.storage.local import LocalStore
from livedvr.timeline.clock import RunClock, Sample
from livedvr.timeline.timeline import ChannelTimeline, Timeline


class NoSessions:
    def __init__(self) -> None:
        self.lock = asyncio.Lock()

    async def expire(self, *_: object) -> bool:
        return False

    def nothing_changes(self) -> asyncio.Lock:
        return self.lock


class House:
    """A channel that has brought segments of 2 s since T0, and keeps them for 60 s."""

    def __init__(self, folder: Path, webhooks: WebhookPolicy = PUBLIC) -> None:
        self.folder, self.clock, self.webhooks = folder, FakeClock(at(0)), webhooks
        self.channel = channel(str(folder / "out"), retention_window=60)
        (folder / "out").mkdir(parents=True, exist_ok=True)
        self.store, self.sessions = LocalStore(folder / "out"), NoSessions()
        self.brought = 0
        self.facts = Facts(at(0))

    async def open(self) -> None:
        self.catalog = Catalog(self.folder / "catalog.sqlite3")
        if self.catalog.read(lambda db: channel_rows.get_channel(db, "live")) is None:
            await self.catalog.write(lambda db: channel_rows.put_channel(db, self.channel))
            await self.catalog.write(lambda db: segment_rows.add_run(db, RUN, "live", at(0)))
        self.owner = Owner("live", await self.catalog.write(lambda db: channel_rows.raise_owner_epoch(db, "live")))
        self.known = ChannelTimeline(Timeline(["av"]), 2, media={RUN: {"av": MEDIA}})
        self.known.timeline.restore("av", self.catalog.read(lambda db: segment_rows.list_segments(db, "live", "av")))
        held = HeldChannel(self.channel, self.known, self.store, self.catalog, self.owner, self.clock)
        outbox = Outbox(held, NATIVE, self.webhooks)
        self.recordings = RecordingManager(
            held, lambda _: self.facts, self.sessions.nothing_changes, outbox, self.webhooks
        )
        self.sweeper = Sweeper(held, self.sessions, live=lambda _: self.recordings.held())
        self.task = asyncio.create_task(self.recordings.run())

    async def close(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])
        self.catalog.close()

    async def bring(self, count: int = 1) -> None:
        """The next segments come, each when it ends."""
        for one in chain([2 * SECOND] * (self.brought + count))[self.brought :]:
            self.clock.advance(one.end - self.clock.now())
            self.store.replace(segment_name("av", RUN, one.index, "fmp4"), b"media")
            clock = RunClock((Sample(0, at(0)),)).anchored()
            await self.catalog.write(lambda db, one=one, clock=clock: commit(db, [one], clock))
            self.known.timeline.append("av", one)
            self.facts = Facts(one.end)
            self.recordings.wake()
            await self.clock.asleep()
        self.brought += count

    async def start(self, name: str = "take", **spec: Any) -> Recording:
        limits = {key: timedelta(seconds=value) for key, value in spec.pop("limits", {}).items()}
        given = RecordingSpec(**{"formats": ("MP4",), **spec}, limits=RecordingLimits(**limits))
        return await self.recordings.start(name, given)

    async def ended(self, name: str = "take") -> Recording:
        async for seen in self.recordings.watch(name):
            found = seen
        return found

    def state(self, name: str = "take") -> tuple[str, str | None]:
        found = self.recordings.get(name)
        return found.state, found.end_reason


def spans(recording: Recording) -> list[tuple[float, float | None]]:
    return [
        ((to_micros(one.start_time) - at(0)) / 1e6, one.end_time and (to_micros(one.end_time) - at(0)) / 1e6)
        for one in recording.spans
        if one.start_time
    ]
