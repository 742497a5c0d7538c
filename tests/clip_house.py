"""A channel with five segments and its clips, without ffmpeg."""

from __future__ import annotations

import asyncio
from pathlib import Path

from builders import RUN, at, chain
from held_house import HeldHouse
from livedvr.clips.manager import ClipManager
from livedvr.resources.clip import Clip, TimeSlice
from livedvr.resources.layout import init_name
from livedvr.resources.models import to_datetime
from livedvr.resources.times import SECOND
from livedvr.sessions.sweeper import Sweeper


class ClipHouse(HeldHouse):
    """A channel that has brought five segments of 2 s, and its clips."""

    def __init__(self, folder: Path, output: str = "") -> None:
        super().__init__(folder, at(10), output)

    async def open(self) -> ClipHouse:
        held = await self.hold()
        self.clips = ClipManager(held, lambda _: self.facts, self.sessions.nothing_changes, self.folder)
        self.sweeper = Sweeper(held, self.sessions, live=lambda _: self.clips.held())
        self.task = None
        return self

    async def begin(self) -> None:
        self.store.replace(init_name("av", RUN), b"init")
        await self.keep(chain([2 * SECOND] * 5))

    def work(self) -> None:
        self.task = asyncio.create_task(self.clips.run())

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
