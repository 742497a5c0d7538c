from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from builders import RUN, SECOND_RUN, T0, at
from livedvr.catalog import channel_rows, range_rows, segment_rows, session_rows
from livedvr.resources.errors import NotFound, StorageError
from livedvr.resources.layout import init_name, segment_name
from livedvr.resources.times import HOUR, SECOND
from livedvr.sessions.pressure import Disk
from livedvr.timeline.ranges import RangeTag
from sweeping import (
    PINNED,
    RETENTION,
    SIZE,
    Crash,
    Fuse,
    House,
    Store,
    between,
    check_listings,
    check_no_orphans,
    opened,
    run_of,
)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with opened(tmp_path, Store(Fuse())) as made:
        yield made


@pytest.mark.semantics("R1", "R4")
async def test_segments_go_when_they_are_old_enough_objects_rows_and_all(house: House) -> None:
    await house.feed(*run_of(10))
    house.clock.advance(RETENTION * SECOND - 18 * SECOND - 1)
    await house.sweep()
    assert house.kept == list(range(10))
    house.clock.advance(1)
    await house.sweep()
    assert house.kept == list(range(1, 10))
    house.clock.advance(HOUR)
    await house.sweep()
    assert house.kept == [9], "the newest carries the count of numbers and the epoch"
    assert house.store.names == {init_name("av", RUN), segment_name("av", RUN, 9, "fmp4")}
    assert [row["number"] for row in house.rows("segments")] == [9]
    check_no_orphans(house)


@pytest.mark.semantics("R1")
async def test_a_run_that_is_over_goes_with_its_last_segment(house: House) -> None:
    await house.feed(*run_of(5))
    await house.end_run(RUN)
    house.clock.advance(HOUR)
    await house.sweep()
    assert [row["id"] for row in house.rows("runs")] == [RUN], "its segment is the newest"
    await house.feed(*run_of(2, first=5, run=SECOND_RUN, start=3700))
    house.clock.advance(RETENTION * SECOND)
    await house.sweep()
    assert [row["id"] for row in house.rows("runs")] == [SECOND_RUN], "still open, nothing older is left"
    assert RUN not in house.known.media and RUN not in house.known.run_ends
    check_no_orphans(house)


@pytest.mark.semantics("R1")
async def test_a_run_that_brought_nothing_leaves_no_row_and_what_was_never_listed_no_object(house: House) -> None:
    await house.catalog.write(lambda db: segment_rows.add_run(db, "idle", "live", T0))
    house.store.replace(segment_name("av", "idle", 0, "fmp4"), b"the controller died before the commit")
    await house.sweep()
    assert [row["id"] for row in house.rows("runs")] == ["idle"], "its journal may still be read"
    await house.end_run("idle")
    await house.sweep()
    assert house.rows("runs") == [] and house.store.names == set()


@pytest.mark.semantics("R2", "R3")
async def test_sessions_hold_their_segments_until_they_go_and_then_for_the_grace(house: House) -> None:
    await house.create("match", 4, 10)  # segments 2, 3, 4
    await house.create("open", 30, None)
    await house.feed(*run_of(20))
    assert (house.state("match"), house.state("open")) == ("FINISHED", "LIVE")
    await house.sweep_until(64)  # its first segment ends at 6: due at 66
    assert house.state("match") == "FINISHED" and house.kept[:2] == [1, 2]
    await house.sweep_until(66)
    assert house.state("match") is None and not any("dvr/match" in name for name in house.store.names)
    assert house.kept[:2] == [1, 2], "a player that has the playlist goes on for as long as it lasts: 6 s"
    await house.sweep_until(73)
    assert house.kept[0] == 7
    await house.sweep_until(3600, step=60)
    assert house.state("open") == "LIVE" and house.kept == list(range(14, 20))
    assert house.rows("retired") == []
    check_listings(house.store)
    check_no_orphans(house)


