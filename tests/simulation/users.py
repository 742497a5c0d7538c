"""What users ask of a channel, at random: windows of every kind, patches, deletes, start and stop, two at once."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from livedvr.app import LiveDvr
from livedvr.resources.errors import LiveDvrError
from livedvr.resources.models import TimeInterval, to_datetime
from livedvr.resources.times import HOUR, MINUTE, SECOND
from livedvr.timeline.segment import Window
from simulation.oracle import CHANNEL, TERMINAL
from simulation.plant import Controller, Plant

Pairs = list[tuple[int | None, int | None]]


@dataclass
class Users:
    """They ask the newest controller; a request dies with it."""

    plant: Plant
    answers: Counter[str] = field(default_factory=Counter)
    made: int = 0
    under_way: Counter[str] = field(default_factory=Counter)
    stopping: int = 0

    def __post_init__(self) -> None:
        self.rng = self.plant.world.rng

    def act(self) -> None:
        """One request, or two at once."""
        controller = self.plant.controller
        if controller is None or controller.dvr is None or controller.leaving:
            return
        oracle, wanted = self.plant.oracle, self.plant.profile.sessions
        is_open = [id for id, s in oracle.sessions.items() if s.row.state not in TERMINAL]
        if self.rng.random() < (0.7 if len(is_open) < wanted else 0.15):
            self._create(controller)
        elif oracle.sessions:
            id = self.rng.choice(sorted(oracle.sessions))
            if self.rng.random() < (0.5 if len(oracle.sessions) > 2 * wanted else 0.15):
                self._delete(controller, id)
            else:
                for _ in range(1 + (self.rng.random() < 0.15)):
                    self._update(controller, id)

    def _ask(
        self, controller: Controller, what: str, id: str, request: Callable[[LiveDvr], Awaitable[Any]],
        answered: Callable[[Any], None] = lambda _: None,
    ) -> None:  # fmt: skip
        world = self.plant.world
        self.under_way[id] += 1

        async def ask() -> None:
            assert controller.dvr is not None
            try:
                result = await request(controller.dvr)
            except LiveDvrError as error:
                self.answers[f"{what}: {error.code}"] += 1
                world.note("%s %s refused: %s", what, id, error)
            except Exception as error:  # noqa: BLE001 - no request may end like this
                world.fail("no unhandled error", f"{what} {id}: " + "".join(traceback.format_exception(error)))
            else:
                self.answers[f"{what}: OK"] += 1
                world.note("%s %s accepted", what, id)
                answered(result)
            finally:
                self.under_way[id] -= 1

        controller.start(ask(), lambda _: None)

    # requests

    def _create(self, controller: Controller) -> None:
        if self.made > 5 and self.rng.random() < 0.1:
            id = f"s{self.rng.randrange(self.made)}"  # taken, or deleted: its editions go on (O6)
        else:
            self.made += 1
            id = f"s{self.made}"
        pairs = self._windows()
        self.plant.world.note("create %s %s", id, pairs)
        intervals = [_interval(*pair) for pair in pairs]

        def answered(session: Any) -> None:
            known = id in self.plant.oracle.sessions or self.under_way[id] > 1
            self.plant.world.check("S1 what is accepted is stored", known, lambda: id)

        self._ask(controller, "create", id, lambda dvr: dvr.sessions.create(CHANNEL, id, intervals), answered)

    def _update(self, controller: Controller, id: str) -> None:
        row = self.plant.oracle.sessions[id].row
        chance = self.rng.random()
        labels = {"livedvr-pin": self.rng.choice(["true", "false"])} if chance < 0.2 else None
        pairs = None if chance < 0.1 else self._patched(row.windows)
        self.plant.world.note("update %s (%s) %s %s", id, row.state, pairs, labels)
        intervals = None if pairs is None else [_interval(*pair) for pair in pairs]

        def answered(session: Any) -> None:
            now = self.plant.oracle.sessions.get(id)
            alone = self.under_way[id] == 1 and now is not None
            said = [(w.start_time, w.end_time) for w in session.dvr_windows]
            self.plant.world.check(
                "S17 what is accepted is stored",
                not alone or (now is not None and said == [_moments(w) for w in now.row.windows]),
                lambda: f"{id}: answered {said}, stored {now and now.row.windows}",
            )

        self._ask(
            controller, "update", id,
            lambda dvr: dvr.sessions.update(CHANNEL, id, windows=intervals, labels=labels), answered,
        )  # fmt: skip

    def _delete(self, controller: Controller, id: str) -> None:
        self.plant.world.note("delete %s", id)
        edition = self.plant.oracle.editions[id]
        self.plant.oracle.asked.add(id)

        def answered(_: None) -> None:
            there = self.plant.oracle.sessions.get(id)
            gone = there is None or there.row.edition > edition
            self.plant.world.check("S15 what is deleted is gone", gone, lambda: id)

        self._ask(controller, "delete", id, lambda dvr: dvr.sessions.delete(CHANNEL, id), answered)

    def delete_all(self) -> None:
        """At the end everything goes: each session, then the channel with what is left."""
        controller, oracle = self.plant.controller, self.plant.oracle
        assert controller is not None
        ids = sorted(oracle.sessions)
        oracle.asked.update(ids)

        async def delete(dvr: LiveDvr) -> None:
            for id in ids:
                if id in oracle.sessions:
                    await dvr.sessions.delete(CHANNEL, id)

        self._ask(controller, "delete", "everything", delete)

    def stop(self, then: Callable[[], None] = lambda: None) -> None:
        """Stop the channel; afterwards nothing is LIVE (S11)."""
        controller = self.plant.controller
        if controller is None or controller.dvr is None or controller.leaving:
            return
        self.plant.world.note("stop the channel")
        live = [id for id, s in self.plant.oracle.sessions.items() if s.row.state in ("LIVE", "STOPPING")]

        def stopped(_: None) -> None:
            for id in live:
                now = self.plant.oracle.sessions.get(id)
                self.plant.world.check(
                    "S11 a stop seals what is LIVE",
                    now is None or now.row.state not in ("LIVE", "STOPPING", "POST_PROCESSING"),
                    lambda id=id, now=now: f"{id} is {now.row.state} after the stop",
                )
            then()

        self._ask(controller, "stop", "channel", lambda dvr: dvr.channels.stop(CHANNEL), stopped)

    def start(self) -> None:
        """Start the channel."""
        controller = self.plant.controller
        if controller is not None and controller.dvr is not None and not controller.leaving:
            self.plant.world.note("start the channel")
            self._ask(controller, "start", "channel", lambda dvr: dvr.channels.start(CHANNEL))

    # windows

    def _length(self) -> int:
        rng = self.rng
        if rng.random() < 0.08:
            return rng.choice([1, 1_000, 40_000, SECOND])
        return SECOND + round(rng.expovariate(1 / self.plant.profile.window))

    def _windows(self) -> Pairs:
        rng, now = self.rng, self.plant.world.now
        kind = rng.random()
        if kind < 0.1:
            return [(None, None)]
        if kind < 0.3:
            return [(None, now + self._length())]
        if kind < 0.45:
            start = now - self._length()
            return [(start, None if rng.random() < 0.3 else start + self._length())]
        if kind < 0.65:
            return [(now - 2 * (length := self._length()), now - 2 * length + self._length())]
        if kind < 0.8:
            return [(start := now + self._length() // 4, start + self._length())]
        return self._many(now + rng.randrange(-HOUR, 10 * MINUTE), rng.choice([2, 3, 8, 30]))

    def _many(self, start: int, count: int) -> Pairs:
        rng, pairs = self.rng, []
        for _ in range(count):
            end = start + max(1, self._length() // count)
            pairs.append((start, end))
            start = end + rng.choice([0, 0, 1, 40_000, 2 * SECOND, self._length() // count])
        if rng.random() < 0.2:
            pairs[-1] = (pairs[-1][0], None)
        return pairs

    def _patched(self, windows: tuple[Window, ...]) -> Pairs:
        rng, now = self.rng, self.plant.world.now
        pairs: Pairs = [(w.start, w.end) for w in windows]
        start, end = pairs[-1]
        assert start is not None
        kind = rng.random()
        if kind < 0.3:  # extend
            pairs[-1] = (start, None if rng.random() < 0.2 else max(end or now, now) + self._length())
        elif kind < 0.55:  # cut: into the past, to now, or to an end that is to come
            cut = rng.choice([now, now - rng.randrange(0, 30 * SECOND), now - self._length() // 4, now + 20 * SECOND])
            pairs = [(a, b if b is not None and b < cut else cut) for a, b in pairs if a is not None and a < cut]
            pairs = pairs or [(start, cut)]
        elif kind < 0.75:  # one more window
            behind = max(end or now, now - MINUTE) + rng.choice([0, 1, SECOND, self._length()])
            pairs[-1] = (start, end or max(start + 1, now))
            pairs.append((behind, None if rng.random() < 0.2 else behind + self._length()))
        elif kind < 0.85:  # the first start anew
            pairs[0] = (None, pairs[0][1])
        else:
            pairs = self._windows()
        return pairs


def _interval(start: int | None, end: int | None) -> TimeInterval:
    return TimeInterval(
        start_time=None if start is None else to_datetime(start), end_time=None if end is None else to_datetime(end)
    )


def _moments(window: Window) -> tuple[Any, Any]:
    return to_datetime(window.start), None if window.end is None else to_datetime(window.end)
