"""A channel's recordings as a controller carries them, without ffmpeg."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from builders import at
from live import until
from livedvr.catalog import recording_rows
from livedvr.channel_deletion import mark_deleting
from livedvr.resources.errors import (
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    LiveDvrError,
    PermissionDenied,
    StorageError,
)
from livedvr.resources.models import to_datetime
from livedvr.resources.recording import Notify, RecordingSpec
from livedvr.resources.times import SECOND
from livedvr.sessions.plan import Facts
from recording_house import RecordingHouse, spans


async def test_it_begins_with_its_first_media_and_pauses_are_not_in_it(house: RecordingHouse) -> None:
    assert (await house.start()).state == "IDLE"
    await house.bring(2)
    house.clock.advance(SECOND // 2)
    assert spans(await house.recordings.pause("take")) == [(0, 4.5)]
    await house.bring(2)
    assert spans(await house.recordings.resume("take")) == [(0, 4.5), (8, None)]
    await house.bring()
    stopped = await house.recordings.stop("take")
    assert (stopped.state, stopped.end_reason) == ("FINALIZING", "REQUESTED")
    assert spans(stopped) == [(0, 4.5), (8, 10)]


async def test_one_that_pauses_before_its_first_media_begins_with_what_comes_then(house: RecordingHouse) -> None:
    await house.start()
    house.clock.advance(SECOND)
    await house.recordings.pause("take")
    assert (await house.recordings.resume("take")).start_time is None
    await house.bring(2)
    found = house.recordings.get("take")
    assert (found.state, found.start_time) == ("RECORDING", to_datetime(at(0)))
    assert spans(found) == [(0, 1), (1, None)]


async def test_media_that_comes_late_is_of_before_the_pause(house: RecordingHouse) -> None:
    await house.start()
    house.clock.advance(SECOND)
    await house.recordings.pause("take")
    await house.bring(2)
    found = house.recordings.get("take")
    assert (found.state, found.start_time, spans(found)) == ("PAUSED", to_datetime(at(0)), [(0, 1)])


@pytest.mark.parametrize(
    ("limits", "reason", "length"),
    [
        ({"max_duration": 3}, "MAX_DURATION", 3),
        ({"max_time": 5}, "MAX_TIME", 5),
        ({"max_duration": 9, "max_time": 3}, "MAX_TIME", 3),
    ],
)
async def test_a_limit_ends_it_where_it_is(
    house: RecordingHouse, limits: dict[str, int], reason: str, length: float
) -> None:
    await house.start(limits=limits)
    await house.bring(3)
    found = house.recordings.get("take")
    assert (found.end_reason, spans(found)) == (reason, [(0, length)])


async def test_an_encoder_that_vanishes_ends_it_and_what_came_is_kept(house: RecordingHouse) -> None:
    await house.start(limits={"max_idle": 5})
    await house.bring(2)
    house.clock.advance(6 * SECOND)
    house.facts = Facts(at(10))  # no run is open, and none has begun before
    await house.clock.asleep()
    found = house.recordings.get("take")
    assert (found.end_reason, spans(found)) == ("IDLE", [(0, 9)])


async def test_without_any_media_it_is_empty(house: RecordingHouse) -> None:
    await house.start(limits={"max_idle": 5})
    house.clock.advance(6 * SECOND)
    house.facts = Facts(at(6))
    found = await house.ended()
    assert (found.state, found.end_reason, found.files) == ("EMPTY", "IDLE", ())


async def test_a_stop_of_the_channel_ends_it(house: RecordingHouse) -> None:
    await house.start()
    await house.bring()
    await house.recordings.channel_stopped()
    assert house.state() == ("FINALIZING", "CHANNEL_STOPPED")


async def test_a_controller_that_dies_is_followed_by_one_that_goes_on(house: RecordingHouse) -> None:
    await house.start(limits={"max_duration": 7})
    await house.bring(2)
    await house.close()
    await house.open()
    assert house.state() == ("RECORDING", None)
    await house.bring(2)
    assert house.state() == ("FINALIZING", "MAX_DURATION")


@pytest.mark.parametrize("what", ["start", "stop", "delete"])
async def test_who_asks_and_does_not_wait_has_it_done_all_the_same(house: RecordingHouse, what: str) -> None:
    at_work, go = threading.Event(), threading.Event()

    def work(_: object) -> None:
        at_work.set()
        go.wait()

    if what != "start":
        await house.start()
        await house.bring()
    writer = asyncio.create_task(house.catalog.write(work))
    await asyncio.to_thread(at_work.wait)
    asked = asyncio.create_task(house.start() if what == "start" else getattr(house.recordings, what)("take"))
    await asyncio.to_thread(until, house.catalog._jobs.qsize, "it waits for the catalog, which is at work")
    asked.cancel()
    await asyncio.sleep(0)
    go.set()
    await asyncio.wait([asked, writer])
    assert asked.cancelled()
    stored = house.catalog.read(lambda db: recording_rows.unfinished_recordings(db, "live"))
    state = {"start": ["IDLE"], "stop": ["FINALIZING"], "delete": []}[what]
    assert [one.state for one in stored] == state == [one.state for one in house.recordings.list()]
    assert len(house.recordings.held()) == len(state)


async def test_its_media_is_held_until_it_has_ended(house: RecordingHouse) -> None:
    await house.bring(2)
    await house.start()
    await house.bring(3)
    house.clock.advance(100 * SECOND)
    await house.sweeper.sweep(house.clock.now())
    assert {one.number for one in house.known.timeline.segments("av")} >= {2, 3, 4}
    assert house.known.timeline.segments("av")[0].number > 0, "what it does not need goes"
    await house.recordings.cancel("take")
    house.clock.advance(100 * SECOND)
    await house.sweeper.sweep(house.clock.now())
    assert len(house.known.timeline.segments("av")) == 1, "the newest always stays"


async def test_what_cannot_be_made_is_told_and_leaves_nothing(house: RecordingHouse) -> None:
    await house.start()
    await house.bring(2)
    await house.recordings.stop("take")
    await house.bring(1)
    found = await house.ended()
    assert found.state == "FAILED" and found.error, "what the segments hold is no media"
    assert not list((house.folder / "out/recordings").iterdir())
    assert house.recordings.held() == []


def in_the_way(house: RecordingHouse) -> Path:
    """A file of 'take' that no store can delete: a folder."""
    folder = house.folder / "out/recordings"
    (folder / "take.mp4/x").mkdir(parents=True)
    (folder / ".livedvr-placed.live.take").write_text("take.mp4\n")
    return folder / "take.mp4"


async def test_files_that_cannot_go_end_nothing_but_its_recording(house: RecordingHouse) -> None:
    await house.start()
    await house.bring(2)
    await house.recordings.stop("take")
    in_the_way(house)
    await house.bring(1)
    found = await house.ended()
    assert found.state == "FAILED" and "take.mp4" in (found.error or "")
    await house.start("next")
    await house.bring(1)
    assert house.state("next") == ("RECORDING", None)


async def test_what_has_files_that_cannot_go_is_not_forgotten(house: RecordingHouse) -> None:
    await house.start()
    await house.bring(1)
    folder = in_the_way(house)
    with pytest.raises(StorageError):
        await house.recordings.delete("take")
    assert house.state() == ("RECORDING", None) and house.recordings.held()
    (folder / "x").rmdir()
    folder.rmdir()
    await house.recordings.delete("take")
    assert house.recordings.list() == [] == house.recordings.held()
    assert list(folder.parent.iterdir()) == []


async def test_a_storage_that_refuses_for_good_fails_it(house: RecordingHouse) -> None:
    await house.start()
    house.facts = Facts(at(0), storage_error="permission denied")
    house.recordings.wake()
    found = await house.ended()
    assert found.state == "FAILED" and "permission denied" in (found.error or "")


async def test_a_channel_is_not_deleted_under_it(house: RecordingHouse) -> None:
    await house.start()
    with pytest.raises(FailedPrecondition, match="recordings that have not ended: take"):
        await house.catalog.write(lambda db: mark_deleting(db, "live", force=True))
    await house.recordings.delete("take")
    await house.catalog.write(lambda db: mark_deleting(db, "live", force=True))


@pytest.mark.parametrize(
    ("spec", "kind", "field"),
    [
        ({"output_uri": "out"}, InvalidArgument, "outputUri"),
        ({"output_uri": "out/av"}, InvalidArgument, "outputUri"),
        ({"manifest_key": "other"}, InvalidArgument, "manifestKey"),
        ({"notify": (Notify(uri="http://10.0.0.1/"),)}, PermissionDenied, "notify[0].uri"),
        ({"notify": (Notify(uri="https://a.example/", dialect="x"),)}, InvalidArgument, "notify[0].dialect"),
    ],
)
async def test_what_is_refused(
    house: RecordingHouse, spec: dict[str, Any], kind: type[LiveDvrError], field: str
) -> None:
    if "output_uri" in spec:
        spec = spec | {"output_uri": str(house.folder / spec["output_uri"])}
    with pytest.raises(kind) as told:
        await house.start(**spec)
    assert told.value.field == field
    assert house.recordings.list() == [] == house.recordings.held()


async def test_ids_and_files_are_taken_once(house: RecordingHouse) -> None:
    await house.start()
    with pytest.raises(AlreadyExists, match="recording 'take' exists already"):
        await house.start()
    (house.folder / "out/recordings/other.mp4").write_bytes(b"")
    with pytest.raises(AlreadyExists, match=r"other\.mp4 exists already"):
        await house.start("other")
    with pytest.raises(InvalidArgument, match="is not an id"):
        await house.start("Take!")
    with pytest.raises(FailedPrecondition, match="'resume' is not possible in state IDLE"):
        await house.recordings.resume("take")


@pytest.mark.parametrize(
    "given",
    [
        {"formats": ()},
        {"formats": ("WAV", "WAV")},
        {"formats": ("FLAC",)},
        {"sample_rate": 44100},
        {"limits": {"max_duration": 0}},
        {"limits": {"stop_tones": ["x"]}},
        {"limits": {"stop_tones": [""]}},
        {"notify": [{"uri": ""}]},
        {"notify": [{"uri": "https://a.example/", "others": ["https://b.example/ c"]}]},
        {"notify": [{"uri": "https://a.example/", "others": ["https://b.example/"] * 5}]},
        {"nonsense": 1},
    ],
)
def test_what_a_spec_may_not_be(given: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument):
        RecordingSpec(**given)