@pytest.mark.semantics("R2")
async def test_a_session_that_waits_for_its_window_holds_nothing_but_that(house: House) -> None:
    await house.create("later", 3600, None)
    await house.feed(*run_of(10))
    await house.sweep_until(600, step=30)
    assert house.state("later") == "SCHEDULED" and house.kept == [9]


@pytest.mark.semantics("R3")
async def test_a_session_that_outlived_its_first_segment_stays_a_retention_window_after_its_end(house: House) -> None:
    await house.create("long", 0, 100)
    await house.feed(*run_of(30))
    await house.sweep()
    await house.feed(*run_of(25, first=30))
    assert house.state("long") == "FINISHED"
    ended = house.clock.now()
    await house.sweep_until((ended - T0) / SECOND + RETENTION - 2)
    assert house.state("long") == "FINISHED" and house.kept[0] == 0
    await house.sweep()
    await house.sweep_until((ended - T0) / SECOND + RETENTION)
    assert house.state("long") is None


@pytest.mark.semantics("R3")
async def test_a_pinned_session_stays_until_the_pin_is_taken_off(house: House) -> None:
    await house.create("kept", 4, 10, PINNED)
    await house.feed(*run_of(20))
    await house.sweep_until(7200, step=60)
    assert house.state("kept") == "FINISHED" and house.kept == [1, 2, 3, 4, 19]
    check_listings(house.store)
    await house.manager.update("kept", labels={})
    await house.sweep_until(7300)
    assert house.state("kept") is None and house.kept == [19]
    check_no_orphans(house)


@pytest.mark.semantics("R3")
async def test_a_session_pinned_while_the_sweep_looks_is_not_deleted(house: House) -> None:
    await house.create("kept", 4, 10)
    await house.feed(*run_of(20))
    house.clock.advance(HOUR)
    async with house.manager.nothing_changes():
        sweep = asyncio.create_task(house.sweeper.sweep(house.clock.now()))
        await asyncio.sleep(0)  # it has decided, and waits for its turn
        row = house.catalog.read(lambda db: session_rows.get_session(db, "live", "kept"))
        await house.catalog.write(lambda db: session_rows.put_session(db, replace(row, labels=PINNED)))
    await sweep
    await house.rest()
    assert house.state("kept") == "FINISHED" and house.kept == [1, 2, 3, 4, 19]


@pytest.mark.semantics("R3", "S15")
async def test_a_failed_session_goes_a_retention_window_after_it_failed(house: House) -> None:
    await house.feed(*run_of(3))
    await house.create("empty", 10, 20)
    await house.feed(*run_of(3, first=3, start=30))
    assert house.state("empty") == "FAILED"
    ended = (house.clock.now() - T0) / SECOND
    await house.sweep_until(ended + RETENTION - 1, step=1)
    assert house.state("empty") == "FAILED"
    await house.sweep_until(ended + RETENTION)
    assert house.state("empty") is None


@pytest.mark.semantics("R4", "O6")
async def test_a_replaced_edition_keeps_its_playlist_for_the_grace_and_its_segments_for_another(house: House) -> None:
    await house.create("match", 0, 10, PINNED)
    await house.feed(*run_of(10))
    await house.manager.update("match", intervals=[between(6, 12)])
    await house.rest()
    assert house.state("match") == "FINISHED"
    begun = (house.clock.now() - T0) / SECOND
    old, new = (f"dvr/match/av/index-{n}.m3u8" for n in (1, 2))
    house.clock.advance(9 * SECOND)  # the old edition lasts 10 s
    await house.sweep()
    assert {old, new} <= house.store.names
    await house.sweep_until(begun + 10, step=1)
    assert old not in house.store.names and new in house.store.names
    expired = house.channel.model_copy(update={"retention_window": timedelta(0)})  # all has
    house.sweeper._held = replace(house.sweeper._held, channel=expired)
    await house.sweep_until(begun + 19, step=1)
    assert house.kept[0] == 0, "a player that has the old playlist still fetches what it lists"
    await house.sweep_until(begun + 20, step=1)
    assert house.kept == [2, 3, 4, 5, 9] and house.rows("retired") == []
    check_no_orphans(house)


