"""A channel's recordings as a controller carries them, without ffmpeg: what tests of them share."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

from builders import at, chain
from held_house import HeldHouse
from live import until_state
from livedvr.recordings.dialects import NATIVE
from livedvr.recordings.manager import RecordingManager
from livedvr.recordings.outbox import Outbox
from livedvr.resources.models import to_micros
from livedvr.resources.recording import Recording, RecordingLimits, RecordingSpec
from livedvr.resources.times import SECOND
from livedvr.resources.webhook_policy import PUBLIC, WebhookPolicy
from livedvr.sessions.plan import Facts
from livedvr.sessions.sweeper import Sweeper


class RecordingHouse(HeldHouse):
    """A channel that brings segments of 2 s when the test says so, and its recordings."""

    def __init__(self, folder: Path, webhooks: WebhookPolicy = PUBLIC) -> None:
        super().__init__(folder, at(0))
        self.webhooks = webhooks
        self.brought = 0

    async def open(self) -> RecordingHouse:
        held = await self.hold()
        outbox = Outbox(held, NATIVE, self.webhooks)
        self.recordings = RecordingManager(
            held, lambda _: self.facts, self.sessions.nothing_changes, outbox, self.webhooks
        )
        self.sweeper = Sweeper(held, self.sessions, live=lambda _: self.recordings.held())
        self.task = asyncio.create_task(self.recordings.run())
        return self

    async def bring(self, count: int = 1) -> None:
        """The next segments come, each when it ends."""
        for one in chain([2 * SECOND] * (self.brought + count))[self.brought :]:
            self.clock.advance(one.end - self.clock.now())
            await self.keep([one])
            self.known.timeline.append("av", one)
            self.facts = Facts(one.end)
            self.recordings.wake()
            await self.clock.asleep()
        self.brought += count

    async def start(self, name: str = "take", **spec: Any) -> Recording:
        limits = {key: timedelta(seconds=value) for key, value in spec.pop("limits", {}).items()}
        given = RecordingSpec(**{"formats": ("MP4",), **spec}, limits=RecordingLimits(**limits))
        return await self.recordings.start(name, given)

    async def until(self, name: str, *states: str) -> Recording:
        """The recording as soon as it is in one of these states."""
        found: Recording = await until_state(self.recordings.watch(name), *states)
        return found

    async def ended(self, name: str = "take") -> Recording:
        async for seen in self.recordings.watch(name):
            found = seen
        return found

    def state(self, name: str = "take") -> tuple[str, str | None]:
        found = self.recordings.get(name)
        return found.state, found.end_reason


def spans(recording: Recording) -> list[tuple[float, float | None]]:
    return [
        ((to_micros(one.start_time) - at(0)) / 1e6, one.end_time and (to_micros(one.end_time) - at(0)) / 1e6)
        for one in recording.spans
        if one.start_time
    ]
