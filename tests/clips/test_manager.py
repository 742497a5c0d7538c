"""A channel's clips as a controller makes them, without ffmpeg."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from builders import RUN, at
from clip_house import ClipHouse
from live import until
from livedvr.catalog import clip_rows
from livedvr.channel_deletion import mark_deleting
from livedvr.resources.errors import (
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    LiveDvrError,
    NotFound,
    StorageError,
)
from livedvr.resources.layout import segment_name
from livedvr.resources.models import to_datetime
from livedvr.resources.times import SECOND
from livedvr.sessions.plan import Facts
from livedvr.storage.base import ObjectStore
from livedvr.storage.local import LocalStore


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[ClipHouse]:
    made = await ClipHouse(tmp_path).open()
    yield made
    await made.close()


def media_of(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*.m4s")}


@pytest.mark.semantics("W5")
async def test_a_clip_is_made_and_says_what_it_is(house: ClipHouse) -> None:
    pending = await house.create(labels={"team": "home"})
    assert (pending.state, pending.edges, pending.start_time) == ("PENDING", (), None)
    house.work()
    made = await house.until_ended()
    assert made.state == "SUCCEEDED"
    assert [(e.start_time, e.end_time) for e in made.edges] == [(to_datetime(at(2)), to_datetime(at(6)))]
    assert (made.duration.total_seconds(), made.size_bytes, made.labels) == (4, 1_000_000, {"team": "home"})
    assert made.manifest_uri == str(house.folder / "goal/main.m3u8")
    assert media_of(house.folder / "goal") == {"segment-000001.m4s", "segment-000002.m4s"}
    assert house.clips.list() == [made] and house.clips.held() == []


async def test_deleting_the_record_leaves_the_files(house: ClipHouse) -> None:
    await house.create()
    house.work()
    await house.until_ended()
    await house.clips.delete("goal")
    assert house.clips.list() == [] and (house.folder / "goal/main.m3u8").exists()
    with pytest.raises(NotFound):
        await house.clips.delete("goal")
    with pytest.raises(AlreadyExists, match=r"main\.m3u8 exists already"):
        await house.create()


async def test_media_on_its_way_is_waited_for(house: ClipHouse) -> None:
    house.facts = Facts(at(9))
    await house.create("late", 7, 10)
    house.work()
    await house.clock.asleep()
    assert house.clips.get("late").state == "PENDING"
    house.facts = Facts(at(10))
    house.clock.advance(SECOND)
    assert (await house.until_ended("late")).state == "SUCCEEDED"


async def test_where_nothing_is_recorded_nothing_is_waited_for(house: ClipHouse) -> None:
    house.facts = Facts(at(0), drained=True)
    await house.create("late", 7, 10)
    house.work()
    assert (await house.until_ended("late")).state == "SUCCEEDED"


async def test_media_that_never_came_fails_it(house: ClipHouse) -> None:
    house.clock.advance(10 * SECOND)
    await house.create("late", 12, 14)
    house.work()
    await house.clock.asleep()
    house.facts = Facts(at(20))
    house.clock.advance(SECOND)
    failed = await house.until_ended("late")
    assert (failed.state, failed.error) == ("FAILED", "NOT_FOUND: no media in the slices")


@pytest.mark.semantics("R1", "R4")
async def test_retention_takes_nothing_from_a_clip_that_is_still_to_be_made(house: ClipHouse) -> None:
    await house.create()
    house.clock.advance(3600 * SECOND)
    await house.sweeper.sweep(house.clock.now())
    kept = [one.number for one in house.known.timeline.segments("av")]
    assert kept == [0, 1, 2, 4], "what it holds with the one before, and the newest"
    house.work()
    assert (await house.until_ended()).state == "SUCCEEDED"
    await house.sweeper.sweep(house.clock.now())
    assert [one.number for one in house.known.timeline.segments("av")] == [4]
    assert media_of(house.folder / "goal") == {"segment-000001.m4s", "segment-000002.m4s"}, "the clip outlives it"


@pytest.mark.parametrize("after", range(5))
async def test_what_a_killed_controller_began_the_next_one_ends(
    house: ClipHouse, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    done = 0

    def dying(real: Callable[..., None]) -> Callable[..., None]:
        def step(self: LocalStore, *given: object) -> None:
            nonlocal done
            if done == after:
                raise RuntimeError("killed")
            done += 1
            real(self, *given)

        return step

    await house.create()
    with monkeypatch.context() as patch:
        for name in ("copy_from", "replace"):
            patch.setattr(LocalStore, name, dying(getattr(LocalStore, name)))
        house.work()
        assert house.task is not None
        with pytest.raises(RuntimeError, match="killed"):
            await house.task
    assert house.clips.get("goal").state == "CREATING"
    assert not (house.folder / "goal/main.m3u8").exists(), "it comes last"
    house.task = None
    await house.close()
    await house.open()
    house.work()
    assert (await house.until_ended()).state == "SUCCEEDED"
    assert len(media_of(house.folder / "goal")) == 2


@pytest.mark.parametrize("passing", [True, False])
async def test_a_passing_fault_is_tried_again_and_a_lasting_one_leaves_nothing(
    house: ClipHouse, monkeypatch: pytest.MonkeyPatch, passing: bool
) -> None:
    real, refused = LocalStore.copy_from, []

    def refusing(self: LocalStore, source: ObjectStore, name: str) -> None:
        if "000002" in name and not refused:
            refused.append(name)
            raise StorageError("disk full", field=name, passing=passing)
        real(self, source, name)

    monkeypatch.setattr(LocalStore, "copy_from", refusing)
    await house.create()
    house.work()
    await house.clock.asleep()
    shown = house.clips.get("goal")
    assert shown.error is not None and shown.error.startswith("UNAVAILABLE: ") and "disk full" in shown.error
    if passing:
        assert shown.state == "CREATING"
        house.clock.advance(SECOND)
        assert (await house.until_ended()).error is None
    else:
        assert shown.state == "FAILED" and not list((house.folder / "goal").rglob("*.*"))


async def test_a_clip_that_is_deleted_while_it_waits_leaves_nothing(house: ClipHouse) -> None:
    await house.create()
    await house.clips.delete("goal")
    house.work()
    await house.clock.asleep()
    assert house.clips.held() == [] and not (house.folder / "goal/main.m3u8").exists()


async def test_a_channel_is_not_deleted_under_a_clip(house: ClipHouse) -> None:
    await house.create()
    with pytest.raises(FailedPrecondition, match="clips that are still being made: goal"):
        await house.catalog.write(lambda db: mark_deleting(db, "live", force=True))
    house.work()
    await house.until_ended()
    await house.catalog.write(lambda db: mark_deleting(db, "live", force=False))


async def test_a_storage_that_refuses_segments_for_good_fails_what_waits_for_them(house: ClipHouse) -> None:
    house.facts = Facts(at(9), storage_error="permission denied")
    await house.create("late", 7, 10)
    house.work()
    assert (await house.until_ended("late")).error == "UNAVAILABLE: permission denied"


@pytest.mark.parametrize(
    ("given", "kind", "text"),
    [
        ({"output_uri": "out"}, InvalidArgument, "belongs to channel 'live'"),
        ({"output_uri": "out/dvr/x"}, InvalidArgument, "belongs to channel 'live'"),
        ({"output_uri": "out/av"}, InvalidArgument, "belongs to channel 'live'"),
        ({"output_uri": "out/clips/../av/x"}, InvalidArgument, "belongs to channel 'live'"),
        ({"output_uri": "ftp://host/x"}, InvalidArgument, "outputUri: 'ftp://host/x' is not an output"),
        ({"manifest_key": "other"}, InvalidArgument, "no manifest 'other'"),
        ({"output_type": "AVI"}, InvalidArgument, "no output type"),
        ({"exact": True}, InvalidArgument, "whole segments"),
    ],
)
async def test_what_is_refused(house: ClipHouse, given: dict[str, object], kind: type[LiveDvrError], text: str) -> None:
    if "://" not in str(given.get("output_uri", "://")):
        given = given | {"output_uri": str(house.folder / str(given["output_uri"]))}
    with pytest.raises(kind, match=text):
        await house.create(**given)
    assert house.clips.list() == [] and house.clips.held() == []


FAKE = """#!/bin/sh
[ "$1" = -version ] && { echo "ffmpeg version 9.0"; exit; }
"""
HANGS, FAILS = "touch started; exec sleep 60", "echo 'Invalid data found' >&2; exit 183"


def ffmpeg(house: ClipHouse, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    path = house.folder / "ffmpeg"
    path.write_text(FAKE + script)
    path.chmod(0o755)
    monkeypatch.setenv("LIVEDVR_FFMPEG", str(path))


async def at_work(house: ClipHouse, clip: str) -> None:
    await asyncio.to_thread(
        until, lambda: list((house.folder / clip).glob(f".livedvr-live.{clip}.*/started")), "ffmpeg is at work"
    )


async def test_an_mp4_that_is_given_up_leaves_nothing(house: ClipHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    ffmpeg(house, monkeypatch, HANGS)
    await house.create(output_type="MP4")
    house.work()
    await at_work(house, "goal")
    await house.clips.delete("goal")
    await house.clock.asleep()
    assert list((house.folder / "goal").iterdir()) == [] and house.clips.list() == []


async def test_an_mp4_whose_controller_leaves_is_made_anew_by_the_next_one(
    house: ClipHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    ffmpeg(house, monkeypatch, HANGS)
    await house.create(output_type="MP4")
    house.work()
    await at_work(house, "goal")
    await house.close()
    assert list((house.folder / "goal").iterdir()) == []
    (house.folder / "goal/.livedvr-live.goal.killed").mkdir()  # what one that is killed leaves
    (house.folder / "goal/main.mp4").write_bytes(b"and right behind it")
    ffmpeg(house, monkeypatch, FAILS)
    await house.open()
    assert house.clips.get("goal").state == "CREATING"
    house.work()
    failed = await house.until_ended()
    assert (failed.state, failed.error) == ("FAILED", "INTERNAL: ffmpeg ended with code 183: Invalid data found")
    assert list((house.folder / "goal").iterdir()) == []


async def test_a_segment_that_is_not_there_fails_the_clip_and_nothing_else(
    house: ClipHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    ffmpeg(house, monkeypatch, FAILS)
    (house.folder / "out" / segment_name("av", RUN, 1, "fmp4")).unlink()
    await house.create(output_type="MP4", exact=True)
    await house.create("list")
    house.work()
    for clip, code in (("goal", "UNAVAILABLE"), ("list", "NOT_FOUND")):
        failed = await house.until_ended(clip)
        assert failed.state == "FAILED" and failed.error is not None
        assert failed.error.startswith(code) and "segment-000001.m4s" in failed.error
        assert not list((house.folder / clip).rglob("*.*"))
    assert house.task is not None and not house.task.done()


async def test_ids_and_folders_are_taken_once(house: ClipHouse) -> None:
    await house.create()
    with pytest.raises(AlreadyExists, match="clip 'goal' exists already"):
        await house.create()
    with pytest.raises(AlreadyExists, match="another clip is being made there"):
        await house.create("again", output_uri=str(house.folder / "goal"))
    with pytest.raises(InvalidArgument, match="is not an id"):
        await house.create("Goal!")
    inside = await house.create("inside", output_uri=str(house.folder / "out/clips/inside"))
    assert inside.state == "PENDING", "beside a channel's own folders there is room"


async def test_clips_made_at_once_find_a_folder_free_only_once(house: ClipHouse) -> None:
    shared = str(house.folder / "shared")
    answers = await asyncio.gather(
        *(house.create(f"clip-{i}", output_uri=shared) for i in range(4)), return_exceptions=True
    )
    assert [type(one) for one in answers if isinstance(one, Exception)] == [AlreadyExists] * 3
    assert len(house.catalog.read(lambda db: clip_rows.list_clips(db, "live"))) == 1
