"""What tests are built from: instants, segments, windows, and a clock that the test advances."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from fractions import Fraction

from livedvr.catalog import segment_rows
from livedvr.hls.bitrate import BitrateMeter
from livedvr.resources.models import Channel, DvrSession, Input, Output, TimeInterval, to_datetime, to_micros
from livedvr.resources.streams import video_and_audio
from livedvr.resources.times import SECOND
from livedvr.timeline.clock import RunClock
from livedvr.timeline.segment import ClosedSegment, RunMedia, Segment, Window
from livedvr.timeline.segments import Segments
from livedvr.timeline.timeline import Passage

# The instant most tests start at. A whole number of seconds: `at(1.5)` is 02:00:01.500.
T0 = to_micros(datetime(2026, 11, 21, 2, tzinfo=UTC))
RUN = "20261121T020000Z-k3f9"
SECOND_RUN = "20261121T020500Z-p7x2"
MEDIA = RunMedia(("avc1.640028", "mp4a.40.2"), (1280, 720), Fraction(30), "video h264 1280x720 30 fps")


def at(seconds: float) -> int:
    """The instant that many seconds after T0."""
    return T0 + round(seconds * SECOND)


def window(start: float, end: float | None) -> Window:
    """A window in seconds after T0."""
    return Window(at(start), None if end is None else at(end))


def segment(
    number: int,
    *,
    start: int | None = None,
    duration: int = 2 * SECOND,
    run: str = RUN,
    index: int | None = None,
    epoch: int = 0,
    media_start: int | None = None,
    size: int = 500_000,
) -> Segment:
    """A segment; what is not given is as if 2 s segments had come without a break since T0."""
    return Segment(
        number=number,
        run=run,
        index=number if index is None else index,
        epoch=epoch,
        start=at(2 * number) if start is None else start,
        media_start=number * 2 * SECOND if media_start is None else media_start,
        duration=duration,
        size=size,
    )


def chain(
    durations: Sequence[int], *, start: int = T0, first: int = 0, run: str = RUN, epoch: int = 0
) -> list[Segment]:
    """Segments end to end with these durations (microseconds), numbered from ``first``."""
    made: list[Segment] = []
    media = 0
    for index, duration in enumerate(durations):
        made.append(
            segment(
                first + index,
                start=start + media,
                duration=duration,
                run=run,
                index=index,
                epoch=epoch,
                media_start=media,
            )
        )
        media += duration
    return made


def passage(*segments: Segment, discontinuity: bool = False) -> Passage:
    """What a playlist lists at once."""
    return Passage(Segments(segments), discontinuity)


def closed(index: int, start: int, end: int, arrival: int, *, run: str = RUN, size: int = 500_000) -> ClosedSegment:
    """A journal row with what the file system adds to it."""
    return ClosedSegment(run, index, start, end, size, arrival)


def commit(db: sqlite3.Connection, segments: Sequence[Segment], clock: RunClock, mux: str = "av") -> None:
    """A run's segments as the intake commits them, of a channel ``live`` with one rendition."""
    segment_rows.commit_segments(db, "live", segments[0].run, {mux: segments}, clock, {mux: MEDIA})


def channel(output: str = "/srv/tv", **settings: object) -> Channel:
    """A channel ``live`` with a synthetic source."""
    given: dict[str, object] = {
        "channel_id": "live",
        "input": Input(uri="testsrc"),
        "output": Output(uri=output),
        "elementary_streams": video_and_audio("h264"),
    }
    return Channel(**given | settings)


def session_resource(state: str = "LIVE", error: str | None = None) -> DvrSession:
    """The session ``demo`` as its user sees it."""
    now = to_datetime(T0)
    return DvrSession(
        session_id="demo",
        channel_id="live",
        manifest_key="main",
        output_uri="/out/dvr/demo/main.m3u8",
        dvr_windows=(TimeInterval(start_time=now),),
        state=state,
        error=error,
        create_time=now,
        update_time=now,
    )


class FakeClock:
    """A `livedvr.wallclock.WallClock` whose time passes only when the test says so. Nothing ever sleeps."""

    def __init__(self, now: int = T0) -> None:
        self._now = now
        self._moved = asyncio.Event()
        self._entered = asyncio.Event()
        self._waiting: list[tuple[asyncio.Event, int | None]] = []

    def now(self) -> int:
        """The instant the test has advanced to."""
        return self._now

    def advance(self, micros: int) -> None:
        """Let that much time pass; whoever waits until then is woken."""
        self._now += micros
        self._moved.set()
        self._moved = asyncio.Event()

    async def wait(self, event: asyncio.Event, patience: int | None) -> None:
        """Return when ``event`` is set or the test has advanced by ``patience``."""
        entry = (event, None if patience is None else self.now() + patience)
        self._waiting.append(entry)
        self._entered.set()
        try:
            while not self._is_due(entry):
                either = [asyncio.ensure_future(e.wait()) for e in (event, self._moved)]
                try:
                    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for task in either:
                        task.cancel()
                    await asyncio.gather(*either, return_exceptions=True)
        finally:
            self._waiting.remove(entry)

    def _is_due(self, entry: tuple[asyncio.Event, int | None]) -> bool:
        event, until = entry
        return event.is_set() or (until is not None and self._now >= until)

    async def asleep(self) -> None:
        """Return when somebody waits and nobody has a reason to wake up: all work has been done."""
        while not self._waiting or any(self._is_due(entry) for entry in self._waiting):
            self._entered.clear()
            await self._entered.wait()


def peak_and_average(segments: Iterable[tuple[int, int]], target_us: int) -> tuple[int, int]:
    """Peak and average bit rate (bits per second) of whole segments, each (bytes, microseconds); see `BitrateMeter`."""
    meter = BitrateMeter(target_us)
    for size, duration in segments:
        meter.add([size], [duration])
    return meter.peak, meter.average
