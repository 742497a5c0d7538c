"""Thumbnails along the timeline, made when a page asks: one at a time, at the lowest priority, so many a minute.

A sprite is a row of `TILES` pictures, one each ``step`` seconds of the stream's time, of the segment that is there
then. Whole ones are kept on disk, within a bound; they go with the segments that they are of.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
from bisect import bisect_right
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from livedvr.app import LiveDvr
from livedvr.channel_runtime import ChannelRuntime
from livedvr.console.pictures import Size, jpeg, keyframe, side_by_side
from livedvr.resources.errors import NotFound, NotServing, ResourceExhausted
from livedvr.resources.layout import init_name, segment_name
from livedvr.resources.models import Channel
from livedvr.resources.times import MINUTE, SECOND
from livedvr.storage.open_store import place_of
from livedvr.timeline.segment import Segment
from livedvr.timeline.timeline import ChannelTimeline
from livedvr.wallclock import WallClock

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

T = TypeVar("T")

TILES = 10
STEPS = (2, 5, 10, 30, 60, 300, 1800)  # seconds
SMALL: Size = (160, 90)
LARGE: Size = (320, 180)
A_MINUTE = 240  # keyframes that are decoded; at 1080p some 10 ms each
AT_ONCE = 120
MOST_WAITING = 32
LIVE_EACH = 5 * SECOND
MOST_KEPT = 2000  # sprites of all channels, about 25 kB each
MOST_TILES = 64  # in memory, for sprites that still grow


@dataclass(slots=True)
class Budget:
    """A token bucket of keyframes. ``wait``: microseconds until so many may be decoded (time is an argument)."""

    full_at: int = 0

    def wait(self, count: int, now: int) -> int:
        """Take them; how long to wait before."""
        each = MINUTE // A_MINUTE
        self.full_at = max(now, self.full_at) + count * each
        return max(0, self.full_at - now - AT_ONCE * each)


@dataclass(frozen=True, slots=True)
class Live:
    """A channel's newest picture, of the segment that ends at ``end``; made at ``made``."""

    end: int
    made: int
    data: bytes


