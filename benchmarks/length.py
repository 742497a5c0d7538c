"""Does a window's length cost anything? One segment's way at 1 min, 24 h and 72 h of 2 s segments.

Each case has what the product has: a catalog on disk (WAL, synchronous=FULL), a timeline, an open session whose window
is as long as the timeline. What is measured are further segments, one of each case in turn and the turns shuffled:
whatever else the machine does meets all of them.
"""

from __future__ import annotations

import random
from pathlib import Path
from statistics import mean, median

from benchmarks.comparison import Row, beside
from benchmarks.figures import Samples, spread, table
from builders import MEDIA, RUN, T0, channel, closed
from livedvr.catalog import channel_rows, segment_rows
from livedvr.catalog.catalog import Catalog, Owner
from livedvr.resources.layout import media_playlist_name
from livedvr.resources.times import HOUR, MINUTE, SECOND
from livedvr.sessions.open_session import OpenSession, only_drawn
from livedvr.sessions.plan import Facts, plan
from livedvr.sessions.states import State
from livedvr.storage.local import LocalStore
from livedvr.timeline.clock import RunClock, Sample
from livedvr.timeline.placing import place
from livedvr.timeline.segment import ClosedSegment, Segment, Window
from livedvr.timeline.timeline import ChannelTimeline, Timeline

CASES = {"1 min": (MINUTE, 1), "24 h": (24 * HOUR, 1), "72 h": (72 * HOUR, 1), "72 h in 100": (72 * HOUR, 100)}
STEPS = ("place", "catalog", "append", "plan", "text")
_DURATION = 2 * SECOND


class Case:
    """A channel with one session, as long as ``length`` (microseconds), in so many ``windows``: the last one runs.

    ``listed``: how many segments it has already; as many as ``length`` holds unless told.
    """

    def __init__(self, folder: Path, length: int, windows: int, listed: int | None = None) -> None:
        self._folder = folder
        self._length = length
        self._already = listed or length // _DURATION
        each = length // windows
        starts = [T0 + each * i for i in range(windows)]
        self._windows = (
            *(Window(s, s + each - MINUTE) for s in starts[:-1]),
            Window(starts[-1], T0 + 2 * length + HOUR),
        )
        self.samples = {step: Samples() for step in (*STEPS, "render", "file")}
        self.sizes: list[float] = []  # of the files that were written, megabytes

    async def open(self) -> None:
        """The session has listed what it is to have."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._random = random.Random(1)
        self._clock, self._next = RunClock(), 0
        self._last: Segment | None = None
        self._store = LocalStore(self._folder)
        self._catalog = Catalog(self._folder / "catalog.sqlite3")
        self._known = ChannelTimeline(Timeline(["av"]), target=2, media={RUN: {"av": MEDIA}})
        await self._catalog.write(lambda db: channel_rows.put_channel(db, channel()))
        self._owner = Owner("live", await self._catalog.write(lambda db: channel_rows.raise_owner_epoch(db, "live")))
        await self._catalog.write(lambda db: segment_rows.add_run(db, RUN, "live", T0))
        first = self._arrive()
        self._clock = RunClock().observe(Sample(first.media_end, first.arrival)).anchored()
        segments = [self._place(first)]
        segments += [self._place(self._arrive()) for _ in range(self._already - 1)]
        await self._commit(segments)
        for segment in segments:
            self._known.timeline.append("av", segment)
        self._session = OpenSession(only_drawn("live", "match", "main", self._windows), channel())
        self._session.grow(self._known)

    async def step(self, *, measured: bool) -> None:
        """One further segment. A short window is begun anew before it has become twice as long."""
        if self._next * _DURATION >= 2 * self._length:
            self._catalog.close()
            (self._folder / "catalog.sqlite3").unlink()
            await self.open()
            await self.step(measured=False)
        samples = self.samples if measured else {step: Samples() for step in self.samples}
        arrived = self._arrive()
        with samples["place"].measured():
            segment = self._place(arrived)
        with samples["catalog"].measured():
            await self._commit([segment])
        with samples["append"].measured():
            self._known.timeline.append("av", segment)
        with samples["plan"].measured():
            wanted = plan(State.LIVE, self._session.row.windows, self._known.timeline, Facts(segment.end))
        with samples["text"].measured():
            self._session.grow(self._known)
        assert wanted.state is State.LIVE
        assert self._session.renditions["av"].last == segment, "what is measured is that the segment gets listed"

    def write_file(self) -> None:
        """The playlist as it stands becomes the file. Apart from `step`: megabytes written would empty the caches."""
        with self.samples["render"].measured():
            text = self._session.renditions["av"].playlist.render()
        with self.samples["file"].measured():
            self._store.replace(media_playlist_name("match", "av", 1), text)
        self.sizes.append(len(text) / 1e6)

    def close(self) -> None:
        """Let the catalog go."""
        self._catalog.close()

    def _arrive(self) -> ClosedSegment:
        start, late = self._next * _DURATION, self._random.randrange(15_000)
        row = closed(self._next, start, start + _DURATION, T0 + start + _DURATION + late, size=500_000 + 10 * late)
        self._next += 1
        return row

    def _place(self, arrived: ClosedSegment) -> Segment:
        segment, self._clock = place(arrived, self._last, self._clock, target=2 * SECOND)
        self._last = segment
        return segment

    async def _commit(self, segments: list[Segment]) -> None:
        placed, clock, media = {"av": segments}, self._clock, {"av": MEDIA}
        await self._catalog.write(
            lambda db: segment_rows.commit_segments(db, "live", RUN, placed, clock, media), self._owner
        )

    def totals(self, *steps: str) -> list[float]:
        """CPU microseconds that these steps took together, for each measured segment."""
        return [sum(parts) for parts in zip(*(self.samples[step].cpu for step in steps), strict=True)]


async def rows(folder: Path, *, hours: int = 72, rounds: int = 5, segments: int = 60) -> list[Row]:
    """A segment's whole way behind ``hours`` and behind a minute of them; a round is the median of ``segments``."""
    cases = {"short": Case(folder / "short", MINUTE, 1), "long": Case(folder / "long", hours * HOUR, 1)}
    await _take_turns(cases, rounds * segments)
    for case in cases.values():
        case.close()
    long, short = (_medians(cases[name].totals(*STEPS), segments) for name in ("long", "short"))
    what = f"planning + catalog + text of a segment behind {hours} h, CPU"
    return [beside(what, long, "behind 1 min", short, unit="us", most=1.2)]


