from __future__ import annotations

import asyncio
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from builders import channel
from livedvr import LiveDvr, channel_runtime
from livedvr.catalog import channel_rows
from livedvr.catalog.catalog import Catalog
from livedvr.resources.errors import AlreadyExists, FailedPrecondition, NotFound, StorageError
from livedvr.resources.models import WITH_SECRETS, Channel, Input, Manifest
from livedvr.storage import open_store


@pytest.mark.semantics("O1")
async def test_of_two_channels_that_are_created_at_once_on_one_output_one_is_refused(tmp_path: Path) -> None:
    output = str(tmp_path / "out")
    async with LiveDvr(tmp_path / "data") as dvr:
        both = [dvr.channels.create(channel(output, channel_id=name)) for name in ("one", "two")]
        answers = await asyncio.gather(*both, return_exceptions=True)
        assert [type(answer) for answer in answers if isinstance(answer, Exception)] == [FailedPrecondition]
        assert len(await dvr.channels.list()) == 1


@pytest.mark.semantics("O1")
async def test_of_two_channels_that_are_created_at_once_with_one_id_one_is_refused(tmp_path: Path) -> None:
    async with LiveDvr(tmp_path / "data") as dvr:
        both = [dvr.channels.create(channel(str(tmp_path / name))) for name in ("one", "two")]
        answers = await asyncio.gather(*both, return_exceptions=True)
        assert [type(answer) for answer in answers if isinstance(answer, Exception)] == [AlreadyExists]


@pytest.mark.semantics("S14", "R3")
async def test_an_output_that_is_not_mounted_is_no_empty_output(tmp_path: Path) -> None:
    output = tmp_path / "mount" / "out"
    async with LiveDvr(tmp_path / "data") as dvr:
        await dvr.channels.create(channel(str(output)))
    shutil.rmtree(tmp_path / "mount")
    async with LiveDvr(tmp_path / "data") as dvr:
        for asked in (dvr.channels.start("live"), dvr.channels.delete("live", force=True)):
            with pytest.raises(StorageError, match=r"out: .*not there .*mounted"):
                await asked
        assert not output.parent.exists()
        assert [one.channel_id for one in await dvr.channels.list()] == ["live"]
        output.mkdir(parents=True)  # as the hint says
        await dvr.channels.delete("live", force=True)
        assert await dvr.channels.list() == []


@pytest.mark.semantics("R3")
@pytest.mark.parametrize("ended", [False, True])
async def test_a_channel_that_another_controller_deletes_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ended: bool
) -> None:
    """Between the first look at the channel and its lock."""
    catalog = tmp_path / "data" / "catalog.sqlite3"
    async with LiveDvr(tmp_path / "data") as dvr:
        await dvr.channels.create(channel(str(tmp_path / "out")))
        check = open_store.check_local_root

        def deleting(root: Path, *, make: bool) -> None:
            check(root, make=make)
            other = Catalog(catalog)
            work = channel_rows.delete_channel if ended else channel_rows.set_deleting
            with other._writer_connection as db:
                work(db, "live")
            other.close()

        monkeypatch.setattr(open_store, "check_local_root", deleting)
        with pytest.raises(NotFound):
            await dvr.channels.state("live")
        assert await dvr.channels.list() == []


def _note(db: sqlite3.Connection, stored: Channel) -> None:
    db.execute("INSERT INTO operations VALUES (?)", (stored.model_dump_json(context=WITH_SECRETS),))


def _refuse(db: sqlite3.Connection, stored: Channel) -> None:
    _note(db, stored)
    raise AlreadyExists("that request has been answered", field="requestId")


async def test_a_channel_and_what_is_stored_with_it_are_stored_as_one_or_not_at_all(tmp_path: Path) -> None:
    pushed = channel(str(tmp_path / "out"), input=Input(uri="rtmp://:1935/live"))

    async def noted(dvr: LiveDvr) -> list[Channel]:
        rows = await dvr.write(lambda db: db.execute("SELECT response FROM operations").fetchall())
        return [Channel.model_validate_json(row["response"]) for row in rows]

    async with LiveDvr(tmp_path / "data") as dvr:
        await dvr.write(lambda db: db.execute("CREATE TABLE operations (response TEXT)"))
        with pytest.raises(AlreadyExists, match="that request"):
            await dvr.channels.create(pushed, also=_refuse)
        assert (await dvr.channels.list(), await noted(dvr)) == ([], [])

        created = await dvr.channels.create(pushed, also=_note)
        assert created.input.stream_key is not None and await noted(dvr) == [created]

        changed = created.model_copy(update={"manifests": (Manifest(max_segment_count=9),)})
        await dvr.channels.state("live")  # there is a runtime, with the settings that it has
        with pytest.raises(AlreadyExists, match="that request"):
            await dvr.channels.update(changed, also=_refuse)
        assert (await dvr.channels.get("live"), await noted(dvr)) == (created, [created])
        assert (await dvr.runtime("live")).channel == created

        assert await dvr.channels.update(changed, also=_note) == changed
        assert await dvr.channels.update(changed, also=_note) == changed, (
            "nothing changes, and it is noted all the same"
        )
        assert await noted(dvr) == [created, changed, changed]
        assert (await dvr.runtime("live")).channel == changed


