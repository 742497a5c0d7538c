from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from builders import MEDIA, RUN, SECOND_RUN, T0, channel, commit, segment
from livedvr.catalog import channel_rows, segment_rows
from livedvr.catalog.catalog import Catalog, Owner
from livedvr.resources.errors import Aborted, StorageError
from livedvr.timeline.clock import RunClock, Sample


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "catalog.sqlite3"


@pytest.fixture
def catalog(path: Path) -> Iterator[Catalog]:
    opened = Catalog(path)
    yield opened
    opened.close()


def started(*names: str):
    """A job that stores an event for each name."""

    def work(db: sqlite3.Connection) -> str:
        for name in names:
            channel_rows.add_event(db, "live", T0, name, "")
        return names[-1]

    return work


def events(catalog: Catalog) -> list[str]:
    return [kind for _, kind, _ in catalog.read(lambda db: channel_rows.list_events(db, "live"))]


async def with_channel(catalog: Catalog) -> Owner:
    await catalog.write(lambda db: channel_rows.put_channel(db, channel()))
    return Owner("live", await catalog.write(lambda db: channel_rows.raise_owner_epoch(db, "live")))


class Held:
    """Holds the writer thread in a job, so that what is written meanwhile waits and is committed together."""

    def __init__(self, catalog: Catalog) -> None:
        self._release = threading.Event()
        self._job = asyncio.ensure_future(catalog.write(lambda _: self._release.wait(10)))

    async def let_go(self) -> None:
        # The jobs' tasks have to be started, so that they stand in the queue.
        for _ in range(3):
            await asyncio.sleep(0)
        self._release.set()
        await self._job


async def test_a_write_answers_with_the_job_s_result_once_it_can_be_read(catalog: Catalog) -> None:
    await with_channel(catalog)
    assert await catalog.write(started("one", "two")) == "two"
    assert events(catalog) == ["one", "two"]


async def test_a_job_is_all_or_nothing(catalog: Catalog) -> None:
    await with_channel(catalog)

    def half_way(db: sqlite3.Connection) -> None:
        started("half")(db)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await catalog.write(half_way)
    assert events(catalog) == []


@pytest.mark.parametrize("error", [ValueError("no"), sqlite3.IntegrityError("no"), Aborted("no")])
async def test_a_failing_job_does_not_take_its_neighbours_with_it(catalog: Catalog, error: Exception) -> None:
    await with_channel(catalog)

    def fails(db: sqlite3.Connection) -> None:
        started("never")(db)
        raise error

    held = Held(catalog)
    jobs = [asyncio.ensure_future(catalog.write(work)) for work in (started("before"), fails, started("after"))]
    await held.let_go()
    answers = await asyncio.gather(*jobs, return_exceptions=True)
    assert answers == ["before", error, "after"]
    assert events(catalog) == ["before", "after"]


async def test_a_unique_row_that_comes_twice_fails_alone(catalog: Catalog) -> None:
    await with_channel(catalog)
    held = Held(catalog)
    jobs = [
        asyncio.ensure_future(catalog.write(work))
        for work in (
            started("before"),
            lambda db: segment_rows.add_run(db, RUN, "live", T0),
            lambda db: segment_rows.add_run(db, RUN, "live", T0),
            started("after"),
        )
    ]
    await held.let_go()
    answers = await asyncio.gather(*jobs, return_exceptions=True)
    assert [type(answer) for answer in answers] == [str, type(None), sqlite3.IntegrityError, str]
    assert events(catalog) == ["before", "after"]


async def test_writes_are_done_in_the_order_they_were_asked_for(catalog: Catalog) -> None:
    await with_channel(catalog)
    held = Held(catalog)
    jobs = [asyncio.ensure_future(catalog.write(started(str(n)))) for n in range(50)]
    await held.let_go()
    await asyncio.gather(*jobs)
    assert events(catalog) == [str(n) for n in range(50)]


async def test_what_was_answered_is_there_when_the_catalog_is_opened_again(path: Path) -> None:
    first = Catalog(path)
    await with_channel(first)
    await first.write(started("kept"))
    first.close()
    second = Catalog(path)
    assert events(second) == ["kept"]
    assert second.read(channel_rows.list_channels)[0].channel == channel()
    second.close()


async def test_another_process_sees_only_what_is_committed(path: Path, catalog: Catalog) -> None:
    await with_channel(catalog)
    other = sqlite3.connect(path)
    seen: list[int] = []

    def look_in_between(db: sqlite3.Connection) -> None:
        started("one")(db)
        other_in_thread = sqlite3.connect(path)
        seen.append(other_in_thread.execute("SELECT count(*) FROM events").fetchone()[0])
        other_in_thread.close()

    await catalog.write(look_in_between)
    seen.append(other.execute("SELECT count(*) FROM events").fetchone()[0])
    other.close()
    assert seen == [0, 1]


async def test_close_commits_what_waits(path: Path) -> None:
    catalog = Catalog(path)
    await with_channel(catalog)
    held = Held(catalog)
    job = asyncio.ensure_future(catalog.write(started("last")))
    closing = asyncio.ensure_future(asyncio.to_thread(catalog.close))
    await held.let_go()
    assert await job == "last"
    await closing
    again = Catalog(path)
    assert events(again) == ["last"]
    again.close()


async def test_a_waiter_that_is_cancelled_does_not_cancel_what_it_asked_for(catalog: Catalog) -> None:
    await with_channel(catalog)
    held = Held(catalog)
    job = asyncio.ensure_future(catalog.write(started("asked for")))
    await asyncio.sleep(0)
    job.cancel()
    await held.let_go()
    await catalog.write(started("later"))
    assert job.cancelled()
    assert events(catalog) == ["asked for", "later"]


