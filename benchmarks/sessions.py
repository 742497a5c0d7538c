"""Is the cost of many live sessions linear? The real manager, with the catalog on disk.

All sessions have the same window of 10 minutes and list every segment. Managers with 1, 100 and 1,000 sessions take
turns; a sample is the CPU of the whole process from a segment's wake-up until everything is published.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from statistics import median

from benchmarks.comparison import Row, alone, beside
from benchmarks.figures import Samples, spread, table
from builders import MEDIA, RUN, T0, FakeClock, at, channel, segment
from livedvr.catalog import channel_rows
from livedvr.catalog.catalog import Catalog, Owner
from livedvr.resources.layout import media_playlist_name
from livedvr.resources.models import TimeInterval, to_datetime
from livedvr.sessions.held_channel import HeldChannel
from livedvr.sessions.manager import SessionManager
from livedvr.sessions.plan import Facts
from livedvr.storage.local import LocalStore
from livedvr.storage.memory import MemoryStore
from livedvr.timeline.timeline import ChannelTimeline, Timeline

COUNTS = (1, 100, 1000)
LISTED_BEFORE = 200  # segments of 2 s, of the window's 300


class Case:
    """A channel with ``count`` live sessions; with ``watched`` somebody follows each of them."""

    def __init__(self, folder: Path, count: int, store: MemoryStore | LocalStore, *, watched: bool) -> None:
        self._folder = folder
        self._store = store
        self.count = count
        self._watched = watched
        self._tasks: list[asyncio.Task[None]] = []
        self._next = 0
        self.samples = Samples()

    async def open(self) -> None:
        """All sessions are LIVE and have listed `LISTED_BEFORE` segments."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._clock, settings = FakeClock(), channel()
        self._catalog = Catalog(self._folder / "catalog.sqlite3")
        await self._catalog.write(lambda db: channel_rows.put_channel(db, settings))
        owner = Owner("live", await self._catalog.write(lambda db: channel_rows.raise_owner_epoch(db, "live")))
        self._known = ChannelTimeline(Timeline(["av"]), target=2, media={RUN: {"av": MEDIA}})
        held = HeldChannel(settings, self._known, self._store, self._catalog, owner, self._clock)
        self._manager = SessionManager(held, self._facts)
        window = TimeInterval(start_time=to_datetime(T0), end_time=to_datetime(at(600)))
        for number in range(self.count):
            await self._manager.create(f"match-{number}", [window], None, {})
        for _ in range(LISTED_BEFORE):
            self._append()
        self._tasks.append(asyncio.create_task(self._manager.run()))
        await self._clock.asleep()
        if self._watched:
            self._tasks += [asyncio.create_task(self._watch(f"match-{n}")) for n in range(self.count)]
            await self._rest()

    async def step(self, *, measured: bool) -> None:
        """One further segment, until each session has published it."""
        samples = self.samples if measured else Samples()
        self._append()
        with samples.measured(self.count):
            self._manager.wake()
            await self._rest()
        names = [media_playlist_name(f"match-{n}", "av", 1) for n in (0, self.count - 1)]
        newest = b"segment-%06d.m4s\n" % (self._next - 1)
        assert all(self._store.get(name).endswith(newest) for name in names), "what is measured is a publication"

    async def close(self) -> None:
        """End the tasks."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._catalog.close()

    async def _rest(self) -> None:
        await self._clock.asleep()
        await asyncio.sleep(0)  # the watchers, told last, have looked

    async def _watch(self, session_id: str) -> None:
        async for _ in self._manager.watch(session_id):
            pass

    def _facts(self, now: int) -> Facts:
        last = self._known.timeline.last("av")
        return Facts(last.end if last else now)

    def _append(self) -> None:
        self._known.timeline.append("av", segment(self._next))
        self._next += 1


async def rows(folder: Path, *, counts: tuple[int, int] = (100, 1000), rounds: int = 6) -> list[Row]:
    """Few and many sessions, on disk."""
    cases = [Case(folder / str(count), count, LocalStore(folder / str(count)), watched=False) for count in counts]
    await _measure(cases, rounds)
    few, many = (case.samples for case in cases)
    what = f"{counts[1]:,} live sessions, a segment of 2 s"
    each = f"a session's share, of {counts[1]:,}, CPU"
    return [
        beside(each, many.cpu, f"of {counts[0]:,}", few.cpu, unit="us", most=1.2),
        alone(f"{what}: CPU", [cost * counts[1] / 1e6 for cost in many.cpu], unit="s", most=2),
        alone(f"{what}: until all are on the disk", [took * counts[1] / 1e6 for took in many.wall], unit="s", most=2),
    ]


async def run(folder: Path, rounds: int) -> str:
    """Measure and say it in tables."""
    reports = []
    for watched, on_disk in ((False, False), (True, False), (False, True)):
        title = f"playlists {'on disk' if on_disk else 'in memory'}, {'one watcher each' if watched else 'no watchers'}"
        cases = []
        for count in COUNTS:
            home = folder / f"{title}-{count}".replace(" ", "-")
            cases.append(Case(home, count, LocalStore(home) if on_disk else MemoryStore(), watched=watched))
        await _measure(cases, rounds)
        reports.append(f"{title}\n\n{_report(cases)}")
    return "CPU per segment and session, microseconds: median (10th-90th percentile)\n\n" + "\n\n".join(reports)


async def _measure(cases: list[Case], rounds: int) -> None:
    async with contextlib.AsyncExitStack() as stack:
        for case in cases:
            stack.push_async_callback(case.close)
            await case.open()
        for number in range(rounds + 2):
            for case in cases:
                await case.step(measured=number >= 2)


def _report(cases: list[Case]) -> str:
    base = median(cases[1].samples.cpu)
    rows = [
        [
            f"{case.count:,}",
            spread(case.samples.cpu),
            f"{median(case.samples.cpu) / base:.2f}",
            f"{median(case.samples.wall) * case.count / 1000:.0f}",
        ]
        for case in cases
    ]
    return table(["live sessions", "CPU us", "ratio to 100", "wall ms for all"], rows)
