"""ZEGOCLOUD's cloud recording as its clients ask for it, over a real `LiveDvr` on a clock that the test advances."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest

from builders import at
from facades.house import SILENCE, House, a_channel, cut_media, eventually
from facades.zego_client import in_query, mixed, start
from facades.zego_house import Studio, facade
from livedvr import Output
from livedvr.catalog import channel_rows
from livedvr.facades.zego.dialect import callback_signature
from livedvr.facades.zego.signature import signature
from livedvr.resources.times import SECOND
from receiver import Receiver

NOW = at(0) // SECOND
DAY = 24 * 3600
MIX = mixed(size=(1280, 720))  # what the channel is known to bring


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cut_media(imageio_ffmpeg.get_ffmpeg_exe(), tmp_path_factory.mktemp("media") / "voice")


@pytest.fixture(scope="module")
def silence(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cut_media(imageio_ffmpeg.get_ffmpeg_exe(), tmp_path_factory.mktemp("silence") / "silence", SILENCE)


@pytest.fixture
async def studio(tmp_path: Path, media: Path) -> AsyncIterator[Studio]:
    async with Receiver() as receiver, House(tmp_path, facade(), media, webhooks=(receiver.authority,)) as house:
        yield Studio(house, receiver)


def test_the_published_vectors() -> None:
    signed = signature("12345", "4fd24687296dd9f3", "9193cc662a4c0ec135ec71fb57194b38", "1615186943")
    assert signed == "43e5cfcca828314675f91b001390566a"
    assert callback_signature("secret", "1470820198", "123412") == "5bd59fd62953a8059fb7eaba95720f66d19e4517"


@pytest.mark.parametrize(("skew", "code"), [(0, 0), (600, 0), (-600, 0), (601, 100000004), (-601, 100000004)])
async def test_a_signature_is_good_for_ten_minutes(studio: Studio, skew: int, code: int) -> None:
    answer = await studio("StartRecord", start(), Timestamp=NOW + skew)
    assert answer["Code"] == code


async def test_a_task_from_start_to_files(studio: Studio) -> None:
    task = await studio.start()
    assert re.fullmatch("[A-Za-z0-9_-]{16}", task)
    shown = await studio.status(task)
    assert (shown["Status"], shown["RecordMode"], shown["StreamType"], shown["RoomId"]) == (1, 1, 3, "live")
    assert (shown["RecordBeginTimestamp"], shown["RecordEndTimestamp"]) == (at(0) // 1000, 0)
    assert "RecordFiles" not in shown
    await studio.recording(task, 2)
    shown = await studio.status(task)
    assert (shown["Status"], [one["Status"] for one in shown["RecordFiles"]]) == (2, [1])
    assert await studio.data("StopRecord", TaskId=task) is None
    shown = await studio.status(task)
    assert (shown["Status"], [one["Status"] for one in shown["RecordFiles"]]) == (3, [2])
    await studio.house.bring()
    await studio.ended(task)
    shown = await studio.status(task)
    (file,) = shown["RecordFiles"]
    assert (shown["Status"], shown["RecordEndTimestamp"], file["Status"]) == (3, at(4) // 1000, 3)
    assert (file["ResolutionWidth"], file["ResolutionHeight"], file["MediaTrackType"]) == (160, 90, 3)
    told = await studio.told(task, 1)
    assert [kind for kind, _ in told] == [5, 7, 1]
    assert told[2][1]["upload_status"] == 1
    assert told[2][1]["file_info"][0]["file_size"] == file["FileSize"]


async def test_a_request_may_stand_in_the_query(studio: Studio) -> None:
    answer = await studio("StartRecord", verb="GET", more=in_query(start()))
    task = answer["Data"]["TaskId"]
    shown = await studio("DescribeRecordStatus", verb="GET", more={"TaskId": task})
    assert shown["Data"]["Status"] == 1
    period = {"Status": "2", "StartTime": str((NOW - 60) * 1000), "EndTime": str((NOW + 60) * 1000)}
    listed = await studio("DescribeTasks", verb="GET", more=period)
    assert [one["TaskId"] for one in listed["Data"]["TaskidList"]] == [task]


async def test_a_client_task_id_starts_one_task(studio: Studio) -> None:
    asked = start(inputs={"ClientTaskId": "mine"})
    answers = await asyncio.gather(*(studio("StartRecord", asked) for _ in range(3)))
    (task,) = {one["Data"]["TaskId"] for one in answers}
    assert len(studio.house.desk.list("task")) == 1
    assert await studio.start() != task
    studio.pass_time(3 * DAY + 1)
    assert (await studio.data("StartRecord", **asked))["TaskId"] != task, "it is forgotten with its task"


async def test_a_pause_is_shown_told_and_not_in_the_file(studio: Studio) -> None:
    task = await studio.start(inputs={**MIX, "ResumeWithoutInterruption": True})
    await studio.recording(task, 2)
    await studio.data("PauseRecord", TaskId=task)
    assert (await studio.status(task))["Status"] == 5
    assert await studio.data("PauseRecord", TaskId=task) is None, "it is as it was asked for"
    await studio.house.bring(2)
    await studio.data("ResumeRecord", TaskId=task)
    assert (await studio.status(task))["Status"] == 2
    await studio.house.bring(1)
    await studio.data("StopRecord", TaskId=task)
    await studio.house.bring(1)
    await studio.ended(task)
    (file,) = (await studio.status(task))["RecordFiles"]
    assert file["Duration"] == pytest.approx(6000, abs=50)
    assert (file["StreamId"], file["UserId"], file["UserName"]) == ("mix", "mix", "mix")
    assert [kind for kind, _ in await studio.told(task, 1)] == [201, 202, 5, 7, 1]


async def test_a_single_stream_is_not_paused(studio: Studio) -> None:
    task = await studio.start()
    answer = await studio("PauseRecord", {"TaskId": task})
    assert answer["Code"] == 300000004 and answer["Message"].startswith("TaskId: only mixed-stream tasks")
    assert (await studio.status(task))["Status"] == 1


async def test_max_idle_time_is_an_abnormal_end_with_quit_reason_3(studio: Studio) -> None:
    task = await studio.start(inputs={"MaxIdleTime": 5})
    await studio.recording(task, 2)
    studio.pass_time(30)
    await studio.ended(task)
    shown = await studio.status(task)
    assert shown["Status"] == 4
    (file,) = shown["RecordFiles"]
    assert (file["Status"], file["Duration"]) == (3, pytest.approx(4000, abs=50)), "what came is kept"
    told = [one for one in await studio.told(task, 1) if one[0] != 4]
    assert [kind for kind, _ in told] == [2, 7, 1]
    assert told[0][1] == {"quit_reason": 3}


async def test_max_record_time_is_an_abnormal_end_with_quit_reason_4(studio: Studio) -> None:
    task = await studio.start(inputs={"MaxRecordTime": 300, "MaxIdleTime": 86400})
    await studio.recording(task, 2)
    studio.pass_time(310)
    await studio.ended(task)
    shown = await studio.status(task)
    assert (shown["Status"], shown["RecordEndTimestamp"]) == (4, at(4) // 1000)
    assert (2, {"quit_reason": 4}) in await studio.told(task, 2)


async def test_without_a_publisher_there_are_no_record_files(studio: Studio) -> None:
    task = await studio.start()
    studio.pass_time(1)
    await studio.data("StopRecord", TaskId=task)
    studio.pass_time(30)
    await studio.ended(task)
    shown = await studio.status(task)
    assert shown["Status"] == 3 and "RecordFiles" not in shown
    assert await studio.told(task, 1) == [(5, {}), (7, {}), (1, {"upload_status": 1, "file_info": []})]


async def test_a_task_is_known_for_three_days(studio: Studio) -> None:
    task = await studio.start()
    await studio.data("StopRecord", TaskId=task)
    studio.pass_time(3 * DAY)
    assert (await studio.status(task))["Status"] == 3
    studio.pass_time(1)
    for action in ("DescribeRecordStatus", "StopRecord", "PauseRecord", "ResumeRecord"):
        assert (await studio(action, {"TaskId": task}))["Code"] == 300001000


async def test_no_stream_is_told_within_30_s_and_then_every_30_s(studio: Studio) -> None:
    task = await studio.start(inputs={"MaxIdleTime": 86400})
    studio.pass_time(9)
    assert (await studio.status(task))["Status"] == 1
    studio.pass_time(11)
    assert await studio.times(task, 4, 1) == [20]
    assert (await studio.status(task))["Status"] == 2, "it is certain that nobody publishes"
    studio.pass_time(29)
    await studio.status(task)
    studio.pass_time(6)
    assert await studio.times(task, 4, 2) == [20, 55], "it looks every 5 s"


async def test_a_stream_that_has_gone_is_told(studio: Studio) -> None:
    task = await studio.start(inputs={"MaxIdleTime": 86400})
    await studio.recording(task, 2)
    studio.pass_time(16)
    await studio.status(task)
    studio.pass_time(6)
    assert await studio.times(task, 4, 1) == [26], "four seconds came, and of a new encoder there would be none yet"


async def test_a_stream_that_is_not_there_is_told(studio: Studio) -> None:
    streams = [{"StreamId": "live"}, {"StreamId": "studio"}, {"StreamId": "other"}]
    task = await studio.start(inputs={"RecordStreamList": streams})
    assert await studio.told(task, 6) == [(6, {"stream_id": "other"})]


async def test_tasks_are_listed_by_page_time_room_and_status(studio: Studio) -> None:
    tasks = []
    for number in range(5):
        tasks.append(await studio.start("studio" if number == 2 else "live"))
        studio.pass_time(1)
    await studio.data("StopRecord", TaskId=tasks[0])
    period = {"StartTime": NOW * 1000, "EndTime": (NOW + 60) * 1000}

    async def listed(**given: Any) -> list[int]:
        data = await studio.data("DescribeTasks", **{"Status": 2, **period, **given})
        assert data["TotalCount"] >= len(data["TaskidList"]) and data["PageOffset"] >= 1
        return [tasks.index(one["TaskId"]) for one in data["TaskidList"]]

    assert await listed() == [4, 3, 2, 1], "the latest first"
    assert await listed(Status=3) == [0]
    assert await listed(RoomId="studio") == [2]
    assert await listed(PageSize=3) == [4, 3, 2] == await listed(PageSize=3, PageOffset=0)
    assert await listed(PageSize=3, PageOffset=2) == [1]
    assert await listed(PageSize=3, PageOffset=3) == []
    assert await listed(StartTime=(NOW + 1) * 1000, EndTime=(NOW + 3) * 1000) == [3, 2, 1]
    data = await studio.data("DescribeTasks", Status=2, PageSize=1, **period)
    assert (data["TotalCount"], data["PageOffset"], data["PageSize"]) == (4, 1, 1)


async def test_a_callback_is_tried_twice_more_5_s_apart_across_a_restart(studio: Studio) -> None:
    studio.receiver.statuses = [500, 404, 503, 200]
    task = await studio.start()
    await studio.data("StopRecord", TaskId=task)
    await studio.told(task, 5)
    await eventually(lambda: studio.house.waiting() == [5])
    await studio.house.restart()
    studio.pass_time(5)
    await studio.receiver.wait(2)
    await eventually(lambda: studio.house.waiting() == [5])
    studio.pass_time(5)
    await studio.receiver.wait(4)
    first, second, third, other = studio.receiver.got[:4]
    assert first.body == second.body == third.body != other.body, "then it is given up, and the next comes"
    lost = [text for _, kind, text in studio.house.dvr.events("live") if kind == "NOTIFICATION_LOST"]
    assert len(lost) == 1 and "3 attempts, it is answered with 503" in lost[0]


async def test_a_task_goes_on_when_the_server_is_restarted(studio: Studio) -> None:
    task = await studio.start()
    await studio.recording(task, 1)
    await studio.house.restart()
    assert (await studio.status(task))["Status"] == 2
    await studio.data("StopRecord", TaskId=task)
    assert (await studio.status(task))["Status"] == 3


@pytest.mark.parametrize(
    ("config", "named"),
    [
        (mixed(size=(640, 360)), "MixOutputVideoConfig: the stream has 1280 x 720 pixels"),
        (mixed(size=(1280, 720), fps=15), "MixOutputVideoConfig.Fps: the stream has 30"),
        (mixed(size=(1280, 720), MixMaxResolutionStreamId="other"), "MixMaxResolutionStreamId: the room has one"),
    ],
)
async def test_a_mix_is_the_stream_as_it_comes(studio: Studio, config: dict[str, Any], named: str) -> None:
    await studio.house.bring(1)
    answer = await studio("StartRecord", start(inputs=config))
    assert answer["Code"] == 300000004 and answer["Message"].startswith(f"RecordInputParams.MixConfig.{named}")
    assert (await studio("StartRecord", start(inputs=MIX | {"FillBlank": False})))["Code"] == 0


@pytest.mark.parametrize("kind", ["mp3", "aac"])
async def test_sound_alone_has_a_file_also_when_it_is_silent(studio: Studio, silence: Path, kind: str) -> None:
    studio.house.media = silence
    task = await studio.start(inputs={"StreamType": 1}, outputs={"OutputFileFormat": kind})
    await studio.recording(task, 2)
    await studio.data("StopRecord", TaskId=task)
    await studio.house.bring(1)
    await studio.ended(task)
    (file,) = (await studio.status(task))["RecordFiles"]
    assert (file["OutputFileFormat"], file["MediaTrackType"], file["Status"]) == (kind, 1, 3)
    assert file["Duration"] == pytest.approx(4000, abs=100)


async def recorded(studio: Studio, **changes: Any) -> list[dict[str, Any]]:
    """The files of a task that has recorded two segments."""
    task = await studio.start("studio", **changes)
    await studio.recording(task, 2)
    await studio.data("StopRecord", TaskId=task)
    coming = (await studio.status(task))["RecordFiles"]
    await studio.house.bring(1)
    await studio.ended(task)
    files: list[dict[str, Any]] = (await studio.status(task))["RecordFiles"]
    assert [one["Status"] for one in (*coming, *files)] == [2] * len(files) + [3] * len(files)
    assert [one["FileId"] for one in coming] == [one["FileId"] for one in files], (
        "it was known how they would be called"
    )
    assert all(one["FileId"].startswith(f"{task}_studio_") for one in files)
    return [{**one, "FileId": one["FileId"].removeprefix(f"{task}_studio_")} for one in files]


BEGIN = "20261121020000000"


@pytest.mark.parametrize(
    ("kind", "stream_type", "named"),
    [
        ("mp4", 1, [("live_live_A_{}.mp4", "mp4", 1)]),
        ("mp4", 2, [("live_live_V_{}.mp4", "mp4", 2)]),
        ("mp4", 3, [("live_live_VA_{}.mp4", "mp4", 3)]),
        ("mp4", 4, [("live_live_V_{}.mp4", "mp4", 2), ("live_live_A_{}.aac", "aac", 1)]),
        ("hls", 1, [("live_live_A_{}.m3u8", "hls", 1)]),
        ("hls", 3, [("live_live_VA_{}.m3u8", "hls", 3)]),
        ("hls", 4, [("live_live_A_{}.m3u8", "hls", 1), ("live_live_V_{}.m3u8", "hls", 2)]),
        ("mp3", 1, [("live_live_A_{}.mp3", "mp3", 1)]),
    ],
)
async def test_files_are_named_by_rule_1(
    studio: Studio, kind: str, stream_type: int, named: list[tuple[str, str, int]]
) -> None:
    outputs = {"OutputFileFormat": kind, "OutputFolder": "/shows/late night/", "FragmentSeconds": 2}
    files = await recorded(studio, inputs={"StreamType": stream_type}, outputs=outputs)
    found = [(one["FileId"], one["OutputFileFormat"], one["MediaTrackType"]) for one in files]
    assert found == [(name.format(BEGIN), *more) for name, *more in named]
    folder = studio.house.folder / "live" / "recordings" / "shows" / "late night"
    for one in files:
        assert one["FileUrl"] == (folder / one["FileUrl"].rpartition("/")[2]).as_uri()
        assert one["BeginTimestamp"] == at(0) // 1000 and one["Duration"] == pytest.approx(4000, abs=100)
        assert (one["ResolutionWidth"], one["ResolutionHeight"]) == (
            (0, 0) if one["MediaTrackType"] == 1 else (160, 90)
        )


async def test_a_mix_is_named_by_its_stream(studio: Studio) -> None:
    (file,) = await recorded(studio, inputs=MIX)
    assert file["FileId"] == f"mix_VA_{BEGIN}.mp4"


async def test_a_pause_begins_a_new_file(studio: Studio) -> None:
    task = await studio.start(inputs=MIX)
    await studio.recording(task, 1)
    await studio.data("PauseRecord", TaskId=task)
    await studio.house.bring(1)
    await studio.data("ResumeRecord", TaskId=task)
    await studio.house.bring(1)
    await studio.data("StopRecord", TaskId=task)
    await studio.house.bring(1)
    await studio.ended(task)
    files = (await studio.status(task))["RecordFiles"]
    assert [one["BeginTimestamp"] for one in files] == [at(0) // 1000, at(4) // 1000]
    assert [one["Duration"] for one in files] == pytest.approx([2000, 2000], abs=50)
    assert [one["FileId"][-25:] for one in files] == ["_VA_20261121020000000.mp4", "_VA_20261121020004000.mp4"]


async def test_a_file_url_is_where_outputs_are_published(tmp_path: Path, media: Path) -> None:
    published = facade(file_url="https://dvr.example/media/{channel}/")
    async with Receiver() as receiver, House(tmp_path, published, media, webhooks=(receiver.authority,)) as house:
        studio = Studio(house, receiver)
        (file,) = await recorded(studio, outputs={"OutputFolder": "late night"})
        assert file["FileUrl"].startswith("https://dvr.example/media/live/recordings/late%20night/")
        (file,) = await recorded(studio, storage={"Vendor": 4})
        assert "FileUrl" not in file


async def test_what_cannot_be_made_is_told(studio: Studio) -> None:
    task = await studio.start()
    await studio.recording(task, 2)
    init = next((studio.house.folder / "live" / "av").glob("*/init.mp4"))
    init.write_bytes(b"no media")
    await studio.data("StopRecord", TaskId=task)
    await studio.house.bring(1)
    await studio.ended(task)
    shown = await studio.status(task)
    assert (shown["Status"], [one["Status"] for one in shown["RecordFiles"]]) == (4, [5])
    told = await studio.told(task, 1)
    assert [kind for kind, _ in told] == [5, 7, 2, 1]
    assert told[2][1] == {"quit_reason": 1001}
    assert (told[3][1]["upload_status"], told[3][1]["file_info"][0]["status"]) == (2, 5)


async def test_a_channel_that_stops_ends_its_tasks_abnormally(studio: Studio) -> None:
    task = await studio.start()
    await studio.recording(task, 2)
    await (await studio.house.dvr.runtime("live")).recordings.channel_stopped()
    assert (await studio.status(task))["Status"] == 4
    assert (await studio.told(task, 7))[0] == (2, {"quit_reason": 6})


async def test_what_its_operator_gives_up_is_told(studio: Studio) -> None:
    task = await studio.start()
    await studio.recording(task, 2)
    await studio.house.dvr.recordings.cancel("live", studio.started[task])
    shown = await studio.status(task)
    assert shown["Status"] == 4 and "RecordFiles" not in shown
    assert await studio.told(task, 1) == [(2, {"quit_reason": 1001}), (1, {"upload_status": 2, "file_info": []})]
    await studio.house.dvr.recordings.delete("live", studio.started[task])
    assert (await studio("DescribeRecordStatus", {"TaskId": task}))["Code"] == 300001000


async def test_names_that_are_too_long_for_a_file_are_refused(tmp_path: Path) -> None:
    room = "r" * 128
    async with House(tmp_path, facade(channels={room: "live"})) as house, Receiver() as receiver:
        studio = Studio(house, receiver)
        assert (await studio("StartRecord", start(room)))["Code"] == 0
        answer = await studio("StartRecord", start(room, inputs=mixed(MixOutputStreamId="m" * 128)))
        assert answer["Code"] == 300000004 and answer["Message"].startswith("RoomId: ")


async def test_a_channel_in_a_bucket_is_refused(tmp_path: Path) -> None:
    async with House(tmp_path, facade()) as house, Receiver() as receiver:
        given = a_channel(tmp_path / "cloud", name="cloud")
        given = given.model_copy(update={"output": Output(uri="gs://bucket/cloud")})
        await house.dvr.write(lambda db: channel_rows.put_channel(db, given))
        answer = await Studio(house, receiver)("StartRecord", start("cloud"))
        assert answer["Code"] == 300000004 and answer["Message"].startswith(
            "RoomId: recordings are made in directories"
        )
