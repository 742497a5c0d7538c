from __future__ import annotations

import json
import sqlite3
from fractions import Fraction
from pathlib import Path

import pytest

from livedvr.catalog import channel_rows, segment_rows, session_rows
from livedvr.catalog.schema import MIGRATIONS, migrate
from livedvr.resources.streams import video_and_audio
from livedvr.timeline.segment import RunMedia


@pytest.fixture
def database(tmp_path: Path):
    connection = sqlite3.connect(tmp_path / "catalog.sqlite3", isolation_level=None)
    yield connection
    connection.close()


def tables(connection: sqlite3.Connection) -> set[str]:
    return {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def test_an_empty_database_gets_every_table(database: sqlite3.Connection) -> None:
    migrate(database)
    assert {"channels", "runs", "segments", "sessions", "editions", "events"} <= tables(database)
    assert database.execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS)


def test_to_migrate_again_changes_nothing(database: sqlite3.Connection) -> None:
    migrate(database)
    database.execute("INSERT INTO channels (id, resource) VALUES ('live', '{}')")
    before = list(database.iterdump())
    migrate(database)
    assert list(database.iterdump()) == before


def test_only_migrations_that_are_missing_are_run(database: sqlite3.Connection) -> None:
    database.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    migrate(database)
    assert tables(database) == set()


def test_what_had_one_rendition_has_it_by_its_key(database: sqlite3.Connection) -> None:
    for script in MIGRATIONS[:2]:
        for statement in script.split(";"):
            database.execute(statement)
    database.execute("PRAGMA user_version = 2")
    for name, video in (("copied", "copy"), ("coded", "h264")):
        old = {"channel_id": name, "input": {"uri": "a.ts"}, "output": {"uri": "/tv"}, "video": video}
        old["mux_streams"] = [{"key": "av", "container": "ts", "segment_duration": "PT2S"}]
        database.execute("INSERT INTO channels (id, resource) VALUES (?, ?)", (name, json.dumps(old)))
    media = [["avc1.640028"], [1280, 720], "30", "video h264"]
    database.execute("INSERT INTO runs (id, channel, created, media) VALUES ('r', 'coded', 0, ?)", (json.dumps(media),))
    database.execute(
        "INSERT INTO sessions (channel, id, manifest_key, windows, labels, state, edition, summary, created, updated)"
        " VALUES ('coded', 's', 'main', '[]', '{}', 'FINISHED', 1, '{\"segments\": 7}', 0, 0)"
    )
    migrate(database)
    database.row_factory = sqlite3.Row
    channels = {row.channel.channel_id: row.channel for row in channel_rows.list_channels(database)}
    assert channels["copied"].elementary_streams == video_and_audio()
    assert channels["coded"].elementary_streams == video_and_audio("h264")
    assert channels["coded"].reference.container == "ts"
    assert segment_rows.list_runs(database, "coded")[0].media == {
        "av": RunMedia(("avc1.640028",), (1280, 720), Fraction(30), "video h264")
    }
    assert session_rows.list_sessions(database, "coded")[0].summary == {"segments": 7, "listed": {"av": 7}}


def test_a_migration_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite3"
    first = sqlite3.connect(path, isolation_level=None)
    first.execute("CREATE TABLE events (foreign_to_us)")  # in the way of the last table of the first migration
    with pytest.raises(sqlite3.OperationalError, match="events"):
        migrate(first)
    first.close()
    again = sqlite3.connect(path, isolation_level=None)
    assert tables(again) == {"events"}
    assert again.execute("PRAGMA user_version").fetchone()[0] == 0
    again.close()


def test_a_database_is_made_once_when_two_controllers_open_it_at_the_same_moment(
    tmp_path: Path, database: sqlite3.Connection
) -> None:
    class LateComer(sqlite3.Connection):
        """Looks at the version; if that is not yet in its transaction, the other controller is quicker."""

        def execute(self, sql: str, *parameters: object) -> sqlite3.Cursor:
            cursor = super().execute(sql, *parameters)
            if "user_version" in sql and not self.in_transaction and not tables(database):
                found = cursor.fetchall()
                migrate(database)
                return super().execute(f"SELECT {found[0][0]}")
            return cursor

    late = sqlite3.connect(tmp_path / "catalog.sqlite3", isolation_level=None, factory=LateComer)
    try:
        migrate(late)
        migrate(database)
        assert database.execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS)
        assert "channels" in tables(late)
    finally:
        late.close()
