"""A channel as its owner has it: what everybody works with who looks after one of its sides."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from livedvr.catalog.catalog import Catalog, Owner
from livedvr.resources.models import Channel
from livedvr.storage.base import ObjectStore
from livedvr.timeline.timeline import ChannelTimeline
from livedvr.wallclock import WallClock

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class HeldChannel:
    """Its sessions, its own live manifest, its clips and its retention share these.

    Attributes:
        known: its timeline in memory, the same for all.
        owner: as whom the catalog is written; refused when somebody newer has the channel.
    """

    channel: Channel
    known: ChannelTimeline
    store: ObjectStore
    catalog: Catalog
    owner: Owner
    clock: WallClock

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """One transaction of the catalog, as the channel's owner; see `Catalog.write`."""
        return await self.catalog.write(work, self.owner)
