"""A channel with five segments and its clips, without ffmpeg."""

from __future__ import annotations

import asyncio
from pathlib import Path

from builders import MEDIA, RUN, FakeClock, at, chain, channel, commit
from livedvr.catalog import channel_rows, segment_rows
from livedvr.catalog.catalog import Catalog, Owner
from livedvr.clips.manager import ClipManager
from livedvr.resources.clip import Clip, TimeSlice
from livedvr.resources.layout import init_name, segment_name
from livedvr.resources.models import to_datetime
from livedvr.resources.times import SECOND
from livedvr.sessions.held_channel import HeldChannel
from livedvr.sessions.plan import Facts
from livedvr.sessions.sweeper import Sweeper
from livedvr.storage.open_store import place_of
from livedvr.timeline.clock import RunClock, Sample
from livedvr.timeline.timeline import ChannelTimeline, Timeline


class NoSessions:
    """There are no sessions; nothing changes while the sweeper looks."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()

    async def expire(self, *_: object) -> bool:
        return False

    def nothing_changes(self) -> asyncio.Lock:
        return self.lock


class ClipHouse:
    """A channel of five segments of 2 s, which keeps 60 s, and its clips."""

    def __init__(self, folder: Path, output: str = "") -> None:
        self.folder, self.clock = folder, FakeClock(at(10))
        self.channel = channel(output or str(folder / "out"), retention_window=60)
        (folder / "out").mkdir(parents=True, exist_ok=True)
        self.store = place_of(self.channel.output.uri).open(gzipped=False)
        self.facts, self.sessions = Facts(at(10)), NoSessions()

    async def open(self) -> ClipHouse:
        self.catalog = Catalog(self.folder / "catalog.sqlite3")
        self.known = ChannelTimeline(Timeline(["av"]), 2, media={RUN: {"av": MEDIA}})
        if self.catalog.read(lambda db: channel_rows.get_channel(db, "live")) is None:
            await self.record()
        self.owner = Owner("live", await self.catalog.write(lambda db: channel_rows.raise_owner_epoch(db, "live")))
        self.known.timeline.restore("av", self.catalog.read(lambda db: segment_rows.list_segments(db, "live", "av")))
        held = HeldChannel(self.channel, self.known, self.store, self.catalog, self.owner, self.clock)
        self.clips = ClipManager(held, lambda _: self.facts, self.sessions.nothing_changes, self.folder)
        self.sweeper = Sweeper(held, self.sessions, live=lambda _: self.clips.held())
        self.task: asyncio.Task[None] | None = None
        return self

    async def record(self) -> None:
        segments, clock = chain([2 * SECOND] * 5), RunClock((Sample(0, at(0)),)).anchored()
        await self.catalog.write(lambda db: channel_rows.put_channel(db, self.channel))
        await self.catalog.write(lambda db: segment_rows.add_run(db, RUN, "live", at(0)))
        await self.catalog.write(lambda db: commit(db, segments, clock))
        self.store.replace(init_name("av", RUN), b"init")
        for one in segments:
            self.store.replace(segment_name("av", RUN, one.index, "fmp4"), b"media %d" % one.index)

    def work(self) -> None:
        self.task = asyncio.create_task(self.clips.run())

    async def close(self) -> None:
        if self.task is not None:
            self.task.cancel()
            await asyncio.wait([self.task])
        self.catalog.close()

    async def create(self, clip: str = "goal", *edges: float, **given: object) -> Clip:
        pairs = zip(edges[::2] or (3,), edges[1::2] or (5,), strict=True)
        slices = [TimeSlice(markin_time=to_datetime(at(a)), markout_time=to_datetime(at(b))) for a, b in pairs]
        settings: dict[str, object] = {
            "output_uri": str(self.folder / clip),
            "manifest_key": None,
            "output_type": "MANIFEST",
            "exact": False,
            "labels": {},
        }
        return await self.clips.create(clip, slices, **settings | given)  # type: ignore[arg-type]

    async def until_ended(self, clip: str = "goal") -> Clip:
        return [seen async for seen in self.clips.watch(clip)][-1]
