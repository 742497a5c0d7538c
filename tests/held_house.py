"""A channel that is held, has media and no sessions, without ffmpeg: what is taken from it is tested over this."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from builders import MEDIA, RUN, FakeClock, at, channel, commit
from livedvr.catalog import channel_rows, segment_rows
from livedvr.catalog.catalog import Catalog, Owner
from livedvr.resources.layout import segment_name
from livedvr.sessions.held_channel import HeldChannel
from livedvr.sessions.plan import Facts
from livedvr.storage.open_store import place_of
from livedvr.timeline.clock import RunClock, Sample
from livedvr.timeline.segment import Segment
from livedvr.timeline.timeline import ChannelTimeline, Timeline


class NoSessions:
    """There are no sessions; nothing changes while the sweeper looks."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()

    async def expire(self, *_: object) -> bool:
        return False

    def nothing_changes(self) -> asyncio.Lock:
        return self.lock


class HeldHouse:
    """A channel ``live`` with one run since T0, which keeps what it brings for 60 s."""

    def __init__(self, folder: Path, now: int, output: str = "") -> None:
        self.folder, self.clock = folder, FakeClock(now)
        self.channel = channel(output or str(folder / "out"), retention_window=60)
        (folder / "out").mkdir(parents=True, exist_ok=True)
        self.store = place_of(self.channel.output.uri).open(gzipped=False)
        self.facts, self.sessions = Facts(now), NoSessions()
        self.task: asyncio.Task[None] | None = None

    async def hold(self) -> HeldChannel:
        """A controller takes the channel, which is made if it is the first."""
        self.catalog = Catalog(self.folder / "catalog.sqlite3")
        if self.catalog.read(lambda db: channel_rows.get_channel(db, "live")) is None:
            await self.catalog.write(lambda db: channel_rows.put_channel(db, self.channel))
            await self.catalog.write(lambda db: segment_rows.add_run(db, RUN, "live", at(0)))
            await self.begin()
        self.owner = Owner("live", await self.catalog.write(lambda db: channel_rows.raise_owner_epoch(db, "live")))
        self.known = ChannelTimeline(Timeline(["av"]), 2, media={RUN: {"av": MEDIA}})
        self.known.timeline.restore("av", self.catalog.read(lambda db: segment_rows.list_segments(db, "live", "av")))
        return HeldChannel(self.channel, self.known, self.store, self.catalog, self.owner, self.clock)

    async def begin(self) -> None:
        """What the channel has brought before anybody holds it: nothing."""

    async def keep(self, segments: Sequence[Segment]) -> None:
        """The intake has stored and committed them; the timeline does not know yet."""
        for one in segments:
            self.store.replace(segment_name("av", RUN, one.index, "fmp4"), b"media %d" % one.index)
        clock = RunClock((Sample(0, at(0)),)).anchored()
        await self.catalog.write(lambda db: commit(db, segments, clock))

    async def close(self) -> None:
        if self.task is not None:
            self.task.cancel()
            await asyncio.wait([self.task])
        self.catalog.close()
