"""Everything that a controller finds and leaves: storage, tables, encoders, the weather, and who is in charge."""

from __future__ import annotations

import asyncio
import random
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

from livedvr.app import LiveDvr
from livedvr.catalog import channel_rows
from livedvr.ingest.surroundings import RunSettings
from livedvr.resources.errors import Aborted, StorageError
from livedvr.resources.layout import Container
from livedvr.resources.models import Channel, Input, MuxStream, Output
from livedvr.resources.times import MINUTE, SECOND
from simulation.catalog import Database, SimCatalog
from simulation.encoder import Encoder, Weather
from simulation.oracle import CHANNEL, Oracle
from simulation.storage import Bucket, SimStore
from simulation.world import SimClock, SimLoop, World


@dataclass(frozen=True)
class Profile:
    """What an episode is like. Each draws its own: some are wide and calm, some short and wild."""

    hours: float
    cut: int  # microseconds of a segment
    varies: float
    container: Container
    sessions: int  # how many are open at a time, about
    window: float  # the mean length of a window, microseconds
    request_every: int  # microseconds
    fault_every: int
    crash_every: int
    faults: frozenset[str]
    thorough: float
    retention: timedelta
    sweep_every: int
    disk: int | None  # bytes that fit on it


ALL_FAULTS = (
    *("silence", "jumps", "holes", "drift", "sizes", "deaths", "marks", "lost_files", "bursts", "late"),  # the source
    *("outage", "stall", "flaky", "lost_answers", "dawdle", "forbidden", "disk", "catalog"),  # what is written to
    *("crash", "zombie", "leave", "stop"),  # controllers
)
_BYTES_A_SECOND = 2_500_000


def draw_profile(rng: random.Random, wide: bool) -> Profile:
    """A profile; ``wide``: one of those that make up the session-hours."""
    count = rng.choice([0, 2, 4, 8, len(ALL_FAULTS)])
    faults = frozenset(rng.sample(ALL_FAULTS, count))
    if wide:
        cut, hours, sessions = 20, rng.uniform(3, 8), rng.randrange(80, 200)
        window, request, fault, crash = 60 * MINUTE, 30 * SECOND, 10 * MINUTE, 120 * MINUTE
        retention = rng.choice([60, 180, 24 * 60])
    else:
        cut, hours, sessions = rng.choice([1, 2, 2, 4, 6, 10, 20]), rng.uniform(0.3, 2), rng.randrange(3, 15)
        window, request, fault, crash = rng.choice([1, 5, 15]) * MINUTE, 5 * SECOND, 2 * MINUTE, 5 * MINUTE
        retention = rng.choice([2, 10, 30, 24 * 60])
    return Profile(
        hours=hours,
        cut=cut * SECOND,
        varies=rng.choice([0.0, 0.05, 0.4]),
        container=rng.choice(["fmp4", "fmp4", "ts"]),
        sessions=sessions,
        window=window,
        request_every=request,
        fault_every=fault,
        crash_every=crash,
        faults=faults,
        thorough=0.02 if wide else 0.3,
        retention=timedelta(minutes=retention),
        sweep_every=(300 if wide else 10) * SECOND,
        disk=rng.randrange(1, 10) * _BYTES_A_SECOND * 600 if "disk" in faults else None,
    )


def everything(hours: float) -> Profile:
    """Every fault there is, for a short time."""
    calm = draw_profile(random.Random(0), wide=False)
    return replace(
        calm,
        hours=hours,
        cut=4 * SECOND,
        faults=frozenset(ALL_FAULTS),
        sessions=8,
        window=2 * MINUTE,
        retention=timedelta(minutes=10),
        fault_every=MINUTE,
        crash_every=2 * MINUTE,
        disk=20 * 60 * _BYTES_A_SECOND,
    )