@pytest.mark.semantics("R4", "S15", "S16")
async def test_the_grace_of_a_deleted_session_is_as_long_when_the_controller_died_meanwhile(tmp_path: Path) -> None:
    store = Store(Fuse())
    async with opened(tmp_path, store) as house:
        await house.create("match", 0, None)
        await house.feed(*run_of(10))
        store.refuses = lambda name: StorageError("timed out", field=name, passing=True)
        with pytest.raises(StorageError, match="timed out"):
            await house.manager.delete("match")
    store.refuses = lambda _: None
    async with opened(tmp_path, store, now=at(20)) as house:
        assert house.state("match") is None
        assert [row["segments_until"] for row in house.rows("retired")] == [at(40)], "its playlist lasted 20 s"


@pytest.mark.semantics("R4")
async def test_a_replaced_playlist_that_storage_keeps_keeps_its_segments(house: House) -> None:
    await house.create("match", 0, 10, PINNED)
    await house.feed(*run_of(10))
    await house.manager.update("match", intervals=[between(6, 12)])
    await house.rest()
    await house.create("other", 12, 16, PINNED)
    await house.manager.update("other", intervals=[between(14, 16)])
    await house.rest()
    old = "dvr/match/av/index-1.m3u8"
    house.store.refuses = lambda name: StorageError("denied", field=name) if name == old else None
    house.clock.advance(HOUR)
    for _ in range(2):
        await house.sweep()
        house.clock.advance(4 * SECOND)  # the grace of the other one
    assert [(row["session"], row["edition"]) for row in house.rows("retired")] == [("match", 1)]
    assert old in house.store.names and house.kept == [0, 1, 2, 3, 4, 5, 6, 7, 9]
    check_listings(house.store)
    house.store.refuses = lambda _: None
    await house.sweep()
    assert old not in house.store.names
    assert house.kept == [0, 1, 2, 3, 4, 5, 6, 7, 9], "from here on they have their grace: the playlist lasted 10 s"
    house.clock.advance(10 * SECOND)
    for _ in range(2):
        await house.sweep()
    assert house.kept == [2, 3, 4, 5, 6, 7, 9] and house.rows("retired") == []
    check_no_orphans(house)


@pytest.mark.semantics("R4", "S15")
async def test_a_new_session_over_what_a_deleted_one_held_is_served(house: House) -> None:
    await house.create("kept", 4, 10, PINNED)
    await house.feed(*run_of(40))
    house.clock.advance(RETENTION * SECOND)
    await house.sweep()
    assert house.kept == [1, 2, 3, 4, *range(40, 40), 39]
    await house.create("again", 0, 200)
    house.facts = replace(house.facts, frontier=at(300))
    house.manager.wake()
    await house.rest()
    again = house.manager.get("again")
    assert again.state == "FINISHED" and again.segments == len(house.kept)
    assert any(gap.reason == "outside kept range" for gap in again.gaps)
    text = house.store.get("dvr/again/av/index-1.m3u8").decode()
    assert text.count("#EXT-X-DISCONTINUITY\n") == 1
    check_listings(house.store)


@pytest.mark.semantics("R4")
async def test_what_storage_does_not_delete_is_shown_once_and_goes_later(house: House) -> None:
    await house.feed(*run_of(10))
    stuck = segment_name("av", RUN, 3, "fmp4")
    house.store.refuses = lambda name: StorageError("permission denied", field=name) if name == stuck else None
    house.clock.advance(HOUR)
    await house.sweep()
    await house.sweep()
    assert house.store.names == {init_name("av", RUN), stuck, segment_name("av", RUN, 9, "fmp4")}
    assert house.events == [("RETENTION_FAILED", f"{stuck}: permission denied")]
    assert [(row["number"], row["leaving"]) for row in house.rows("segments")] == [(3, 1), (9, 0)]
    house.store.refuses = lambda _: None
    await house.sweep()
    check_no_orphans(house)
    assert house.kept == [9] and len(house.events) == 1


