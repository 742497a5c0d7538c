"""A copy of the catalog while somebody writes it."""

from __future__ import annotations

import asyncio
import functools
import sqlite3
import stat
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from builders import channel
from livedvr.catalog import channel_rows, copying
from livedvr.catalog.backup import back_up
from livedvr.catalog.catalog import Catalog
from livedvr.catalog.copying import Copy
from livedvr.catalog.schema import MIGRATIONS
from livedvr.resources.errors import AlreadyExists, CatalogError, FailedPrecondition, InvalidArgument, NotFound
from livedvr.resources.models import Channel


@pytest.fixture
async def catalog(tmp_path: Path) -> AsyncIterator[Catalog]:
    """A catalog that is open, with a channel."""
    opened = Catalog(tmp_path / "catalog.sqlite3")
    await opened.write(lambda db: channel_rows.put_channel(db, channel(str(tmp_path / "out"))))
    yield opened
    opened.close()


def add_events(db: sqlite3.Connection, count: int, size: int = 10) -> None:
    for _ in range(count):
        channel_rows.add_event(db, "live", 0, "TEST", "x" * size)


def names(folder: Path, part: str) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if part in path.name)


def events(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        count: int = db.execute("SELECT count(*) FROM events").fetchone()[0]
    return count


async def test_it_is_one_moment_s_and_private_and_no_writer_waits(
    tmp_path: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    await catalog.write(lambda db: add_events(db, 500, 8000))  # a thousand pages
    half_way, go_on = threading.Event(), threading.Event()

    def hold(status: int, remaining: int, total: int) -> None:
        if remaining < total / 2:
            half_way.set()
            go_on.wait(30)

    class Held(sqlite3.Connection):
        def backup(self, target: sqlite3.Connection, **given: Any) -> None:
            super().backup(target, progress=hold, **given)

    monkeypatch.setattr(copying, "PAGES", 16)
    monkeypatch.setattr(sqlite3, "connect", functools.partial(sqlite3.connect, factory=Held))
    saving = asyncio.create_task(asyncio.to_thread(back_up, tmp_path / "catalog.sqlite3", tmp_path / "saved"))
    assert await asyncio.to_thread(half_way.wait, 30)
    await asyncio.wait_for(catalog.write(lambda db: add_events(db, 1000, 8000)), 30)
    go_on.set()
    saved = await saving
    monkeypatch.undo()
    assert names(tmp_path, "saved") == ["saved"]
    assert saved.copy == Copy(len(MIGRATIONS), 1, 0)
    assert saved.size == (tmp_path / "saved").stat().st_size > 4_000_000
    assert stat.S_IMODE((tmp_path / "saved").stat().st_mode) == 0o600
    assert events(tmp_path / "saved") == 500, "what came meanwhile is not in it, and did not make it begin again"
    assert events(tmp_path / "catalog.sqlite3") == 1500


async def test_what_is_there_is_replaced_only_when_asked(tmp_path: Path, catalog: Catalog) -> None:
    target = tmp_path / "saved"
    target.write_text("yesterday's")
    with pytest.raises(AlreadyExists, match="--force replaces it"):
        back_up(tmp_path / "catalog.sqlite3", target)
    assert target.read_text() == "yesterday's"
    back_up(tmp_path / "catalog.sqlite3", target, force=True)
    assert events(target) == 0


async def test_one_that_comes_meanwhile_is_not_overwritten(
    tmp_path: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "_sync", lambda path: (tmp_path / "saved").write_text("another's"))
    with pytest.raises(AlreadyExists):
        back_up(tmp_path / "catalog.sqlite3", tmp_path / "saved")
    assert (tmp_path / "saved").read_text() == "another's"
    assert names(tmp_path, ".tmp") == []


@pytest.mark.parametrize("name", ["catalog.sqlite3", "catalog.sqlite3-wal", "link", ".", "nowhere/saved"])
async def test_what_can_be_no_target(tmp_path: Path, catalog: Catalog, name: str) -> None:
    (tmp_path / "link").symlink_to("catalog.sqlite3")
    with pytest.raises(InvalidArgument, match=r"^DEST: "):
        back_up(tmp_path / "catalog.sqlite3", tmp_path / name, force=True)


async def test_a_target_that_somebody_has_open_is_left_alone(tmp_path: Path, catalog: Catalog) -> None:
    other = Catalog(tmp_path / "other.sqlite3")
    try:
        await other.write(lambda db: channel_rows.put_channel(db, channel(str(tmp_path / "out"))))
        with pytest.raises(FailedPrecondition, match="would be applied"):
            back_up(tmp_path / "catalog.sqlite3", tmp_path / "other.sqlite3", force=True)
    finally:
        other.close()


def test_what_is_no_catalog(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite3"
    with pytest.raises(NotFound, match="there is no livedvr data here"):
        back_up(path, tmp_path / "saved")
    path.touch()
    with pytest.raises(NotFound, match="no catalog of livedvr"):
        back_up(path, tmp_path / "saved")
    path.write_text("something else entirely, and long enough for a header" * 20)
    with pytest.raises(CatalogError, match="not a database"):
        back_up(path, tmp_path / "saved")
    path.unlink()
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    with pytest.raises(FailedPrecondition, match="use a newer livedvr"):
        back_up(path, tmp_path / "saved")
    assert [one.name for one in tmp_path.iterdir()] == ["catalog.sqlite3"]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A catalog of schema 1 with a channel, as the first livedvr has left it."""
    path = tmp_path / "catalog.sqlite3"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        for statement in MIGRATIONS[0].split(";"):
            db.execute(statement)
        db.execute("PRAGMA user_version = 1")
        resource = '{"channel_id": "live", "input": {"uri": "a.ts"}, "output": {"uri": "/tv"}, "video": "h264",'
        resource += ' "mux_streams": [{"key": "av", "container": "ts", "segment_duration": "PT2S"}]}'
        db.execute("INSERT INTO channels (id, resource) VALUES ('live', ?)", (resource,))
    return path


def only_channel(path: Path) -> Channel:
    """After the catalog has been opened, and so brought up to date."""
    opened = Catalog(path)
    (row,) = opened.read(channel_rows.list_channels)
    opened.close()
    return row.channel


def test_an_older_catalog_is_copied_as_it_is_and_the_copy_is_brought_up_to_date(tmp_path: Path, old: Path) -> None:
    assert back_up(old, tmp_path / "saved.sqlite3").copy == Copy(1, 1, 0)
    assert only_channel(tmp_path / "saved.sqlite3").reference.container == "ts"


def test_what_is_brought_up_to_date_stays_as_it_was_beside_it(tmp_path: Path, old: Path) -> None:
    assert only_channel(old).channel_id == "live"
    kept = tmp_path / f"catalog.sqlite3.before-{len(MIGRATIONS)}"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    with closing(sqlite3.connect(kept)) as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == 1
        assert '"video": "h264"' in db.execute("SELECT resource FROM channels").fetchone()[0]
    written = kept.stat().st_mtime_ns
    assert only_channel(old).channel_id == "live"
    assert kept.stat().st_mtime_ns == written, "once"
    kept.rename(old)
    assert only_channel(old).reference.container == "ts", "and it can be put back"


def test_what_cannot_be_kept_is_not_changed(tmp_path: Path, old: Path) -> None:
    (tmp_path / f"catalog.sqlite3.before-{len(MIGRATIONS)}").mkdir()
    with pytest.raises(CatalogError, match="directory"):
        Catalog(old)
    with closing(sqlite3.connect(old)) as db:
        assert db.execute("PRAGMA user_version").fetchone()[0] == 1


def test_a_new_catalog_has_nothing_to_keep(tmp_path: Path) -> None:
    Catalog(tmp_path / "catalog.sqlite3").close()
    assert [one.name for one in tmp_path.iterdir()] == ["catalog.sqlite3"]
