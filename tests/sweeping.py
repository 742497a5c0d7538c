"""A channel's sessions and sweeper over one store and one catalog, which can be killed at any step."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Any

from builders import MEDIA, RUN, T0, FakeClock, at, channel, commit, segment
from livedvr.catalog import channel_rows, segment_rows
from livedvr.catalog.catalog import Catalog, Owner
from livedvr.resources.errors import StorageError
from livedvr.resources.layout import init_name, segment_name
from livedvr.resources.models import DvrSession, TimeInterval, to_datetime
from livedvr.resources.times import SECOND
from livedvr.sessions.held_channel import HeldChannel
from livedvr.sessions.manager import SessionManager
from livedvr.sessions.plan import Facts
from livedvr.sessions.pressure import Disk
from livedvr.sessions.sweeper import Sweeper
from livedvr.storage.memory import MemoryStore
from livedvr.timeline.clock import RunClock, Sample
from livedvr.timeline.segment import Segment
from livedvr.timeline.timeline import ChannelTimeline, Timeline

RETENTION = 60  # seconds
PINNED = {"livedvr-pin": "true"}
SIZE = 500_000  # what a segment of the builders weighs


class Crash(BaseException):
    """The controller is killed."""


class Fuse:
    """Kills the controller at the n-th thing it does: right before it, or right after. Dead it does nothing more."""

    def __init__(self) -> None:
        self.left: float = float("inf")
        self.after = False

    def set(self, n: int, *, after: bool) -> None:
        self.left, self.after = n, after

    @property
    def has_burnt(self) -> bool:
        return self.left <= 0

    def __call__(self, work: Callable[[], Any]) -> Any:
        if self.has_burnt:
            raise Crash
        self.left -= 1
        if self.has_burnt and not self.after:
            raise Crash
        done = work()
        if self.has_burnt:
            raise Crash
        return done


class Store(MemoryStore):
    """A store whose changes go through the fuse, and that can be told to refuse to delete."""

    def __init__(self, fuse: Fuse) -> None:
        super().__init__()
        self.fuse = fuse
        self.refuses: Callable[[str], StorageError | None] = lambda _: None
        self.asked: list[str] = []

    @property
    def names(self) -> set[str]:
        return set(MemoryStore.list(self, ""))

    def replace(self, name: str, data: bytes) -> None:
        self.fuse(lambda: MemoryStore.replace(self, name, data))

    def list(self, prefix: str) -> Iterator[str]:
        error = self.refuses(prefix)
        if error:
            raise error
        return super().list(prefix)

    def delete(self, name: str) -> None:
        self.asked.append(name)
        error = self.refuses(name)
        if error:
            raise error
        self.fuse(lambda: MemoryStore.delete(self, name))


class FusedCatalog(Catalog):
    """A catalog whose commits go through the fuse."""

    def __init__(self, path: Path, fuse: Fuse) -> None:
        super().__init__(path)
        self.fuse = fuse

    async def write(self, work: Callable[[sqlite3.Connection], Any], owner: Owner | None = None) -> Any:
        if not self.fuse.after:
            self.fuse(lambda: None)
        elif self.fuse.has_burnt:
            raise Crash
        done = await super().write(work, owner)
        if self.fuse.after:
            self.fuse(lambda: None)
        return done


class House:
    """A channel's sessions and its sweeper over one disk and one catalog; the clock stands until it is advanced."""

    def __init__(self, folder: Path, store: Store, now: int = T0, retention: float = RETENTION) -> None:
        self.clock = FakeClock(now)
        self.store = store
        self.catalog = FusedCatalog(folder / "catalog.sqlite3", store.fuse)
        self.channel = channel(str(folder), retention_window=timedelta(seconds=retention))
        self.facts = Facts(now)
        self.disk: Disk | None = None

    async def open(self) -> House:
        await self.catalog.write(lambda db: channel_rows.put_channel(db, self.channel))
        self.owner = Owner("live", await self.catalog.write(lambda db: channel_rows.raise_owner_epoch(db, "live")))
        stored = self.catalog.read(lambda db: channel_rows.get_channel(db, "live"))
        assert stored is not None
        self.known = ChannelTimeline(Timeline(["av"]), stored.target)
        for run in self.catalog.read(lambda db: segment_rows.list_runs(db, "live")):
            if run.media:
                self.known.media[run.id] = dict(run.media)
            if run.end_reason:
                self.known.run_ends[run.id] = run.end_reason
        self.known.timeline.restore("av", self.catalog.read(lambda db: segment_rows.list_segments(db, "live", "av")))
        held = HeldChannel(self.channel, self.known, self.store, self.catalog, self.owner, self.clock)
        self.manager = SessionManager(held, lambda _: self.facts)
        self.sweeper = Sweeper(held, self.manager, lambda: self.disk or Disk(1 << 40, 1 << 39, 0))
        self.task = asyncio.create_task(self.manager.run())
        await self.rest()
        return self

    async def close(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        self.catalog.close()

    async def rest(self) -> None:
        """Until the manager has done all it has to do."""
        asleep = asyncio.create_task(self.clock.asleep())
        await asyncio.wait({asleep, self.task}, return_when=asyncio.FIRST_COMPLETED)
        asleep.cancel()
        if self.task.done():
            self.task.result()  # raises what ended it

    async def feed(self, *segments: Segment) -> None:
        """The intake has stored and committed segments."""
        for one in segments:
            if one.run not in self.known.media:
                await self.catalog.write(lambda db, one=one: segment_rows.add_run(db, one.run, "live", one.start))
                self.known.media[one.run] = {"av": MEDIA}
                self.store.replace(init_name("av", one.run), b"init")
            self.store.replace(segment_name("av", one.run, one.index, "fmp4"), b"media")
            clock = RunClock().observe(Sample(one.media_end, one.end)).anchored()
            await self.catalog.write(
                lambda db, one=one, clock=clock: commit(db, [one], clock),
                self.owner,
            )
            self.known.timeline.append("av", one)
        if self.known.target is None:
            await self.catalog.write(lambda db: channel_rows.set_target(db, "live", 2))
            self.known.target = 2
        self.facts = replace(self.facts, frontier=segments[-1].end)
        self.clock.advance(max(0, segments[-1].end - self.clock.now()))
        self.manager.wake()
        await self.rest()

    async def end_run(self, run: str) -> None:
        now = self.clock.now()
        await self.catalog.write(lambda db: segment_rows.end_run(db, run, now, "source lost"))
        self.known.run_ends[run] = "source lost"

    async def create(
        self, name: str, start: float, end: float | None, labels: dict[str, str] | None = None
    ) -> DvrSession:
        made = await self.manager.create(name, [between(start, end)], None, labels or {})
        await self.rest()
        return made

    async def sweep(self) -> None:
        await self.sweeper.sweep(self.clock.now())
        await self.rest()

    async def sweep_until(self, seconds: float, step: float = 2) -> None:
        """As the task does, until that instant."""
        while self.clock.now() < at(seconds):
            self.clock.advance(round(step * SECOND))
            await self.sweep()

    def state(self, name: str) -> str | None:
        found = self.manager.find(name)
        return found.state if found else None

    @property
    def kept(self) -> list[int]:
        """The numbers of the segments that the timeline has."""
        return [one.number for one in self.known.timeline.segments("av")]

    @property
    def events(self) -> list[tuple[str, str]]:
        return [(kind, text) for _, kind, text in self.catalog.read(lambda db: channel_rows.list_events(db, "live"))]

    def rows(self, table: str) -> list[dict[str, Any]]:
        return self.catalog.read(lambda db: [dict(row) for row in db.execute(f"SELECT * FROM {table}")])


def between(start: float, end: float | None) -> TimeInterval:
    return TimeInterval(start_time=to_datetime(at(start)), end_time=None if end is None else to_datetime(at(end)))


def check_listings(store: Store) -> None:
    """Whatever a player can reach from a main.m3u8 can be fetched."""
    for name in store.names:
        if name.endswith("main.m3u8"):
            for playlist in references(store, name):
                assert playlist in store.names, f"{name} lists {playlist}"
                for one in references(store, playlist):
                    assert one in store.names, f"{playlist} lists {one}"


def references(store: Store, name: str) -> list[str]:
    folder, found = PurePosixPath(name).parent, []
    for line in store.get(name).decode().splitlines():
        uri = line.partition('URI="')[2].rstrip('"') if line.startswith("#EXT-X-MAP") else line
        if uri and not uri.startswith("#"):
            parts: list[str] = []
            for part in (folder / uri).parts:
                parts = parts[:-1] if part == ".." else [*parts, part]
            found.append("/".join(parts))
    return found


def check_no_orphans(house: House) -> None:
    """Each object has a row, each row its object."""
    rows = house.rows("segments")
    wanted = {segment_name("av", row["run"], row["idx"], "fmp4") for row in rows}
    wanted |= {init_name("av", row["id"]) for row in house.rows("runs")}
    media = {name for name in house.store.names if not name.startswith("dvr/")}
    assert media == wanted
    sessions = {row["id"]: row["edition"] for row in house.rows("sessions")}
    retired = {(row["session"], row["edition"]) for row in house.rows("retired")}
    for name in house.store.names - media:
        _, session, *rest = name.split("/")
        assert session in sessions or any(session == known for known, _ in retired), f"{name} is nobody's"
        if rest[0] == "av":
            edition = int(rest[1].removeprefix("index-").removesuffix(".m3u8"))
            assert edition == sessions.get(session) or (session, edition) in retired, f"{name} is nobody's"


@asynccontextmanager
async def opened(folder: Path, store: Store, **settings: Any) -> AsyncIterator[House]:
    house = House(folder, store, **settings)
    try:
        yield await house.open()
    finally:
        await house.close()


def run_of(count: int, first: int = 0, run: str = RUN, start: float | None = None) -> list[Segment]:
    """2 s segments, numbered and indexed from ``first``; a second run begins an epoch."""
    begin = 2 * first if start is None else start
    return [segment(first + i, run=run, start=at(begin + 2 * i), epoch=int(run != RUN)) for i in range(count)]
