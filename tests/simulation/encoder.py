"""Encoders under simulation: what ffmpeg, its keeper and the source do, and what they leave in the spool."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from types import SimpleNamespace

from livedvr.ingest.command import CONTAINER_OFFSET
from livedvr.ingest.journal import JournalRow
from livedvr.ingest.run import RESERVE_BYTES, RunExit
from livedvr.media.reader import MediaSpan, StreamInfo, StreamSpan
from livedvr.resources.times import SECOND
from livedvr.timeline.ranges import Cue
from livedvr.timeline.scte35 import TICKS, WRAP
from simulation.world import World
from splices import segmentation, splice_cancel, splice_insert, time_signal

_CODECS = ("avc1.640028", "avc1.64001f", "hvc1.1.6.L120.B0")
_LONGEST_BURST = 8 * SECOND


@dataclass
class Weather:
    """How bad the source is; all are probabilities a segment, `cut` in microseconds."""

    cut: int = 6 * SECOND
    varies: float = 0.0  # the length of a segment, as a part of `cut`
    ppm: int = 0
    jumps: float = 0.0
    silent: float = 0.0
    holes: float = 0.0
    huge: float = 0.0
    tiny: float = 0.0
    dies: float = 0.0
    marks: float = 0.0
    lost_files: float = 0.0
    bursts: float = 0.0  # a run begins with one
    late: int = 50_000  # jitter of arrivals


@dataclass
class Encoder:
    """One run: ffmpeg with its keeper and its folder. Lives on when the controller dies."""

    world: World
    id: str
    weather: Callable[[], Weather]
    free: Callable[[], int]
    lease: int
    started: bool = False
    removed: bool = False
    exit: RunExit | None = None
    rows: list[JournalRow] = field(default_factory=list)
    files: dict[int, tuple[int, int]] = field(default_factory=dict)  # index: (size, UTC of the last byte)
    cues: list[Cue] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)  # the segments before which ffmpeg smooths a jump over
    watchers: list[asyncio.Event] = field(default_factory=list)
    renewed: int = 0
    media: int = 0  # where the open segment began
    opened: int = 0  # when
    closes: int = 0  # when the open segment will be closed
    length: int = 0  # and how long it will be
    begun: int = 0
    burst: int = 0
    stopping: bool = False
    info: StreamInfo | None = None

    def start(self, connect: int) -> None:
        """The keeper has started ffmpeg; media comes after ``connect`` microseconds."""
        rng = self.world.rng
        self.started, self.renewed = True, self.world.now
        codec = rng.choice(_CODECS)
        self.info = StreamInfo("video", "h264", codec, 1280, 720, Fraction(30))
        self.media = rng.choice([0, 0, 0, 33_333, rng.randrange(0, 95_443 * SECOND)])
        if rng.random() < self.weather().bursts:
            self.burst = rng.randrange(SECOND, _LONGEST_BURST)
            self.world.fault("burst on joining", self.burst)
        self.opened = self.closes = self.begun = self.world.now + connect
        self.world.at(self.opened, self._open_segment)
        self.world.after(self.lease, self._check_lease)

    @property
    def index(self) -> int:
        """The segment that is being written."""
        return len(self.rows)

    def _open_segment(self) -> None:
        if self.exit is not None:
            return
        rng, weather, world = self.world.rng, self.weather(), self.world
        self.opened = world.now
        length = weather.cut + round(weather.cut * weather.varies * rng.uniform(-1, 1))
        chance = rng.random()
        if chance < weather.huge:
            length = rng.randrange(20 * SECOND, 45 * SECOND)
            world.fault("huge segment", self.id, self.index)
        elif chance > 1 - weather.tiny:
            length = rng.randrange(20_000, 400_000)
            world.fault("tiny segment", self.id, self.index)
        self.length = length
        passes = length + length * weather.ppm // 1_000_000
        early = min(self.burst, passes * 9 // 10)
        self.burst -= early
        silence = 0
        if rng.random() < weather.silent:
            silence = round(rng.expovariate(1 / (20 * SECOND)))
            world.fault("source silent", self.id, silence / SECOND)
        self.closes = world.now + max(1_000, passes - early + silence + rng.randrange(0, weather.late))
        if rng.random() < weather.dies:
            dies = rng.randrange(world.now, self.closes)
            world.at(dies, lambda: self._die(RunExit(rng.choice([0, 1]), rng.choice([0, 0, 11]), None)))
            return
        index = self.index
        world.at(self.closes, lambda: self._close_segment(index))

    def _close_segment(self, index: int) -> None:
        """A row for the journal; the next segment may begin somewhere else."""
        if self.exit is not None or index != self.index or self.stopping:
            return
        rng, weather = self.world.rng, self.weather()
        self._write_row(self.length)
        if self.free() < RESERVE_BYTES:
            self.world.fault("disk full", self.id)
            self._die(RunExit(255, 0, "disk full"))
            return
        if rng.random() < weather.jumps:
            jump = round(rng.choice([-1, 1]) * 10 ** rng.uniform(4.5, 11))
            self.media += jump
            self.world.fault("timestamps jump", self.id, jump / SECOND)
        if rng.random() < weather.holes:
            hole = round(rng.expovariate(1 / (10 * SECOND)))
            self.media += hole
            self.world.fault("media missing", self.id, hole / SECOND)
            self.world.after(hole, self._open_segment)
        else:
            self._open_segment()
        if rng.random() < weather.marks:
            self.marks.append(self.index + 1)
            self.world.fault("jump that ffmpeg smooths over", self.id)

    def _send_cue(self, length: int) -> None:
        """Now and then the open segment has brought a message about something near."""
        rng = random.Random(f"{self.id} {self.index}")  # its own: what else happens does not depend on it
        if rng.random() > 0.15:
            return
        at = self.media + rng.randrange(-SECOND, length)
        origin = random.Random(self.id).randrange(0, 95_443 * SECOND)
        ticks = (at + origin + rng.randrange(-2 * SECOND, 8 * SECOND)) * TICKS // SECOND % WRAP
        event, planned = rng.randrange(3), rng.choice([None, rng.randrange(0, 60 * TICKS)])
        section = rng.choice(
            [
                splice_insert(event, ticks, out=True, duration=planned, returns=rng.random() < 0.5),
                splice_insert(event, ticks, out=True, duration=planned),
                splice_insert(event, rng.choice([ticks, None]), out=False),
                splice_cancel(event),
                time_signal(ticks, segmentation(event, 0x34, planned), segmentation(event, 0x31)),
                time_signal(ticks, segmentation(event, rng.choice([0x10, 0x11, 0x35, 0x01]))),
                b"\xfc\x30\x11torn",
            ]
        )
        for _ in range(rng.choice([1, 1, 3])):
            self.cues.append(Cue(len(self.cues), at, section, origin))

    def _write_row(self, length: int) -> None:
        rng, index = self.world.rng, self.index
        self._send_cue(length)
        self.rows.append(JournalRow(index, self.media, self.media + length))
        if rng.random() < self.weather().lost_files:
            self.world.fault("file lost from the spool", self.id, index)
        else:
            self.files[index] = (rng.randrange(1_000, 4_000) * (length // 1000 + 1), self.world.now)
        self.media += length
        self.wake()

    def wake(self) -> None:
        """What inotify does."""
        for event in self.watchers:
            loop: asyncio.AbstractEventLoop | None = getattr(event, "_sim_loop", None)
            if loop is not None:
                loop.call_soon(event.set)

    def _die(self, exit: RunExit, close: bool = False) -> None:
        if self.exit is not None:
            return
        passed = min(self.length - 1, self.world.now - self.opened)
        if close and passed > 40_000 and self.world.now < self.closes:
            self._write_row(passed)
        self.world.note("encoder %s ends: %s", self.id, exit)
        self.exit = exit
        self.wake()

    def stop(self) -> None:
        """INT: the open segment is closed and gets its row."""
        if not self.stopping and self.exit is None:
            self.stopping = True
            self.world.after(
                self.world.rng.randrange(1_000, 3 * SECOND), lambda: self._die(RunExit(255, 0, "stop"), close=True)
            )

    def kill(self) -> None:
        """KILL: the open segment is lost."""
        self.world.after(1_000, lambda: self._die(RunExit(0, 9, "stop")))

    def _check_lease(self) -> None:
        if self.exit is not None:
            return
        if self.world.now - self.renewed >= self.lease:
            self.world.fault("lease ran out", self.id)
            self.stopping = True
            self._die(RunExit(255, 0, "lease"), close=True)
        else:
            self.world.at(self.renewed + self.lease, self._check_lease)

    def open_progress(self) -> tuple[int, int]:
        """How much media of the open segment is there, and when the last of it came."""
        if self.exit is not None or self.world.now <= self.opened:
            return 0, self.opened
        whole = max(1, self.closes - self.opened)
        return self.length * min(whole, self.world.now - self.opened) // whole, self.world.now

    def span(self, start: int, end: int) -> MediaSpan:
        """What `read_media` finds between two media times: keyframes every two seconds."""
        assert self.info is not None
        keyframes = tuple(range(start, max(end, start + 1), 2 * SECOND))
        return MediaSpan((StreamSpan(self.info, start, end, True, keyframes, True, 30),))


class File:
    """What stands for a path below a run's folder."""

    def __init__(self, encoder: Encoder, index: int | None = None) -> None:
        self.encoder = encoder
        self.index = index

    def exists(self) -> bool:
        return self.encoder.started and not self.encoder.removed

    def touch(self) -> None:
        """A mark of the product's own: the file is there."""

    def identity(self) -> tuple[str, int | None]:
        """What stands for the bytes."""
        return (self.encoder.id, self.index)

    def size(self) -> int:
        return 0 if self.index is None else self._facts()[0]

    def stat(self) -> SimpleNamespace:
        size, arrival = self._facts()
        return SimpleNamespace(st_size=size, st_mtime_ns=arrival * 1000)

    def _facts(self) -> tuple[int, int]:
        encoder = self.encoder
        if encoder.removed or self.index is None:
            raise FileNotFoundError(self.index)
        if self.index == encoder.index and encoder.exit is None and encoder.world.now >= encoder.opened:
            media, arrival = encoder.open_progress()
            return media // 10, arrival
        if self.index not in encoder.files:
            raise FileNotFoundError(self.index)
        return encoder.files[self.index]

    def unlink(self, missing_ok: bool = False) -> None:
        assert self.index is not None and missing_ok
        self.encoder.files.pop(self.index, None)

    def read(self) -> MediaSpan:
        """What `read_media` finds in it."""
        encoder = self.encoder
        self._facts()
        assert self.index is not None
        if self.index < len(encoder.rows):
            row = encoder.rows[self.index]
            return encoder.span(row.start + CONTAINER_OFFSET, row.end + CONTAINER_OFFSET)
        media, _ = encoder.open_progress()
        begins = encoder.media + CONTAINER_OFFSET
        return encoder.span(begins, begins + media)


class Folder:
    """What stands for a run's folder."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder

    def exists(self) -> bool:
        return self.encoder.started and not self.encoder.removed

    def __truediv__(self, name: str) -> File:
        return File(self.encoder)
