from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from builders import FakeClock
from livedvr.catalog.catalog import Catalog
from livedvr.ingest.surroundings import RunSettings, Surroundings
from livedvr.resources.errors import NotServing


async def test_a_controller_that_dies_begins_nothing(tmp_path: Path) -> None:
    """A request that comes between one task's error and the end of the others is told so."""
    catalog = Catalog(tmp_path / "catalog.sqlite3")
    told: list[NotServing] = []

    async def work() -> None: ...

    async def die() -> None:
        raise OSError

    async def ask(around: Surroundings) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            with pytest.raises(NotServing, match="ending") as caught:
                around.begin(work(), "late")
            told.append(caught.value)

    try:
        with pytest.raises(ExceptionGroup):
            async with asyncio.TaskGroup() as tasks:
                given: Any = (catalog, None, FakeClock(), RunSettings(), lambda _: None, tasks)
                around = Surroundings(*given)
                await around.begin(work(), "in time")
                around.begin(ask(around), "request")
                await asyncio.sleep(0)
                around.begin(die(), "dies")
    finally:
        catalog.close()
    assert len(told) == 1
