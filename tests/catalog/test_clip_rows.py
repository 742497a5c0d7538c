from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from builders import T0, channel, window
from livedvr.catalog import channel_rows, clip_rows
from livedvr.catalog.clip_rows import ClipRow
from livedvr.catalog.schema import migrate
from livedvr.resources.errors import AlreadyExists, NotFound

CLIP = ClipRow(
    channel="live",
    id="goal",
    output_uri="/srv/clips/goal",
    manifest_key="main",
    file_name="main.m3u8",
    output_type="MANIFEST",
    exact=False,
    windows=(window(0, 10), window(20, 30)),
    labels={"team": "home"},
    state="PENDING",
    created=T0,
    updated=T0,
)


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(tmp_path / "catalog.sqlite3", isolation_level=None)
    connection.row_factory = sqlite3.Row
    migrate(connection)
    channel_rows.put_channel(connection, channel())
    yield connection
    connection.close()


def test_a_clip_is_stored_as_it_is(db: sqlite3.Connection) -> None:
    clip_rows.add_clip(db, CLIP)
    assert clip_rows.get_clip(db, "live", "goal") == CLIP
    made = replace(CLIP, state="SUCCEEDED", exact=True, started=T0, made={"edges": [[1, 2]], "duration": 1, "size": 3})
    clip_rows.put_clip(db, made)
    assert clip_rows.list_clips(db, "live") == [made]
    with pytest.raises(AlreadyExists):
        clip_rows.add_clip(db, CLIP)
    clip_rows.delete_clip(db, "live", "goal")
    with pytest.raises(NotFound):
        clip_rows.get_clip(db, "live", "goal")


def test_of_those_that_have_ended_the_latest_1000_are_kept(
    db: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert clip_rows.KEPT_RECORDS == 1000
    monkeypatch.setattr(clip_rows, "KEPT_RECORDS", 3)
    states = ("SUCCEEDED", "PENDING", "FAILED", "SUCCEEDED", "CREATING", "SUCCEEDED")
    for number, state in enumerate(states):
        clip_rows.add_clip(db, replace(CLIP, id=f"clip-{number}", state=state))
    assert [row.id for row in clip_rows.list_clips(db, "live")] == ["clip-1", "clip-3", "clip-4", "clip-5"]
    assert [row.id for row in clip_rows.unfinished_clips(db, "live")] == ["clip-1", "clip-4"]


def test_a_channel_with_a_clip_to_be_made_is_taken_up_and_takes_its_records_along(db: sqlite3.Connection) -> None:
    clip_rows.add_clip(db, CLIP)
    assert channel_rows.unfinished_channels(db) == ["live"]
    clip_rows.put_clip(db, replace(CLIP, state="FAILED"))
    assert channel_rows.unfinished_channels(db) == []
    channel_rows.delete_channel(db, "live")
    assert clip_rows.list_clips(db, "live") == []
