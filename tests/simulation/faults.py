"""Chance: which fault comes when, and how long it stays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from livedvr.resources.times import MINUTE, SECOND
from simulation.encoder import Weather
from simulation.plant import Plant
from simulation.users import Users


@dataclass
class Faults:
    """Injects the kinds of faults that the episode's profile has, until told to stop."""

    plant: Plant
    users: Users
    over: bool = False
    kinds: dict[str, Callable[[], None]] = field(init=False)

    def __post_init__(self) -> None:
        self.world, self.rng, self.bucket = self.plant.world, self.plant.world.rng, self.plant.bucket
        self.kinds = {
            "outage": self._outage,
            "stall": self._stall,
            "forbidden": self._forbid,
            "zombie": self._zombie,
            "leave": self._leave,
            "stop": self._stop,
            "late": self._source_absent,
        }
        enabled = self.plant.profile.faults
        self.bucket.refuses = 0.01 if "flaky" in enabled else 0.0
        self.bucket.loses_answers = 0.01 if "lost_answers" in enabled else 0.0
        self.bucket.dawdles = 0.003 if "dawdle" in enabled else 0.0
        self.plant.database.refuses = 0.0002 if "catalog" in enabled else 0.0
        self._new_weather()
        self._each(self.plant.profile.fault_every, self._one)
        self._each(10 * MINUTE, self._new_weather)
        if "crash" in enabled:
            self._each(self.plant.profile.crash_every, self._crash)
        self._each(self.plant.profile.request_every, self.users.act)

    def _each(self, mean: int, act: Callable[[], None]) -> None:
        def again() -> None:
            if not self.over:
                act()
                self.world.after(1 + round(self.rng.expovariate(1 / mean)), again)

        self.world.after(1 + round(self.rng.expovariate(1 / mean)), again)

    def cease(self) -> None:
        """From now on everything works."""
        self.over = self.plant.calm = True
        bucket = self.bucket
        bucket.refuses = bucket.loses_answers = bucket.dawdles = self.plant.database.refuses = 0.0
        bucket.down_until = bucket.stalled_until = 0
        bucket.forbidden = None
        self.plant.source_absent_until = 0
        self.world.crash = None
        self.plant.weather = Weather(cut=self.plant.profile.cut)
        self.world.note("faults cease")

    def _one(self) -> None:
        wanted = sorted(self.plant.profile.faults & self.kinds.keys())
        if wanted:
            self.kinds[self.rng.choice(wanted)]()

    def _new_weather(self) -> None:
        enabled, rng = self.plant.profile.faults, self.rng

        def rate(kind: str, most: float) -> float:
            return most * rng.random() ** 2 if kind in enabled else 0.0

        self.plant.weather = replace(
            Weather(cut=self.plant.profile.cut, varies=self.plant.profile.varies),
            ppm=rng.choice([0, 50, -100, 300, 2_000, -2_000]) if "drift" in enabled else 0,
            jumps=rate("jumps", 0.05),
            silent=rate("silence", 0.05),
            holes=rate("holes", 0.05),
            huge=rate("sizes", 0.02),
            tiny=rate("sizes", 0.1),
            dies=rate("deaths", 0.05),
            marks=rate("marks", 0.05),
            lost_files=rate("lost_files", 0.02),
            bursts=0.5 if "bursts" in enabled else 0.0,
        )

    def _outage(self) -> None:
        lasts = round(self.rng.expovariate(1 / (60 * SECOND)))
        self.world.fault("outage begins", lasts / SECOND)
        self.bucket.down_until = self.world.now + lasts

    def _stall(self) -> None:
        lasts = round(self.rng.expovariate(1 / (30 * SECOND)))
        self.world.fault("storage stalls", lasts / SECOND)
        self.bucket.stalled_until = self.world.now + lasts

    def _forbid(self) -> None:
        ids = sorted(self.plant.oracle.sessions)
        # One session's folder, or now and then all of the output.
        prefix = f"dvr/{self.rng.choice(ids)}/" if ids and self.rng.random() < 0.8 else ""
        self.world.fault("storage forbids", prefix)
        self.bucket.forbidden = prefix

        def allow() -> None:
            self.bucket.forbidden = None
            self.users.start()  # the channel may have ended with STREAMING_ERROR

        self.world.after(self.rng.randrange(SECOND, 2 * MINUTE), allow)

    def _crash(self) -> None:
        controller = self.plant.controller
        if controller is None:
            return
        steps = self.world.steps + self.rng.randrange(0, 400)

        def die() -> None:
            self.world.fault("crash", controller.name)
            controller.die()

        self.world.crash = (steps, die)

    def _zombie(self) -> None:
        if len(self.plant.controllers) == 1 and self.plant.controllers[0].dvr is not None:
            self.world.fault("second controller", self.plant.controllers[0].name)
            self.plant.open_controller()

    def _leave(self) -> None:
        controller = self.plant.controller
        if controller is not None and controller.dvr is not None and not controller.leaving:
            self.world.fault("controller leaves", controller.name)
            controller.ask_to_leave()
            self.world.after(20 * MINUTE, controller.die)
            self.world.after(self.rng.randrange(SECOND, 5 * MINUTE), self.users.start)

    def _stop(self) -> None:
        self.world.fault("channel stopped")
        self.users.stop()
        self.world.after(self.rng.randrange(SECOND, 5 * MINUTE), self.users.start)

    def _source_absent(self) -> None:
        absent = self.rng.randrange(SECOND, 5 * MINUTE)
        self.world.fault("source absent", absent / SECOND)
        self.plant.source_absent_until = self.world.now + absent
