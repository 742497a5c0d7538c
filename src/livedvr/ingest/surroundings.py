"""What all channels of a controller share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from livedvr.catalog.catalog import Catalog
from livedvr.ingest.gateway import GatewayInputs
from livedvr.ingest.giving_up import SPOOL_BYTES
from livedvr.ingest.run import LEASE_SECONDS, RESERVE_BYTES
from livedvr.ingest.watchdog import LONGEST_SEGMENT
from livedvr.ingest.watcher import Watcher
from livedvr.recordings.dialects import NATIVE, Dialect
from livedvr.resources.errors import NotServing
from livedvr.resources.models import DvrSession
from livedvr.resources.pull_policy import PullPolicy
from livedvr.resources.times import SECOND
from livedvr.resources.webhook_policy import PUBLIC, WebhookPolicy
from livedvr.wallclock import WallClock

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RunSettings:
    """House numbers that a test may shrink."""

    lease_seconds: float = LEASE_SECONDS
    reserve_bytes: int = RESERVE_BYTES
    longest_segment_seconds: float = LONGEST_SEGMENT / SECOND
    sweep_seconds: float = 10.0  # between two looks at what may go (R1-R5)
    spool_bytes: int = SPOOL_BYTES


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The catalog, the watcher, the clock, the settings, who is told of states, and the group that owns every task.

    ``visiting``: ffmpegs that run are adopted, none is started. ``gateway``: the inputs that a gateway feeds.
    ``pull``: from where inputs may be pulled; None: from everywhere.
    ``on_published``: see `LiveDvr`. ``webhooks``: who may be told of recordings, ``dialects``: in which words.
    """

    catalog: Catalog
    watcher: Watcher
    clock: WallClock
    settings: RunSettings
    on_state: Callable[[DvrSession], None]
    tasks: asyncio.TaskGroup
    visiting: bool = False
    gateway: GatewayInputs | None = None
    pull: PullPolicy | None = None
    on_published: Callable[[str, int], None] = lambda _channel, _delay: None
    webhooks: WebhookPolicy = PUBLIC
    dialects: Mapping[str, Dialect] = field(default_factory=lambda: NATIVE)

    def begin(self, work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        """A task of the controller. NotServing: it ends just now, for another one has died."""
        try:
            return self.tasks.create_task(work, name=name)
        except RuntimeError as error:  # of a group that is shutting down
            work.close()
            raise NotServing("this controller is ending", hint="ask the next one") from error
