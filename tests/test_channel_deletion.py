from __future__ import annotations

import shutil
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from builders import SECOND_RUN, channel
from livedvr import LiveDvr, TimeInterval
from livedvr.catalog import channel_rows, segment_rows
from livedvr.channel_deletion import erase_channel, mark_deleting
from livedvr.channel_runtime import ChannelLock
from livedvr.resources.errors import Aborted, FailedPrecondition, NotFound
from livedvr.resources.models import to_datetime
from sweeping import PINNED, Crash, Fuse, House, Store, between, opened, run_of


async def live(house: House) -> None:
    await house.create("match", 0, 6)
    await house.create("patched", 8, 14)
    await house.create("later", 3600, None)
    await house.feed(*run_of(8))
    await house.end_run("20261121T020000Z-k3f9")
    await house.feed(*run_of(8, first=8, run=SECOND_RUN))
    await house.manager.update("patched", intervals=[between(8, 12)])
    await house.rest()
    await house.create("gone", 0, 4)
    await house.manager.delete("gone")


async def mark(house: House, *, force: bool) -> None:
    await house.catalog.write(lambda db: mark_deleting(db, "live", force=force), house.owner)


async def erase(house: House, folder: Path) -> None:
    await erase_channel(house.channel, house.store, folder / "spool", house.catalog, house.owner)


@pytest.mark.semantics("R3")
async def test_a_channel_with_sessions_is_deleted_only_by_force_and_with_pinned_ones_never(tmp_path: Path) -> None:
    async with opened(tmp_path, Store(Fuse())) as house:
        await house.create("kept", 0, 4, PINNED)
        await house.create("match", 0, 4)
        await house.feed(*run_of(4))
        for force in (False, True):
            with pytest.raises(FailedPrecondition, match=r"pinned sessions: kept .*livedvr-pin"):
                await mark(house, force=force)
        await house.manager.update("kept", labels={})
        with pytest.raises(FailedPrecondition, match=r"sessions: kept, match .*force"):
            await mark(house, force=False)
        row = house.catalog.read(lambda db: channel_rows.get_channel(db, "live"))
        assert row is not None and not row.deleting
        await mark(house, force=True)
        assert house.catalog.read(channel_rows.unfinished_channels) == ["live"], "the next controller goes on with it"


@pytest.mark.semantics("R3", "S16")
async def test_a_deletion_that_is_killed_at_any_step_is_ended_by_the_next_controller(tmp_path: Path) -> None:
    first = Store(Fuse())
    (tmp_path / "life").mkdir()
    async with opened(tmp_path / "life", first) as house:
        await live(house)
        await mark(house, force=True)
    objects = dict(first._objects)
    for after in (False, True):
        for n in range(1, 1000):
            folder = tmp_path / f"{n}-{after}"
            shutil.copytree(tmp_path / "life", folder)
            left = folder / "spool" / SECOND_RUN / "av"
            left.mkdir(parents=True)
            (left / "segment-000009.m4s").write_bytes(b"never stored")
            store = Store(Fuse())
            store._objects = {**objects, "notes.txt": b"a user's own"}
            async with opened(folder, store) as house:
                house.task.cancel()
                store.fuse.set(n, after=after)
                try:
                    await erase(house, folder)
                except Crash:
                    store.fuse = house.catalog.fuse = Fuse()
                    if house.catalog.read(lambda db: channel_rows.get_channel(db, "live")):
                        await erase(house, folder)
                assert store.names == {"notes.txt"}, f"killed at step {n}"
                for table in ("channels", "sessions", "segments", "runs", "events", "retired"):
                    assert house.rows(table) == []
                assert house.rows("editions"), "no address is ever used again"
                assert not list((folder / "spool").iterdir())
                burnt = store.fuse.left == float("inf")
            shutil.rmtree(folder)
            if not burnt:
                break
        assert n > 20, "there are that many steps to be killed at"


@pytest.mark.semantics("R3", "O6")
async def test_a_deleted_channel_s_id_can_be_used_again_and_its_addresses_are_not(tmp_path: Path) -> None:
    store = Store(Fuse())
    async with opened(tmp_path, store) as house:
        await live(house)
        await mark(house, force=True)
        await erase(house, tmp_path)
    async with opened(tmp_path, store) as house:
        assert house.kept == []
        await house.create("match", 0, 6)
        await house.feed(*run_of(8))
        assert house.kept == list(range(8)) and house.state("match") == "FINISHED"
        assert "dvr/match/av/index-2.m3u8" in store.names
        assert house.catalog.read(lambda db: segment_rows.list_runs(db, "live"))[0].media is not None


async def planned(dvr: LiveDvr, output: Path) -> None:
    """A stopped channel with a session in the far future."""
    await dvr.channels.create(channel(str(output)))
    later = to_datetime(dvr._clock.now()) + timedelta(days=1)
    await dvr.sessions.create("live", "later", [TimeInterval(start_time=later)])


@pytest.mark.semantics("R3")
async def test_a_deleted_channel_is_nowhere(tmp_path: Path) -> None:
    async with LiveDvr(tmp_path / "data") as dvr:
        with pytest.raises(NotFound):
            await dvr.channels.delete("live")
        await planned(dvr, tmp_path / "out")
        with pytest.raises(FailedPrecondition, match=r"sessions: later"):
            await dvr.channels.delete("live")
        assert (await dvr.sessions.get("live", "later")).state in ("PENDING", "SCHEDULED")
        await dvr.channels.delete("live", force=True)
        for asked in (dvr.channels.get("live"), dvr.channels.start("live"), dvr.sessions.list("live")):
            with pytest.raises(NotFound):
                await asked
        await planned(dvr, tmp_path / "out")


@pytest.mark.semantics("R3", "S17")
async def test_somebody_else_s_channel_is_not_deleted(tmp_path: Path) -> None:
    async with LiveDvr(tmp_path / "data") as dvr:
        await dvr.channels.create(channel(str(tmp_path / "out")))
        lock = ChannelLock(tmp_path / "out/.livedvr", "")
        with pytest.raises(Aborted, match="another controller"):
            await dvr.channels.delete("live", force=True)
        lock.release()
        assert (await dvr.channels.get("live")).channel_id == "live"
        await dvr.channels.delete("live")


@pytest.mark.semantics("R3", "S16")
async def test_a_deletion_that_was_begun_is_ended_on_entry(tmp_path: Path) -> None:
    async with LiveDvr(tmp_path / "data") as dvr:
        await planned(dvr, tmp_path / "out")
    with sqlite3.connect(tmp_path / "data" / "catalog.sqlite3") as db:  # it died right after the mark
        db.execute("UPDATE channels SET deleting = 1")
    async with LiveDvr(tmp_path / "data") as dvr:
        with pytest.raises(NotFound):
            await dvr.channels.get("live")
    db.close()
