"""One episode: a fresh world, hours of faults and requests, then calm, in which everything has to come to rest."""

from __future__ import annotations

import contextlib
import gc
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from livedvr.resources.times import HOUR, MINUTE, SECOND
from simulation.faults import Faults
from simulation.plant import Plant, Profile, draw_profile
from simulation.seams import seams
from simulation.users import Users
from simulation.world import START, Violation, World


@dataclass
class Outcome:
    """What an episode came to."""

    name: str
    profile: str
    hours: float
    session_hours: float
    steps: int
    segments: int
    controllers: int
    digest: str
    injected: Counter[str]
    checked: Counter[str]
    answers: Counter[str]
    violation: Violation | None = None
    story: str = field(default="", repr=False)


def run_episode(seed: int, number: int, *, wide: bool | None = None, profile: Profile | None = None) -> Outcome:
    """Play one episode; nothing but ``seed`` and ``number`` (and the profile, when given) decides what happens."""
    name = f"{seed}:{number}"
    rng = random.Random(f"profile {name}")
    world = World(name)
    drawn = rng.random() < 0.5
    profile = profile or draw_profile(rng, wide=drawn if wide is None else wide)
    with _rare_collections(), seams() as play:
        return _outcome(name, world, profile, play)


def _outcome(name: str, world: World, profile: Profile, play: Callable[[Plant], None]) -> Outcome:
    plant = Plant(world, profile)
    play(plant)
    users = Users(plant)
    violation = None
    try:
        _play(plant, users)
    except Violation as found:
        world.violation = violation = found.with_traceback(None)  # it would keep this world alive
        violation.__context__ = None
    story = world.story() if violation else ""
    plant.calm = True
    for controller in plant.controllers[:]:
        controller.die()
    oracle = plant.oracle
    return Outcome(
        name=name,
        profile=str(profile),
        hours=(world.now - START) / HOUR,
        session_hours=oracle.open_until_now() / HOUR,
        steps=world.steps,
        segments=len(oracle.truth.segments),
        controllers=plant.begun,
        digest=oracle.digest.hexdigest()[:16],
        injected=world.injected,
        checked=world.checked,
        answers=users.answers,
        violation=violation,
        story=story,
    )


@contextlib.contextmanager
def _rare_collections() -> Iterator[None]:
    """A world holds many objects that live long: looking through them often costs a tenth of the time."""
    thresholds = gc.get_threshold()
    gc.set_threshold(100_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)


def _play(plant: Plant, users: Users) -> None:
    world = plant.world
    faults = Faults(plant, users)
    world.run_until(START + round(plant.profile.hours * HOUR))
    faults.cease()
    world.run_until(world.now + 25 * MINUTE)  # the longest leave, and then the longest way back
    users.start()
    world.run_until(world.now + 5 * MINUTE)
    plant.oracle.check_converged(last_ends_only=False)
    users.stop()
    world.run_until(world.now + 2 * MINUTE)
    plant.oracle.check_converged(last_ends_only=True)
    plant.oracle.check_orphans()
    users.delete_all()
    world.run_until(world.now + 30 * SECOND)
    left = sorted(plant.oracle.sessions)
    world.check("S15 delete ends everything", not left, lambda: str(left))
    plant.oracle.check_orphans()
    if world.violation is not None:
        raise world.violation