@pytest.mark.semantics("R4")
async def test_while_storage_is_away_nothing_else_is_tried(house: House) -> None:
    await house.feed(*run_of(300))
    house.store.refuses = lambda name: StorageError("timed out", field=name, passing=True)
    house.clock.advance(HOUR)
    await house.sweep()
    assert len(house.store.asked) == 1
    house.store.refuses = lambda _: None
    await house.sweep()
    check_no_orphans(house)
    assert house.kept == [299]


@pytest.mark.semantics("R4")
async def test_a_run_s_row_stays_until_storage_has_told_what_it_left(house: House) -> None:
    await house.feed(*run_of(2))
    await house.end_run(RUN)
    await house.feed(*run_of(2, first=2, run=SECOND_RUN))
    house.clock.advance(HOUR)
    house.store.refuses = lambda name: StorageError("denied") if name.endswith("/") or "init" in name else None
    await house.sweep()
    assert len(house.rows("runs")) == 2
    house.store.refuses = lambda _: None
    await house.sweep()
    check_no_orphans(house)
    assert len(house.rows("runs")) == 1


async def test_the_task_sweeps_again_after_each_pause_whatever_the_catalog_says(house: House) -> None:
    await house.feed(*run_of(5))
    house.task.cancel()
    await asyncio.gather(house.task, return_exceptions=True)
    task = asyncio.create_task(house.sweeper.run())
    await house.clock.asleep()
    assert house.kept == list(range(5))
    await house.catalog.write(lambda db: channel_rows.raise_owner_epoch(db, "live"))  # somebody else has the channel
    house.clock.advance(HOUR)
    await house.clock.asleep()
    assert house.kept == list(range(5)), "refused: ABORTED"
    await house.catalog.write(lambda db: db.execute("UPDATE channels SET owner_epoch = owner_epoch - 1"))
    house.clock.advance(10 * SECOND)
    await house.clock.asleep()
    assert house.kept == [4]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def disk(free: int) -> Disk:
    """The mark lies at 100 + 50 = 150 segments' bytes."""
    return Disk(1000 * SIZE, free, 100 * SIZE)


# Interrupted anywhere.


async def live_a_life(house: House) -> None:
    """Everything at once: what has expired, been replaced, deleted, ended, what is pinned, and what runs."""
    await house.create("old", 0, 6)
    await house.create("pinned", 8, 12, PINNED)
    await house.create("patched", 14, 20, PINNED)
    await house.create("open", 40, None)
    await house.feed(*run_of(15))
    await house.end_run(RUN)
    await house.feed(*run_of(15, first=15, run=SECOND_RUN))
    await house.create("again", 16, 18)
    await house.manager.update("patched", intervals=[between(14, 18)])
    await house.rest()
    await house.manager.delete("again")
    await house.catalog.write(lambda db: segment_rows.add_run(db, "idle", "live", house.clock.now()))
    await house.end_run("idle")
    assert {one.session_id: one.state for one in house.manager.list()} == {
        "old": "FINISHED",
        "pinned": "FINISHED",
        "patched": "FINISHED",
        "open": "LIVE",
    }


async def drain(house: House, pressed: bool) -> None:
    """Sweeps until nothing is left to be done: everything expires, every grace ends."""
    if pressed:
        house.disk = disk(130 * SIZE)
        await house.sweep()
    for _ in range(3):
        house.clock.advance(RETENTION * SECOND)
        await house.sweep()


