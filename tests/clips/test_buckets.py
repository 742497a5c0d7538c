"""A channel's clips with a bucket as their place, without ffmpeg; by google-cloud-storage as it is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from clip_house import ClipHouse
from gcs_server import Bucket, Fault, GcsServer, Stored
from livedvr.resources.errors import AlreadyExists, InvalidArgument, LiveDvrError, StorageError
from livedvr.resources.times import SECOND

MADE = ("av/index-1.m3u8", "main.m3u8")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[GcsServer]:
    with GcsServer(Bucket("media"), Bucket("clips")) as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        monkeypatch.setattr("livedvr.storage.gcs.RETRY_SECONDS", 0.2)
        monkeypatch.setattr("livedvr.sessions.back_off.uniform", lambda _, most: most)
        yield server


@pytest.fixture
async def house(server: GcsServer, tmp_path: Path) -> AsyncIterator[ClipHouse]:
    """Of a channel in a directory."""
    made = await ClipHouse(tmp_path).open()
    yield made
    await made.close()


@pytest.fixture
async def in_bucket(server: GcsServer, tmp_path: Path) -> AsyncIterator[ClipHouse]:
    made = await ClipHouse(tmp_path, "gs://media/tv").open()
    yield made
    await made.close()


def objects(server: GcsServer) -> list[str]:
    return sorted(name for name in server.buckets["clips"].objects if "/.livedvr/" not in name)


async def test_a_channel_s_segments_are_uploaded_and_then_listed(server: GcsServer, house: ClipHouse) -> None:
    await house.create(output_uri="gs://clips/goal/")
    house.work()
    made = await house.until_ended()
    assert (made.state, made.manifest_uri) == ("SUCCEEDED", "gs://clips/goal/main.m3u8"), made.error
    written = [name.removeprefix("goal/") for _, name in server.writes if "/.livedvr/" not in name]
    assert tuple(written[-2:]) == MADE and len(written) == 5
    first = next(name for name in objects(server) if name.endswith("segment-000001.m4s"))
    assert server.buckets["clips"].objects[first].data == b"media 1"


@pytest.mark.semantics("S14", "R1")
async def test_a_bucket_that_is_away_is_asked_less_and_less_often(server: GcsServer, in_bucket: ClipHouse) -> None:
    house = in_bucket
    await house.create(output_uri="gs://clips/goal")
    server.plan = lambda method, what, name: Fault.REFUSED if what == "rewrite" else None
    house.work()
    await house.clock.asleep()
    shown, asked = house.clips.get("goal"), len(server.faults)
    assert shown.state == "CREATING" and "503 We encountered an internal error" in (shown.error or "")
    assert asked and len(house.clips.held()) == 1, "retention lets nothing of it go"
    for is_asked in (True, False, True, False, False, False):
        house.clock.advance(SECOND)
        await house.clock.asleep()
        assert (len(server.faults) > asked) == is_asked
        asked = len(server.faults)
    server.plan = lambda *_: None
    house.clock.advance(SECOND)
    made = await house.until_ended()
    assert (made.state, made.error) == ("SUCCEEDED", None) and len(objects(server)) == 5


@pytest.mark.semantics("S14")
@pytest.mark.parametrize("after", [0, 2])
async def test_a_bucket_that_refuses_for_good_fails_the_clip_in_gcs_s_words(
    server: GcsServer, in_bucket: ClipHouse, after: int
) -> None:
    left = list(range(after))

    def plan(method: str, what: str, name: str) -> None:
        if what == "rewrite":
            left.pop() if left else server.buckets["clips"].denied.add("storage.objects.create")

    await in_bucket.create(output_uri="gs://clips/goal")
    server.plan = plan
    in_bucket.work()
    failed = await in_bucket.until_ended()
    assert failed.state == "FAILED" and failed.error is not None
    assert (
        failed.error.startswith("UNAVAILABLE: gs://clips/goal/av/")
        and "does not have storage.objects.create access" in failed.error
    )
    assert "see docs/gcs.md" in failed.error and objects(server) == []


@pytest.mark.parametrize(
    ("uri", "kind", "text"),
    [
        ("gs://nowhere/goal", StorageError, "404 The specified bucket does not exist"),
        (
            "gs://media/tv",
            InvalidArgument,
            "outputUri: 'gs://media/tv' belongs to channel 'live'.*gs://media/tv/clips/",
        ),
        ("gs://media/tv/dvr/x/", InvalidArgument, "belongs to channel 'live'"),
        ("gs://media/tv/av", InvalidArgument, "belongs to channel 'live'"),
        ("gs://clips/a?b", InvalidArgument, "outputUri: a '\\?' in the prefix"),
        ("gs://clips/taken", AlreadyExists, "outputUri: gs://clips/taken/main.m3u8 exists already"),
    ],
)
async def test_what_is_refused(
    server: GcsServer, in_bucket: ClipHouse, uri: str, kind: type[LiveDvrError], text: str
) -> None:
    server.buckets["clips"].objects["taken/main.m3u8"] = Stored(b"somebody's", 1, 0.0, {})
    with pytest.raises(kind, match=text):
        await in_bucket.create(output_uri=uri)
    assert in_bucket.clips.list() == [] and in_bucket.clips.held() == []
    assert objects(server) == ["taken/main.m3u8"]


async def test_beside_a_channel_s_own_folders_there_is_room(server: GcsServer, in_bucket: ClipHouse) -> None:
    await in_bucket.create(output_uri="gs://media/tv/clips/goal")
    in_bucket.work()
    assert (await in_bucket.until_ended()).state == "SUCCEEDED"