@dataclass(slots=True)
class Gallery:
    """The pictures of all channels at work. ``folder``: where sprites are kept."""

    dvr: LiveDvr
    folder: Path
    clock: WallClock
    _budget: Budget = field(default_factory=Budget)
    _live: dict[str, Live] = field(default_factory=dict)
    _tiles: dict[tuple[str, str, int], VideoFrame] = field(default_factory=dict)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _waiting: int = 0
    _closed: bool = False
    _thread: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, "thumbnails", initializer=_yield_to_all)
    )

    def close(self) -> None:
        """Make no more."""
        self._closed = True
        self._thread.shutdown(cancel_futures=True)

    async def live(self, channel: str) -> bytes:
        """The newest keyframe as JPEG, `LIVE_EACH` at the most often. NOT_FOUND: there is none."""
        runtime = self._at_work(channel)
        known, have = runtime.known, self._live.get(channel)
        newest = known.timeline.last(known.timeline.reference)
        now = self.clock.now()
        if newest is None:
            raise NotFound(f"channel '{channel}' has no picture", field="channel")
        if have is None or (have.end < newest.end and now - have.made >= LIVE_EACH):
            frame = (await self._make(runtime.channel, known, [newest.start], LARGE))[0]
            if frame is None:
                raise NotFound(f"channel '{channel}' has no picture", field="channel")
            have = self._live[channel] = Live(newest.end, now, await self._in_thread(lambda: jpeg(frame)))
        return have.data

    async def sprite(self, channel: str, step: int, index: int) -> tuple[bytes, bool]:
        """The sprite of [index, index + 1) times `TILES` steps since the epoch, and whether it is whole. NOT_FOUND."""
        runtime = self._at_work(channel)
        timeline = runtime.known.timeline
        first, last = timeline.first(timeline.reference), timeline.last(timeline.reference)
        start, end = index * TILES * step * SECOND, (index + 1) * TILES * step * SECOND
        if step not in STEPS or first is None or last is None or end <= first.start or start >= last.end:
            raise NotFound("there is no such picture", field="path")
        path = self.folder / channel / f"{step}-{index}.jpg"
        if path.is_file():
            return await asyncio.to_thread(path.read_bytes), True
        times = [start + i * step * SECOND for i in range(TILES)]
        frames = await self._make(runtime.channel, runtime.known, times, SMALL)
        data = await self._in_thread(lambda: jpeg(side_by_side(frames, SMALL)))
        whole = end <= last.start
        if whole:
            await self._in_thread(lambda: self._keep(path, data, step, first.start))
        return data, whole

    def _at_work(self, channel: str) -> ChannelRuntime:
        runtime = next((one for one in self.dvr.at_work() if one.channel.channel_id == channel), None)
        if runtime is None or place_of(runtime.channel.output.uri).root is None:
            raise NotFound(f"there are no pictures of '{channel}'", field="channel")
        return runtime

    async def _make(
        self, channel: Channel, known: ChannelTimeline, times: list[int], size: Size
    ) -> list[VideoFrame | None]:
        """The pictures at these times, when it is our turn. RESOURCE_EXHAUSTED: too many wait for theirs."""
        mux = smallest_picture(channel, known)
        segments = [segment_at(known, mux, time) if mux else None for time in times]
        if self._waiting >= MOST_WAITING:
            raise ResourceExhausted("too many pictures are asked for", hint="ask again in some seconds")
        self._waiting += 1
        try:
            async with self._turn:
                return [await self._tile(channel, mux or "", segment, size) for segment in segments]
        finally:
            self._waiting -= 1

    async def _tile(self, channel: Channel, mux: str, segment: Segment | None, size: Size) -> VideoFrame | None:
        if segment is None or segment.is_gap:
            return None
        key = (channel.channel_id, mux, segment.number)
        if size == SMALL and key in self._tiles:
            return self._tiles[key]
        await self.clock.wait(asyncio.Event(), self._budget.wait(1, self.clock.now()))
        files = segment_files(channel, mux, segment)
        frame: VideoFrame | None = await self._in_thread(lambda: keyframe(files, size))
        if frame is not None and size == SMALL:
            self._tiles[key] = frame
            while len(self._tiles) > MOST_TILES:
                del self._tiles[next(iter(self._tiles))]
        return frame

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if self._closed:
            raise NotServing("no pictures are made any more: the server leaves")
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _keep(self, path: Path, data: bytes, step: int, first: int) -> None:
        """Store a sprite, and let those go that are of nothing any more, or too many."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = path.with_suffix(".new")
        new.write_bytes(data)
        new.replace(path)
        for old in path.parent.glob("*-*.jpg"):
            each, _, index = old.stem.partition("-")
            if (int(index) + 1) * TILES * int(each) * SECOND <= first:
                old.unlink(missing_ok=True)
        have = {one.channel.channel_id for one in self.dvr.at_work()}
        for folder in self.folder.iterdir():
            if folder.name not in have:
                shutil.rmtree(folder, ignore_errors=True)
        kept = sorted(self.folder.glob("*/*.jpg"), key=lambda one: one.stat().st_mtime)
        for old in kept[:-MOST_KEPT]:
            old.unlink(missing_ok=True)


def smallest_picture(channel: Channel, known: ChannelTimeline) -> str | None:
    """The rendition with the smallest pictures: the cheapest to decode. None: the channel has none."""
    muxes = [mux.key for mux in channel.mux_streams if channel.video_of(mux)]
    newest = {mux: known.timeline.last(mux) for mux in muxes}

    def pixels(mux: str) -> int:
        segment = newest[mux]
        media = known.media.get(segment.run, {}).get(mux) if segment else None
        return media.resolution[0] * media.resolution[1] if media and media.resolution else 1 << 40

    return min(muxes, key=pixels, default=None)


def segment_at(known: ChannelTimeline, mux: str, time: int) -> Segment | None:
    """The rendition's segment in which a UTC time lies; None: in none."""
    segments = known.timeline.segments(mux)
    position = bisect_right(segments, time, key=lambda one: one.start) - 1
    return segments[position] if position >= 0 and segments[position].end > time else None


def segment_files(channel: Channel, mux: str, segment: Segment) -> list[Path]:
    """What has to be read of a local output to decode a segment, in order."""
    root = place_of(channel.output.uri).root
    assert root is not None  # looked at before
    container = channel.mux_stream(mux).container
    init = [init_name(mux, segment.run)] if container == "fmp4" else []
    return [root / name for name in [*init, segment_name(mux, segment.run, segment.index, container)]]


def _yield_to_all() -> None:
    """This thread gets what nobody else wants (Linux: a priority is a thread's)."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)