@pytest.mark.semantics("R1", "R2", "R3", "R4", "R5", "S16")
@pytest.mark.parametrize("pressed", [False, True], ids=["expired", "disk pressure"])
async def test_a_sweep_that_is_killed_at_any_step_is_finished_by_the_next_controller(
    tmp_path: Path, pressed: bool
) -> None:
    first = Store(Fuse())
    (tmp_path / "life").mkdir()
    async with opened(tmp_path / "life", first) as house:
        await live_a_life(house)
        now = house.clock.now()
    objects = dict(first._objects)

    async def outcome(n: int) -> tuple[bool, set[str], list[Any]]:
        """Whether the fuse burnt, and what is there when the next controller has swept."""
        folder = tmp_path / str(n)
        shutil.copytree(tmp_path / "life", folder)
        store = Store(Fuse())
        store._objects = dict(objects)
        async with opened(folder, store, now=now) as house:
            store.fuse.set(n, after=True)  # right before the next one is the same
            try:
                await drain(house, pressed)
            except Crash:
                check_listings(store)
            died = house.clock.now()
        burnt = store.fuse.has_burnt
        store.fuse = Fuse()
        async with opened(folder, store, now=died) as house:
            check_listings(store)
            known = house.known.timeline.segments("av")
            assert {segment_name("av", one.run, one.index, "fmp4") for one in known} <= store.names
            await drain(house, pressed)
            check_listings(store)
            check_no_orphans(house)
            rows = [house.kept, *(house.rows(table) for table in ("runs", "retired"))]
            states = {one.session_id: one.state for one in house.manager.list()}
            assert ("SESSION_RECLAIMED" in {kind for kind, _ in house.events}) is pressed
            shutil.rmtree(folder)
            return burnt, store.names, [rows, states]

    burnt, names, rows = await outcome(10_000)
    assert not burnt
    assert rows[1] == {"pinned": "FINISHED", "patched": "FINISHED", "open": "LIVE"}
    assert rows[0][0] == [3, 4, 5, 6, 7, 8, *range(19, 30)]
    n, burnt = 0, True
    while burnt:
        n += 1
        burnt, *left = await outcome(n)
        assert left == [names, rows], f"killed at step {n}"
    assert n > 25, "there are that many steps to be killed at"


# Disk pressure.


@pytest.mark.semantics("R5")
async def test_segments_that_no_session_lists_go_early_oldest_first(house: House) -> None:
    await house.create("match", 2, 6)
    await house.feed(*run_of(20))
    house.disk = disk(150 * SIZE)
    await house.sweep()
    assert house.kept == list(range(20)), "at the mark there is no pressure"
    house.disk = disk(146 * SIZE)
    await house.sweep()
    assert house.kept == [0, 1, 2, *range(7, 20)], "0 is the one before what it lists"
    assert [kind for kind, _ in house.events] == ["SEGMENTS_RECLAIMED"]
    await house.sweep()
    assert len(house.events) == 1, "once an episode"
    assert house.state("match") == "FINISHED"
    check_listings(house.store)
    check_no_orphans(house)


@pytest.mark.semantics("R5")
async def test_then_the_oldest_finished_sessions_go_whole_and_nothing_else(house: House) -> None:
    await house.create("pinned", 0, 4, PINNED)
    await house.create("a-later", 14, 20)
    await house.create("b-earlier", 8, 12)
    await house.create("open", 24, None)
    await house.feed(*run_of(20))
    house.disk = disk(146 * SIZE)
    await house.sweep()
    assert {one.session_id: one.state for one in house.manager.list()} == {
        "pinned": "FINISHED",
        "a-later": "FINISHED",
        "open": "LIVE",
    }
    reclaimed = [text for kind, text in house.events if kind == "SESSION_RECLAIMED"]
    assert len(reclaimed) == 1 and "'b-earlier'" in reclaimed[0] and str(3 * SIZE) in reclaimed[0]
    house.disk = disk(148 * SIZE)  # what nobody listed has gone
    await house.sweep()
    assert house.state("a-later") == "FINISHED", "what waits for its grace counts"
    house.disk = disk(110 * SIZE)
    await house.sweep()
    assert house.state("a-later") is None
    await house.sweep()
    pressed = [text for kind, text in house.events if kind == "DISK_PRESSURE"]
    assert len(pressed) == 1 and "nothing more can be removed" in pressed[0]
    assert {one.session_id for one in house.manager.list()} == {"pinned", "open"}
    check_listings(house.store)
    await house.sweep_until(60)
    assert set(house.kept) == {0, 1, *range(11, 20)}
    check_no_orphans(house)