class Controller:
    """One `LiveDvr` in its own event loop. What it does reaches the world only through its ports."""

    def __init__(self, plant: Plant, name: str) -> None:
        self.plant = plant
        self.name = name
        self.loop = SimLoop(plant.world, name, plant.bucket.latency)
        self.loop.controller = self  # type: ignore[attr-defined]
        self.catalog = SimCatalog(plant.database, self.loop)
        self.store = SimStore(plant.bucket, self, lambda: self.loop.dead)
        self.dvr: LiveDvr | None = None
        self.leave: asyncio.Event | None = None
        self.leaving = False
        plant.world.note("controller %s begins", name)
        self.main = self.start(self._main(), self._ended)

    def start(
        self, work: Callable[..., object] | object, ended: Callable[[asyncio.Task[None]], None]
    ) -> asyncio.Task[None]:
        """A task of this controller."""
        task: asyncio.Task[None] = self.loop.create_task(work)
        task.add_done_callback(ended)
        return task

    async def _main(self) -> None:
        self.leave = asyncio.Event()
        settings = RunSettings(sweep_seconds=self.plant.profile.sweep_every / SECOND)
        detach = self.plant.world.rng.random() < 0.5
        async with LiveDvr("/data", detach=detach, clock=SimClock(self.plant.world), settings=settings) as dvr:
            self.dvr = dvr
            await self.leave.wait()

    def _ended(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, Aborted | StorageError):
            told = "".join(traceback.format_exception(error))
            self.plant.world.fail("no unhandled error", f"{self.name} died of {told}")
        self.plant.world.note("controller %s ends: %r", self.name, error)
        self.loop.drains = error is None  # its process waits for its threads
        self.die()

    def die(self) -> None:
        """At once: no callback of it runs any more, nothing is cleaned up."""
        if self.loop.dead:
            return
        self.loop.die()
        self.plant.controller_gone(self)

    def ask_to_leave(self) -> None:
        """End in good order (an upgrade)."""
        if self.leave is not None and not self.leaving:
            self.leaving = True
            self.loop.call_soon(self.leave.set)


@dataclass
class Plant:
    """The world of one episode."""

    world: World
    profile: Profile
    encoders: dict[str, Encoder] = field(default_factory=dict)
    controllers: list[Controller] = field(default_factory=list)
    begun: int = 0
    calm: bool = False

    def __post_init__(self) -> None:
        self.bucket = Bucket(self.world)
        self.database = Database(self.world)
        self.oracle = Oracle(
            self.world,
            self.database,
            self.bucket,
            self.profile.container,
            self.profile.retention // timedelta(microseconds=1),
            self.profile.thorough,
        )
        self.database.on_commit = self.oracle.committed
        self.database.on_owner = self._taken_over
        self.weather = Weather(cut=self.profile.cut, varies=self.profile.varies)
        self.channel = Channel(
            channel_id=CHANNEL,
            input=Input(uri="udp://127.0.0.1:5000"),
            output=Output(uri="/srv/tv"),
            mux_streams=(
                MuxStream(container=self.profile.container, segment_duration=timedelta(microseconds=self.profile.cut)),
            ),
            retention_window=self.profile.retention,
        )
        channel_rows.put_channel(self.database.connection, self.channel)
        channel_rows.set_started(self.database.connection, CHANNEL, True)
        self.source_absent_until = 0
        self.open_controller()

    # controllers

    def open_controller(self) -> None:
        """One more controller, also while there is one."""
        self.begun += 1
        self.newest = Controller(self, f"c{self.begun}")
        self.controllers.append(self.newest)

    @property
    def controller(self) -> Controller | None:
        """The newest one, if it lives."""
        return self.newest if self.newest in self.controllers else None

    def _taken_over(self, catalog: SimCatalog) -> None:
        owner = next(c for c in self.controllers if c.catalog is catalog)
        self.bucket.owner = owner
        self.world.note("%s owns the channel", owner.name)

    def controller_gone(self, controller: Controller) -> None:
        """Somebody starts it again, sooner or later."""
        is_newest = controller is self.controller
        self.controllers.remove(controller)
        rng = self.world.rng
        if not is_newest:
            return
        delay = rng.randrange(SECOND // 10, 10 * SECOND)
        if not self.calm and rng.random() < 0.05:
            delay = rng.randrange(4 * MINUTE, 8 * MINUTE)  # longer than an encoder's lease
        begun = self.begun
        self.world.after(delay, lambda: self.open_controller() if self.begun == begun else None)

    # the disk

    def free(self) -> int:
        """Bytes that are left on the disk."""
        if self.profile.disk is None or self.calm:
            return 1 << 50
        free = self.profile.disk - self.bucket.stored
        if free < self.profile.disk // 10:
            self.oracle.disk_was_full = True
        return free

    # encoders

    def encoder(self, id: str) -> Encoder:
        """The run of that id; new when nobody has named it yet."""
        if id not in self.encoders:
            self.encoders[id] = Encoder(self.world, id, lambda: self.weather, self.free, 0)
        return self.encoders[id]

    def connect(self, encoder: Encoder, lease: int) -> None:
        """ffmpeg has been started for this run."""
        encoder.lease = lease
        absent = max(0, self.source_absent_until - self.world.now)
        encoder.start(absent + self.world.rng.randrange(SECOND // 10, 3 * SECOND))
