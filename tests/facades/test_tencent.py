"""Tencent's cloud recording as its clients ask for it: who may, how often, and what becomes of tasks."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest

from builders import at
from facades.house import Answer, cut_media
from facades.tencent_house import (
    APP,
    OTHER_APP,
    SECRET_KEY,
    USER_SIG_KEY,
    TencentHouse,
    a_house,
    creation,
    section,
    storage,
    user_sig,
)
from livedvr.catalog import facade_rows
from livedvr.facades.config import read_facades
from livedvr.facades.tencent.outputs import indexes_of
from livedvr.facades.tencent.tencent import Tencent
from livedvr.resources.errors import InvalidArgument
from livedvr.resources.times import SECOND
from receiver import Receiver

HOUR = 3600 * SECOND
DESCRIBE, MODIFY, DELETE = "DescribeCloudRecording", "ModifyCloudRecording", "DeleteCloudRecording"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[TencentHouse]:
    async with a_house(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cut_media(imageio_ffmpeg.get_ffmpeg_exe(), tmp_path_factory.mktemp("media") / "voice")


def a_row(house: TencentHouse, task: str) -> dict[str, Any]:
    """The task as it is stored."""
    row = house.dvr.catalog.read(lambda db: facade_rows.find_facade_row(db, "tencent", "task", task))
    assert row is not None
    found: dict[str, Any] = json.loads(row.resource)
    return found


async def callbacks(told: Receiver, count: int) -> list[tuple[int, dict[str, Any]]]:
    """So many of them: (EventType, Payload)."""
    bodies = [posted.json() for posted in await told.wait(count)]
    return [(body["EventType"], body["EventInfo"]["Payload"]) for body in bodies]


def the(task: str, **more: Any) -> dict[str, Any]:
    return {"SdkAppId": APP, "TaskId": task, **more}


async def test_a_task_is_idle_until_something_comes_and_gone_when_it_has_ended(house: TencentHouse) -> None:
    task = await house.create()
    answer = await house.call(DESCRIBE, the(task))
    assert (answer["TaskId"], answer["Status"], answer["StorageFileList"]) == (task, "Idle", [])
    assert (await house.call(DELETE, the(task)))["TaskId"] == task
    await house.ended(task)
    for action in (DESCRIBE, MODIFY, DELETE):
        assert await house.code(action, the(task)) == "ResourceNotFound"


# who asks


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("signed", [("content-type", "host"), ("content-type", "host", "x-tc-action", "x-tc-version")])
@pytest.mark.parametrize("unsigned", [False, True])
async def test_whatever_headers_are_signed(
    method: str, signed: tuple[str, ...], unsigned: bool, house: TencentHouse
) -> None:
    task = await house.create()
    headers = {"x-tc-content-sha256": "UNSIGNED-PAYLOAD"} if unsigned else {}
    answer = await house.call(DESCRIBE, the(task), method=method, signed=signed, headers=headers)
    assert answer["Status"] == "Idle"


@pytest.mark.parametrize("name", ["x-tc-action", "host"])
async def test_what_is_signed_may_not_be_changed_on_its_way(
    name: str, house: TencentHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[dict[str, str], bytes]] = []

    async def overhear(_: str, __: str, headers: dict[str, str], body: bytes) -> Answer:
        asked.append((headers, body))
        return Answer({}, b'{"Response": {"RequestId": "r"}}', 200)

    task, send = await house.create(), house.send
    monkeypatch.setattr(house, "send", overhear)
    await house.call(DESCRIBE, the(task), signed=("content-type", "host", "x-tc-action"))
    headers, body = asked[0]
    changed = [({**headers, name: DELETE}, body), (headers, body.replace(task.encode(), b"1" * 48))]
    for one in changed:
        answer = await send("POST", "", *one)
        assert answer.json()["Response"]["Error"]["Code"] == "AuthFailure.SignatureFailure"
    assert "Error" not in (await send("POST", "", headers, body)).json()["Response"]


async def test_a_creation_as_a_get(house: TencentHouse) -> None:
    record = {"RecordMode": 1, "SubscribeStreamUserIds": {"SubscribeAudioUserIds": ["someone", "li.*$"]}}
    cos = storage(FileNamePrefix=["a", "b"])
    given = creation(house.clock.now(), RecordParams=record, StorageParams=cos, MixLayoutParams={"MixLayoutMode": 1})
    answer = await house.call("CreateCloudRecording", given, method="GET")
    assert await house.status(answer["TaskId"]) == "Idle"


@pytest.mark.parametrize("seconds", [300, -300])
async def test_five_minutes_are_no_skew(seconds: int, house: TencentHouse) -> None:
    assert await house.code(DESCRIBE, the("x"), after=seconds) == "ResourceNotFound"
    past = seconds + (1 if seconds > 0 else -1)
    assert await house.code(DESCRIBE, the("x"), after=past) == "AuthFailure.SignatureExpire"


async def test_a_user_sig_with_a_userbuf(house: TencentHouse) -> None:
    now = house.clock.now()
    await house.create(UserSig=user_sig("robot-1", now, buf="AAdyb2JvdC0x"), PrivateMapKey="eJw")


async def test_where_an_app_has_no_key_its_user_sigs_are_not_looked_at(house: TencentHouse) -> None:
    answer = await house.call("CreateCloudRecording", creation(at(0), SdkAppId=OTHER_APP, UserSig="anything"))
    assert "Error" not in answer


# limits


async def test_the_21st_request_of_a_second_is_refused_by_api_and_app(house: TencentHouse) -> None:
    task = await house.create()
    for _ in range(20):
        assert await house.status(task) == "Idle"
    assert await house.status(task) == "RequestLimitExceeded"
    assert await house.code(DESCRIBE, {"SdkAppId": OTHER_APP, "TaskId": task}) == "ResourceNotFound"
    assert "Error" not in await house.call(MODIFY, the(task))
    house.clock.advance(SECOND // 20)
    assert [await house.status(task) for _ in range(2)] == ["Idle", "RequestLimitExceeded"]
    house.clock.advance(SECOND)
    assert await house.status(task) == "Idle"


async def test_a_hundred_tasks_at_a_time(house: TencentHouse) -> None:
    tasks = []
    for number in range(100):
        tasks.append(await house.create(UserId=f"robot-{number}"))
        house.clock.advance(SECOND // 20)
    asked = creation(house.clock.now(), UserId="one-more")
    assert await house.code("CreateCloudRecording", asked) == "FailedOperation.RestrictedConcurrency"
    assert len(await house.dvr.recordings.list("live")) == 100
    await house.call(DELETE, the(tasks[0]))
    await house.ended(tasks[0])
    house.clock.advance(SECOND)
    await house.create(UserId="one-more")


async def test_one_robot_records_a_room_once_at_a_time(house: TencentHouse) -> None:
    task = await house.create()
    again = creation(house.clock.now())
    assert await house.code("CreateCloudRecording", again) == "FailedOperation.TaskExist"
    await house.create(UserId="robot-2")
    await house.call(DELETE, the(task))
    await house.ended(task)
    await house.create()


@pytest.mark.parametrize(("given", "hours"), [({}, 72), *(({"ResourceExpiredHour": n}, n) for n in (6, 720))])
async def test_resource_expired_hour(given: dict[str, int], hours: int, house: TencentHouse) -> None:
    assert a_row(house, await house.create(**given))["expires"] == house.clock.now() + hours * HOUR


async def test_after_resource_expired_hour_nobody_may_ask_and_it_goes_on(media: Path, tmp_path: Path) -> None:
    async with a_house(tmp_path, media=media) as house:
        task = await house.create(RecordParams={"RecordMode": 2, "MaxIdleTime": 86_400}, ResourceExpiredHour=6)
        await house.bring(2)
        await house.until(task, "RECORDING")
        house.clock.advance(at(6 * 3600) - house.clock.now() - 1)
        assert await house.status(task) == "InProgress"
        house.clock.advance(1)
        for action in (DESCRIBE, MODIFY, DELETE):
            assert await house.code(action, the(task)) == "ResourceNotFound"
        assert (await house.dvr.recordings.get("live", task)).state == "RECORDING"
        await house.dvr.recordings.stop("live", task)
        assert (await house.ended(task)).files


async def test_a_task_that_nobody_may_ask_for_any_more_is_forgotten(house: TencentHouse) -> None:
    await house.create(ResourceExpiredHour=720)
    house.clock.advance(720 * HOUR + 1)
    second = await house.create(UserId="robot-2")
    rows = house.dvr.catalog.read(lambda db: facade_rows.list_facade_rows(db, "tencent", "task"))
    assert [row.id for row in rows] == [second]


async def test_nothing_comes_for_max_idle_time(media: Path, tmp_path: Path) -> None:
    async with Receiver() as told, a_house(tmp_path, media=media, told=told) as house:
        task = await house.create(RecordParams={"RecordMode": 2, "MaxIdleTime": 5})
        await house.bring(2)
        await house.until(task, "RECORDING")
        house.clock.advance(5 * SECOND)
        assert (await house.until(task, "RECORDING", "FINALIZING")).state == "RECORDING"
        house.clock.advance(60 * SECOND)  # what might still be on its way is waited for
        assert (await house.ended(task)).end_reason == "IDLE"
        assert [kind for kind, _ in await callbacks(told, 6)] == [301, 303, 307, 304, 302, 305]
        assert dict(await callbacks(told, 6))[302] == {"LeaveCode": 99}


# modify


def stored(house: TencentHouse, task: str) -> tuple[dict[str, Any], dict[str, Any]]:
    found = a_row(house, task)
    return found["layout"], found["subscription"]


async def test_modify_replaces_all_of_it(house: TencentHouse) -> None:
    lists = {"SubscribeAudioUserIds": ["live"], "UnSubscribeVideoUserIds": ["someone"]}
    task = await house.create(
        RecordParams={"RecordMode": 2, "SubscribeStreamUserIds": lists}, MixLayoutParams={"BackGroundColor": "#FFA500"}
    )
    assert stored(house, task) == ({"BackGroundColor": "#FFA500"}, lists)
    floating = {"MixLayoutMode": 1, "MaxResolutionUserId": "live"}
    assert (await house.call(MODIFY, the(task, MixLayoutParams=floating)))["TaskId"] == task
    assert stored(house, task) == (floating, {})
    await house.call(MODIFY, the(task, SubscribeStreamUserIds=lists))
    assert stored(house, task) == ({}, lists)
    await house.call(MODIFY, the(task))
    assert stored(house, task) == ({}, {})


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("UnsupportedOperation", {"SubscribeStreamUserIds": {"UnSubscribeVideoUserIds": ["l.*$"]}}),
        (
            "InvalidParameter",
            {"SubscribeStreamUserIds": {"SubscribeAudioUserIds": ["x"], "SubscribeVideoUserIds": ["x"]}},
        ),
        ("UnsupportedOperation", {"MixLayoutParams": {"MixLayoutMode": 4}}),
        ("InvalidParameter.OutOfRange", {"MixLayoutParams": {"RenderMode": 4}}),
        ("UnknownParameter", {"RecordParams": {"RecordMode": 2}}),
    ],
)
async def test_what_would_be_another_picture_is_refused(code: str, change: dict[str, Any], house: TencentHouse) -> None:
    task = await house.create(MixLayoutParams={"MixLayoutMode": 1})
    assert await house.code(MODIFY, the(task, **change)) == code
    assert stored(house, task) == ({"MixLayoutMode": 1}, {})


# what is asked of the recording

MAIN = f"{APP}_1001__UserId_s_bGl2ZQ..__UserId_e_main"
NO_SOUND = {"SubscribeStreamUserIds": {"UnSubscribeAudioUserIds": ["l.*$"]}}


@pytest.mark.parametrize(
    ("record", "playlists"),
    [
        ({"RecordMode": 1}, [f"{MAIN}_audio.m3u8", f"{MAIN}_video.m3u8"]),
        ({"RecordMode": 1, "AvMerge": 1}, [f"{MAIN}.m3u8"]),
        ({"RecordMode": 1, "StreamType": 1}, [f"{MAIN}_audio.m3u8"]),
        ({"RecordMode": 1, "StreamType": 2, "AvMerge": 1}, [f"{MAIN}_video.m3u8"]),
        ({"RecordMode": 1, **NO_SOUND}, [f"{MAIN}_video.m3u8"]),
        ({"RecordMode": 2, "StreamType": 1}, [f"{APP}_1001.m3u8"]),
        ({"RecordMode": 1, "OutputFormat": 3}, []),
    ],
)
async def test_what_is_recorded_and_how_it_is_called(
    record: dict[str, Any], playlists: list[str], house: TencentHouse
) -> None:
    task = await house.create(RecordParams={**record, "MaxMediaFileDuration": 7})
    recording = await house.dvr.recordings.get("live", task)
    assert [index.name for index in indexes_of(recording)] == playlists
    is_split = recording.spec.formats != ("HLS",)  # of MP4 and AAC alone
    assert recording.spec.max_file_duration == (timedelta(minutes=7) if is_split else None)


# what is kept


async def test_no_key_of_a_client_s_is_stored(house: TencentHouse) -> None:
    task = await house.create(PrivateMapKey="private-map-key")
    spec = (await house.dvr.recordings.get("live", task)).spec
    assert spec.limits.max_idle == timedelta(seconds=30)
    database = b"".join(path.read_bytes() for path in house.folder.joinpath("data").glob("catalog.sqlite3*"))
    assert task.encode() in database
    for secret in ("access-key-0123", "secret-key-0123", "private-map-key", SECRET_KEY, USER_SIG_KEY):
        assert secret.encode() not in database


# the configuration


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"keys": {}}, "keys"),
        ({"keys": {"a b": "x"}}, "keys"),
        ({"apps": {}}, "apps"),
        ({"apps": {"zero": {}}}, "apps"),
        ({"apps": {"1": {"callback_key": "k" * 33}}}, "callback_key"),
        ({"apps": {"1": {"callback": "x"}}}, "callback"),
        ({"listen": None}, "listen"),
    ],
)
def test_a_section_that_is_wrong(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        Tencent(section(**changes))
    assert (caught.value.field or "").startswith(field)
    assert "k" * 33 not in str(caught.value)


def test_it_is_switched_on_by_its_section(tmp_path: Path) -> None:
    path = tmp_path / "facades.toml"
    path.write_text('[tencent]\nlisten = "127.0.0.1:1"\nkeys = { AKID = "s" }\n[tencent.apps.1400000001]\n')
    (facade,) = read_facades(path)
    assert (facade.name, facade.listen) == ("tencent", "127.0.0.1:1")
    path.write_text('[tencent]\nlisten = "127.0.0.1:1"\n[tencent.apps.1400000001]\n')
    with pytest.raises(InvalidArgument, match=r"\[tencent\] keys: Field required"):
        read_facades(path)