@pytest.mark.semantics("R5")
async def test_an_episode_is_over_well_above_the_mark(house: House) -> None:
    await house.create("open", 0, None)
    await house.feed(*run_of(5))
    for free, told in ((149, 1), (151, 1), (149, 1), (199, 1), (149, 1), (200, 1), (149, 2)):
        house.disk = disk(free * SIZE)
        await house.sweep()
        assert len([kind for kind, _ in house.events if kind == "DISK_PRESSURE"]) == told
    assert house.state("open") == "LIVE" and house.kept == list(range(5))


@pytest.mark.semantics("R5", "R4")
async def test_before_the_recording_would_be_stopped_a_grace_is_cut_short(house: House) -> None:
    await house.create("match", 0, 6)
    await house.create("open", 10, None)
    await house.feed(*run_of(10))
    await house.manager.delete("match")
    house.disk = disk(126 * SIZE)  # a quarter of the margin is used up
    await house.sweep()
    assert house.kept[0] == 0, "its grace is 6 s"
    house.disk = disk(124 * SIZE)
    await house.sweep()
    assert house.kept == list(range(4, 10))
    check_no_orphans(house)


@pytest.mark.semantics("R5")
async def test_what_storage_has_not_deleted_yet_is_not_reclaimed_twice(house: House) -> None:
    await house.create("match", 20, 40)
    await house.feed(*run_of(20))
    house.store.refuses = lambda name: StorageError("timed out", field=name, passing=True)
    house.disk = disk(145 * SIZE)
    for _ in range(3):
        await house.sweep()
    assert house.state("match") == "FINISHED"
    assert house.kept == list(range(5, 20))


async def test_a_disk_that_cannot_be_looked_at_is_shown(house: House) -> None:
    def fails() -> Disk:
        raise OSError(5, "Input/output error")

    house.sweeper._disk = fails
    await house.sweep()
    assert [kind for kind, _ in house.events] == ["RETENTION_FAILED"]
    with pytest.raises(NotFound):
        house.manager.get("anything")


def test_the_marks_of_a_disk() -> None:
    small = Disk(1000, 0, 100)
    assert small.margin == 50 and Disk(1 << 50, 0, 0).margin == 1 << 30
    assert Disk(1000, 150, 100).deficit == 0 and Disk(1000, 149, 100).deficit == 1
    assert [Disk(1000, free, 100).is_dire for free in (124, 125)] == [True, False]
    assert [Disk(1000, free, 100).is_calm for free in (199, 200)] == [False, True]


@pytest.mark.semantics("P9", "R1", "R2")
async def test_date_ranges_go_with_the_segments_of_their_time_unless_somebody_lists_them(house: House) -> None:
    ranges = [date_range(0, end=-7200), date_range(1, end=9)]
    await house.catalog.write(lambda db: range_rows.commit_tags(db, "live", ranges), house.owner)
    house.known.ranges.append(ranges)
    await house.feed(*run_of(10))
    await house.create("kept", 4, 8, PINNED)
    await house.sweep()
    assert [tag.serial for tag in house.known.ranges] == [1]
    house.clock.advance(9 * HOUR)
    await house.sweep()
    assert [row["serial"] for row in house.rows("range_tags")] == [1], "a session's window meets it"
    await house.manager.delete("kept")
    house.clock.advance(HOUR)
    await house.sweep()
    assert house.rows("range_tags") == [] == list(house.known.ranges)


def date_range(serial: int, *, end: int) -> RangeTag:
    """A range of a second that ends ``end`` seconds after T0."""
    return RangeTag(serial, f"x-{serial}", "x", at(end - 1), None, False, at(end), "SCTE35-OUT", b"", {"av": 0})