async def test_an_older_owner_is_refused_and_its_job_not_run(catalog: Catalog) -> None:
    old = await with_channel(catalog)
    new = Owner("live", await catalog.write(lambda db: channel_rows.raise_owner_epoch(db, "live")))
    assert new.epoch == old.epoch + 1
    ran: list[str] = []
    with pytest.raises(Aborted, match="another controller"):
        await catalog.write(lambda _: ran.append("old"), old)
    assert ran == []
    assert await catalog.write(started("new"), new) == "new"


async def test_the_owner_is_looked_up_in_the_same_transaction_as_the_write(catalog: Catalog) -> None:
    old = await with_channel(catalog)
    held = Held(catalog)
    taking_over = asyncio.ensure_future(catalog.write(lambda db: channel_rows.raise_owner_epoch(db, "live")))
    late = asyncio.ensure_future(catalog.write(started("late"), old))
    await held.let_go()
    await taking_over
    with pytest.raises(Aborted):
        await late
    assert events(catalog) == []


async def test_fencing_one_channel_leaves_the_others_alone(catalog: Catalog) -> None:
    await with_channel(catalog)
    await catalog.write(lambda db: channel_rows.put_channel(db, channel(channel_id="other")))
    other = Owner("other", await catalog.write(lambda db: channel_rows.raise_owner_epoch(db, "other")))
    await catalog.write(lambda db: channel_rows.raise_owner_epoch(db, "live"))
    assert await catalog.write(started("fine"), other) == "fine"


@pytest.mark.semantics("S16")
async def test_a_journal_row_becomes_a_segment_once(catalog: Catalog) -> None:
    owner = await with_channel(catalog)
    clock = RunClock((Sample(0, T0),)).anchored()
    await catalog.write(lambda db: segment_rows.add_run(db, RUN, "live", T0), owner)
    await catalog.write(lambda db: commit(db, [segment(0)], clock), owner)
    same_file = segment(2, index=0)  # the next number, but the same run, mux and index
    later = RunClock((Sample(0, T0),), T0 + 5)
    with pytest.raises(sqlite3.IntegrityError):
        await catalog.write(
            lambda db: segment_rows.commit_segments(
                db, "live", RUN, {"av": [segment(1), same_file]}, later, {"av": MEDIA}
            ),
            owner,
        )
    assert list(catalog.read(lambda db: segment_rows.list_segments(db, "live", "av"))) == [segment(0)]
    assert (
        catalog.read(lambda db: segment_rows.list_runs(db, "live"))[0].clock == clock
    )  # the clock's state goes with them


@pytest.mark.semantics("S16")
async def test_the_same_index_of_another_run_or_mux_is_another_segment(catalog: Catalog) -> None:
    owner = await with_channel(catalog)
    clock = RunClock((Sample(0, T0),)).anchored()
    for run in (RUN, SECOND_RUN):
        await catalog.write(lambda db, run=run: segment_rows.add_run(db, run, "live", T0), owner)
    for mux, one in (("av", segment(0)), ("low", segment(0)), ("av", segment(1, run=SECOND_RUN, index=0))):
        await catalog.write(
            lambda db, mux=mux, one=one: segment_rows.commit_segments(
                db, "live", one.run, {mux: [one]}, clock, {mux: MEDIA}
            ),
            owner,
        )
    assert len(catalog.read(lambda db: segment_rows.list_segments(db, "live", "av"))) == 2


async def test_a_number_is_given_once_in_a_rendition(catalog: Catalog) -> None:
    owner = await with_channel(catalog)
    clock = RunClock((Sample(0, T0),)).anchored()
    await catalog.write(lambda db: segment_rows.add_run(db, RUN, "live", T0), owner)
    with pytest.raises(sqlite3.IntegrityError):
        await catalog.write(
            lambda db: segment_rows.commit_segments(
                db, "live", RUN, {"av": [segment(0), segment(0, index=1)]}, clock, {"av": MEDIA}
            ),
            owner,
        )


async def test_rows_of_a_channel_that_does_not_exist_are_refused(catalog: Catalog) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        await catalog.write(lambda db: segment_rows.add_run(db, RUN, "nobody", T0))


async def test_what_is_committed_survives_a_power_cut(catalog: Catalog) -> None:
    settings = [
        await catalog.write(lambda db, name=name: db.execute(f"PRAGMA {name}").fetchone()[0])
        for name in ("journal_mode", "synchronous", "foreign_keys")
    ]
    assert settings == ["wal", 2, 1]  # 2 is FULL


@pytest.mark.parametrize("trouble", ["no folder", "no database"])
def test_a_catalog_that_cannot_be_opened_is_a_storage_error_naming_the_file(path: Path, trouble: str) -> None:
    if trouble == "no folder":
        path = path.parent / "missing" / "catalog.sqlite3"
    else:
        path.write_bytes(b"this is no database, it only looks like a file" * 100)
    with pytest.raises(StorageError) as refused:
        Catalog(path)
    assert refused.value.field == str(path)


async def test_a_database_in_trouble_is_a_storage_error_and_the_next_write_is_tried_again(catalog: Catalog) -> None:
    await with_channel(catalog)

    def full(_db: sqlite3.Connection) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with pytest.raises(StorageError, match="disk is full"):
        await catalog.write(full)
    assert await catalog.write(started("again")) == "again"
