"""The channel's own live manifests over a store and a catalog (O5)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from builders import MEDIA, RUN, FakeClock, chain, channel
from livedvr.catalog import channel_rows
from livedvr.catalog.catalog import Catalog, Owner
from livedvr.resources.errors import StorageError
from livedvr.resources.models import Manifest
from livedvr.resources.times import SECOND
from livedvr.sessions.back_off import LONGEST
from livedvr.sessions.held_channel import HeldChannel
from livedvr.sessions.live import LiveManifests
from livedvr.storage.memory import MemoryStore
from livedvr.timeline.retention import may_go
from livedvr.timeline.segment import Segment
from livedvr.timeline.timeline import ChannelTimeline, Timeline

LIST = "av/index-1.m3u8"


class Refusing(MemoryStore):
    refuses = False

    def replace(self, name: str, data: bytes) -> None:
        if self.refuses:
            raise StorageError("permission denied", field=name)
        super().replace(name, data)


class Studio:
    def __init__(self, folder: Path) -> None:
        self.clock, self.store = FakeClock(), Refusing()
        self.catalog = Catalog(folder / "catalog.sqlite3")

    @asynccontextmanager
    async def controller(self, segments: Sequence[Segment], target: int = 2, count: int = 5) -> AsyncIterator[None]:
        of = channel(manifests=(Manifest(max_segment_count=count),))
        await self.catalog.write(lambda db: channel_rows.put_channel(db, of))
        owner = Owner("live", await self.catalog.write(lambda db: channel_rows.raise_owner_epoch(db, "live")))
        self.known = ChannelTimeline(Timeline(["av"]), target, media={RUN: {"av": MEDIA}})
        self.known.timeline.restore("av", segments)
        self.live = LiveManifests(HeldChannel(of, self.known, self.store, self.catalog, owner, self.clock))
        task = asyncio.create_task(self.live.run())
        await self.clock.asleep()
        yield
        task.cancel()
        await asyncio.wait([task])

    async def feed(self, *segments: Segment) -> None:
        for one in segments:
            self.known.timeline.append("av", one)
        await self.live.settled()

    def text(self) -> str:
        return self.store.get(LIST).decode()

    def going(self) -> list[int]:
        now = self.clock.now()
        return [s.number for s in may_go(self.known.timeline, "av", 1 << 62, self.live.held(now))]


@pytest.fixture
async def studio(tmp_path: Path) -> AsyncIterator[Studio]:
    made = Studio(tmp_path)
    yield made
    made.catalog.close()


@pytest.mark.semantics("O5", "P3")
async def test_a_restart_keeps_the_target_duration_and_never_goes_back(studio: Studio) -> None:
    segments = chain([2 * SECOND] * 12)
    async with studio.controller(segments[:10]):
        assert "#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:5\n" in studio.text()
    async with studio.controller(segments[:10], target=9, count=8):
        assert "#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:5\n" in studio.text()
        await studio.feed(*segments[10:])
        assert "#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:5\n" in studio.text()


@pytest.mark.semantics("O5", "R4")
async def test_what_has_slid_out_stays_for_its_duration_and_the_longest_list(studio: Studio) -> None:
    segments = chain([2 * SECOND] * 12)
    async with studio.controller(segments[:10]):
        assert studio.going() == [0, 1, 2, 3]  # and the one before the list, which tells of a hole
        await studio.feed(*segments[10:])
        studio.clock.advance(12 * SECOND - 1)
        assert studio.going() == [0, 1, 2, 3]
        studio.clock.advance(1)
        assert studio.going() == [0, 1, 2, 3, 4, 5]
    async with studio.controller(segments):
        assert studio.going() == []
        studio.clock.advance(17.5 * SECOND)  # what a list of five may have lasted, and one of its segments
        assert studio.going() == [0, 1, 2, 3, 4, 5]


@pytest.mark.semantics("O5", "R4")
async def test_a_restart_knows_how_long_the_list_has_been(studio: Studio) -> None:
    segments = chain([2 * SECOND] * 4 + [8 * SECOND] * 5 + [2 * SECOND] * 5)  # 40 s, then 10 s
    async with studio.controller(segments[:9], target=8):
        await studio.feed(*segments[9:])
    async with studio.controller(segments, target=8):
        studio.clock.advance(48 * SECOND)
        assert studio.going() == []
        studio.clock.advance(30 * SECOND)
        assert studio.going() == list(range(6))


@pytest.mark.semantics("O5", "S14")
async def test_a_refusal_is_an_event_and_is_tried_again(studio: Studio) -> None:
    async with studio.controller(chain([2 * SECOND] * 6)):
        before, studio.store.refuses = studio.text(), True
        await studio.feed(chain([2 * SECOND] * 7)[-1])
        studio.clock.advance(SECOND)
        await studio.clock.asleep()
        assert studio.text() == before
        studio.store.refuses = False
        studio.clock.advance(LONGEST)
        await studio.clock.asleep()
        assert "#EXT-X-MEDIA-SEQUENCE:2\n" in studio.text()
    events = studio.catalog.read(lambda db: channel_rows.list_events(db, "live"))
    assert [(kind, text) for _, kind, text in events] == [("LIVE_MANIFEST_FAILED", f"{LIST}: permission denied")]
