from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from livedvr.api.insisting import insist
from livedvr.catalog.catalog import Catalog
from livedvr.resources.errors import CatalogError
from livedvr.wallclock import SystemClock


async def test_a_catalog_that_another_process_holds_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("livedvr.catalog.catalog.BUSY_SECONDS", 0.05)
    path = tmp_path / "catalog.sqlite3"
    catalog = Catalog(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(CatalogError):
        await catalog.write(lambda db: None)
    insisting = asyncio.create_task(insist(catalog, SystemClock(), lambda db: db.execute("SELECT 1").fetchone()[0]))
    await asyncio.wait([insisting], timeout=0.2)
    assert not insisting.done()
    other.close()
    assert await insisting == 1
    catalog.close()


async def test_what_does_not_pass_is_told(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "catalog.sqlite3")
    catalog.close()
    with pytest.raises(CatalogError):
        await insist(catalog, SystemClock(), lambda db: None)
