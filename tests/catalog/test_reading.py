from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from builders import channel
from livedvr.catalog import channel_rows
from livedvr.catalog.catalog import Catalog
from livedvr.catalog.reading import reading
from livedvr.resources.errors import FailedPrecondition, NotFound, StorageError


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    # A path that has to be quoted in a URI.
    made = tmp_path / "my data?#%.sqlite3"
    catalog = Catalog(made)
    await catalog.write(lambda db: channel_rows.put_channel(db, channel()))
    catalog.close()
    return made


async def test_what_is_committed_is_seen_whether_or_not_a_controller_is_there(path: Path) -> None:
    with reading(path) as db:
        assert channel_rows.get_channel(db, "live") is not None
    catalog = Catalog(path)
    await catalog.write(lambda db: channel_rows.set_started(db, "live", True))
    with reading(path) as db:
        row = channel_rows.get_channel(db, "live")
        await catalog.write(lambda db: channel_rows.set_started(db, "live", False))
        assert channel_rows.get_channel(db, "live") == row, "all queries see the same moment"
    catalog.close()
    assert row is not None and row.started


def test_it_cannot_write_and_leaves_nothing(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(StorageError, match="readonly"), reading(path) as db:
        channel_rows.set_started(db, "live", True)
    assert path.read_bytes() == before


def test_where_there_is_nothing_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=rf"^{tmp_path}: there is no livedvr data here"), reading(tmp_path / "catalog"):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("version", "hint"), [(1, "older livedvr"), (99, "use a newer livedvr")])
def test_another_schema_is_refused_and_left_alone(path: Path, version: int, hint: str) -> None:
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version={version}")
    db.close()
    with pytest.raises(FailedPrecondition, match=hint), reading(path):
        pass
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (version,)
    db.close()


def test_a_file_that_is_no_catalog_is_an_error_of_storage(tmp_path: Path) -> None:
    (tmp_path / "catalog").write_text("something else, and longer than a hundred bytes " * 10)
    with pytest.raises(StorageError, match="not a database"), reading(tmp_path / "catalog"):
        pass