def _medians(values: list[float], each: int) -> list[float]:
    return [median(values[first : first + each]) for first in range(0, len(values), each)]


async def _take_turns(cases: dict[str, Case], segments: int) -> None:
    for case in cases.values():
        await case.open()
    order = random.Random(2)
    for number in range(segments + 10):
        for case in order.sample(list(cases.values()), len(cases)):  # none always follows the same one
            await case.step(measured=number >= 10)


async def run(folder: Path, rounds: int) -> str:
    """Measure and say it in a table."""
    cases = {name: Case(folder / name.replace(" ", "-"), *settings) for name, settings in CASES.items()}
    await _take_turns(cases, rounds)
    order = random.Random(3)
    for _ in range(rounds // 5):
        for case in order.sample(list(cases.values()), len(cases)):
            case.write_file()
    for case in cases.values():
        case.close()
    return _report(cases)


def _report(cases: dict[str, Case]) -> str:
    pure = [step for step in STEPS if step != "catalog"]  # the commit costs most and could hide what the others do
    base, pure_base = (median(cases["1 min"].totals(*names)) for names in (STEPS, pure))
    head = ["window", *STEPS, "without catalog", "ratio", "all", "ratio", "mean of all"]
    steps = [
        [
            name,
            *(spread(case.samples[step].cpu) for step in STEPS),
            spread(case.totals(*pure)),
            f"{median(case.totals(*pure)) / pure_base:.2f}",
            spread(case.totals(*STEPS)),
            f"{median(case.totals(*STEPS)) / base:.2f}",
            f"{mean(case.totals(*STEPS)):.0f}",
        ]
        for name, case in cases.items()
    ]
    files = [
        [
            name,
            f"{case.sizes[-1]:.3f}",
            spread(case.samples["catalog"].wall),
            spread(case.samples["render"].cpu),
            spread(case.samples["file"].cpu),
            spread(case.samples["file"].wall),
            f"{median(case.samples['file'].cpu) / 1000 / case.sizes[-1]:.2f}",
            f"{median(case.samples['file'].wall) / 1000 / case.sizes[-1]:.2f}",
        ]
        for name, case in cases.items()
    ]
    file_head = ["window", "MB", "catalog wall", "render CPU", "file CPU", "file wall", "CPU ms/MB", "wall ms/MB"]
    return (
        "CPU per segment and session, microseconds: median (10th-90th percentile)\n\n"
        + table(head, steps)
        + "\n\nThe playlist's file replaced whole, and the wall time of the catalog's commit (fsync), microseconds\n\n"
        + table(file_head, files)
    )
