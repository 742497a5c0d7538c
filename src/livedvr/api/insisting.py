"""Transactions that nobody waits for, and that have to be."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from typing import TypeVar

from livedvr.catalog.catalog import Catalog
from livedvr.resources.errors import CatalogError
from livedvr.resources.times import SECOND
from livedvr.wallclock import WallClock

T = TypeVar("T")


async def insist(catalog: Catalog, clock: WallClock, work: Callable[[sqlite3.Connection], T]) -> T:
    """`Catalog.write`, again and again while another process holds the catalog: that must not end the server."""
    while True:
        try:
            return await catalog.write(work)
        except CatalogError as error:
            if not error.passing:
                raise
        await clock.wait(asyncio.Event(), SECOND)