@pytest.fixture
def slow_mount(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """The output ``slow`` answers when this is set."""
    answers, check = threading.Event(), open_store.check_local_root

    def wait(root: Path, *, make: bool) -> None:
        if root.name == "slow" and not make:
            answers.wait(30)
        check(root, make=make)

    monkeypatch.setattr(open_store, "check_local_root", wait)
    yield answers
    answers.set()


async def test_an_output_that_is_slow_keeps_no_other_channel_waiting(
    tmp_path: Path, slow_mount: threading.Event
) -> None:
    async with LiveDvr(tmp_path / "data") as dvr:
        for name in ("slow", "fast"):
            await dvr.channels.create(channel(str(tmp_path / name), channel_id=name))
        waits = asyncio.create_task(dvr.channels.state("slow"))
        await asyncio.sleep(0)  # it has begun
        async with asyncio.timeout(10):
            assert (await dvr.channels.state("fast"))[0] == "STOPPED"
        assert not waits.done()
        slow_mount.set()
        assert (await waits)[0] == "STOPPED"


async def test_a_channel_that_is_being_opened_when_all_ends(tmp_path: Path, slow_mount: threading.Event) -> None:
    async with LiveDvr(tmp_path / "data") as dvr:
        await dvr.channels.create(channel(str(tmp_path / "slow"), channel_id="slow"))
        waits = [asyncio.create_task(dvr.channels.state("slow")) for _ in range(2)]
        await asyncio.sleep(0)  # both have begun, one after the other
        asyncio.get_running_loop().call_later(0.1, slow_mount.set)
    opened, refused = await asyncio.gather(*waits, return_exceptions=True)
    assert not isinstance(opened, BaseException) and isinstance(refused, FailedPrecondition)
    async with LiveDvr(tmp_path / "data") as dvr:  # its lock has been let go
        assert (await dvr.channels.state("slow"))[0] == "STOPPED"


async def test_a_channel_that_is_being_started_is_not_at_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What would be changed meanwhile would stop it again, though its start is answered as done."""
    found, find = threading.Event(), channel_runtime.find_ffmpeg

    def find_slowly() -> object:
        found.wait(30)
        return find()

    monkeypatch.setattr(channel_runtime, "find_ffmpeg", find_slowly)
    async with LiveDvr(tmp_path / "data") as dvr:
        await dvr.channels.create(channel(str(tmp_path / "out")))
        assert (await dvr.channels.state("live"))[0] == "STOPPED"
        starting = asyncio.create_task(dvr.channels.start("live"))
        await asyncio.sleep(0)  # it has begun
        assert (await dvr.channels.state("live"))[0] == "STARTING"
        stored = await dvr.channels.get("live")
        with pytest.raises(FailedPrecondition, match="STARTING"):
            await dvr.channels.update(stored.model_copy(update={"retention_window": timedelta(hours=5)}))
        with pytest.raises(FailedPrecondition, match="STARTING"):
            await dvr.channels.delete("live")
        found.set()
        await starting
        assert (await dvr.channels.state("live"))[0] not in ("STOPPED", "STREAMING_ERROR")


@pytest.mark.semantics("O1")
@pytest.mark.parametrize(("first", "second"), [("out", "out/av"), ("out/dvr", "out"), ("out", "out/../out")])
async def test_no_output_lies_in_another_channel_s(tmp_path: Path, first: str, second: str) -> None:
    async with LiveDvr(tmp_path / "data") as dvr:
        await dvr.channels.create(channel(str(tmp_path / first), channel_id="a"))
        with pytest.raises(FailedPrecondition, match="already writes"):
            await dvr.channels.create(channel(str(tmp_path / second), channel_id="b"))
        await dvr.channels.create(channel(str(tmp_path / "outer"), channel_id="b"))
