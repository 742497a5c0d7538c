"""What ZEGOCLOUD's facade refuses: each code that can arise, and the parameter that is named."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from facades.house import House
from facades.zego_client import mixed, start
from facades.zego_house import Studio, facade
from livedvr.facades.zego import actions
from livedvr.facades.zego.settings import ZegoSettings
from livedvr.resources.errors import InvalidArgument
from receiver import Receiver

DAY = 24 * 3600 * 1000  # ms

pytestmark = pytest.mark.asyncio(loop_scope="module")  # one house for all that changes nothing in it


@asynccontextmanager
async def a_studio(folder: Path) -> AsyncIterator[Studio]:
    async with Receiver() as receiver, House(folder, facade(), webhooks=(receiver.authority,)) as house:
        yield Studio(house, receiver)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Studio]:
    async with a_studio(tmp_path_factory.mktemp("house")) as studio:
        yield studio


@pytest.fixture
def studio(shared: Studio) -> Studio:
    shared.pass_time(1)  # as many requests as ever are answered
    return shared


@pytest.mark.parametrize(
    ("public", "code", "named"),
    [
        ({"Signature": "0" * 32}, 100000005, "Signature"),
        ({"SignatureNonce": "x", "Signature": "43e5cfcca828314675f91b001390566a"}, 100000005, "Signature"),
        ({"Timestamp": 1615186943}, 100000004, "Timestamp"),
        ({"Timestamp": 10**12 - 1}, 100000004, "Timestamp"),
        ({"AppId": 99}, 300000002, "AppId"),
        ({"AppId": "x"}, 300000005, "AppId"),
        ({"Action": None}, 300000005, "Action"),
        ({"Action": "StartRecording"}, 300000005, "Action"),
        ({"SignatureVersion": "1.0"}, 300000005, "SignatureVersion"),
        ({"SignatureNonce": None}, 300000005, "SignatureNonce"),
        ({"Signature": "0"}, 300000005, "Signature"),
    ],
)
async def test_who_asks_is_looked_at_first(studio: Studio, public: dict[str, Any], code: int, named: str) -> None:
    answer = await studio("StopRecord", b"no JSON", **public)
    assert answer["Code"] == code and answer["Message"].startswith(named)


async def test_another_method_is_refused(studio: Studio) -> None:
    assert (await studio("StopRecord", verb="PUT"))["Code"] == 300000005


@pytest.mark.parametrize("action", ["UpdateLayout", "UpdateWhiteboard", "TakeSnapshot"])
async def test_what_is_not_offered_is_not_activated(studio: Studio, action: str) -> None:
    assert (await studio(action, {"TaskId": "x"}))["Code"] == 300000002
    assert (await studio(action, {"TaskId": "x"}, Signature="0" * 32))["Code"] == 100000005


@pytest.mark.parametrize(
    ("action", "rate"),
    [
        ("StartRecord", 50),
        ("StopRecord", 50),
        ("DescribeRecordStatus", 10),
        ("DescribeTasks", 10),
        ("PauseRecord", 10),
        ("ResumeRecord", 10),
        ("UpdateLayout", 10),
        ("UpdateWhiteboard", 10),
        ("TakeSnapshot", 10),
    ],
)
async def test_one_request_too_many_in_a_second(studio: Studio, action: str, rate: int) -> None:
    codes = [(await studio(action))["Code"] for _ in range(rate + 1)]
    assert 300000003 not in codes[:rate] and codes[rate] == 300000003
    assert (await studio(action, Signature="0" * 32))["Code"] == 100000005, "strangers take nothing of it"
    other = "DescribeTasks" if action != "DescribeTasks" else "StopRecord"
    assert (await studio(other))["Code"] == 300000004
    studio.pass_time(1)
    assert (await studio(action))["Code"] != 300000003


@pytest.mark.parametrize("action", ["StopRecord", "PauseRecord", "ResumeRecord", "DescribeRecordStatus"])
async def test_a_task_that_there_is_not(studio: Studio, action: str) -> None:
    assert (await studio(action, {"TaskId": "YZ4joOE4IwmFAAAT"}))["Code"] == 300001000
    for given, named in (({}, "TaskId: it is missing"), ({"TaskId": 1}, "TaskId: "), ({"TaskId": "x", "X": 1}, "X: ")):
        answer = await studio(action, given)
        assert answer["Code"] == 300000004 and answer["Message"].startswith(named)


async def test_a_task_that_has_ended(studio: Studio) -> None:
    task = await studio.start(inputs=mixed())
    assert (await studio("ResumeRecord", {"TaskId": task}))["Code"] == 300001004
    await studio.data("StopRecord", TaskId=task)
    for action in ("StopRecord", "PauseRecord", "ResumeRecord"):
        assert (await studio(action, {"TaskId": task}))["Code"] == 300001001


async def test_too_many_tasks_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "MOST_TASKS", 2)
    async with a_studio(tmp_path) as studio:
        tasks = [await studio.start(inputs={"ClientTaskId": str(number)}) for number in range(2)]
        assert (await studio("StartRecord", start()))["Code"] == 300000006
        again = await studio("StartRecord", start(inputs={"ClientTaskId": "1"}))
        assert again["Data"]["TaskId"] == tasks[1], "that is no new one"


async def test_too_many_tasks_that_are_asked_for_in_one_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "MOST_TASKS", 2)
    async with a_studio(tmp_path) as studio:
        answers = await asyncio.gather(*(studio("StartRecord", start()) for _ in range(4)))
        assert sorted(answer["Code"] for answer in answers) == [0, 0, 300000006, 300000006]
        assert len(await studio.house.dvr.recordings.list("live")) == 2


async def test_an_output_that_takes_nothing_is_our_trouble(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        (studio.house.folder / "live" / "recordings").write_text("in the way")
        answer = await studio("StartRecord", start())
        assert answer["Code"] == 300010000
        assert studio.house.desk.list("task") == []


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (b"{", "body: this is no JSON"),
        (b"[]", "body: this is no JSON object"),
        (b'{"RoomId": "' + b"x" * (1 << 20) + b'"}', "body: more than"),
        ({"RoomId": "live"}, "RecordInputParams: it is missing"),
        (start("nowhere"), "RoomId: there is no channel for 'nowhere'"),
        (start("a/b"), "RoomId: "),
        (start(""), "RoomId: "),
        (start(1), "RoomId: "),  # type: ignore[arg-type]
        (start(Region="x"), "Region: there is no such parameter"),
        (
            start(outputs={"CallbackUrl": "http://10.0.0.1/"}),
            "RecordOutputParams.CallbackUrl: 10.0.0.1:80 lies in a private network (--allow-webhook ",
        ),
        (start(outputs={"CallbackUrl": "ftp://a.example/"}), "RecordOutputParams.CallbackUrl: "),
        (start(outputs={"OutputFolder": "a/../../b"}), "RecordOutputParams.OutputFolder: "),
        (start(outputs={"OutputFolder": "a//b"}), "RecordOutputParams.OutputFolder: "),
        (start(outputs={"OutputFileFormat": "mkv"}), "RecordOutputParams.OutputFileFormat: "),
        (start(outputs={"OutputFileFormat": "mp3"}), "RecordOutputParams.OutputFileFormat: mp3 is sound alone"),
        (start(inputs={"RecordMode": 3}), "RecordInputParams.RecordMode: "),
        (start(inputs={"RecordMode": "1"}), "RecordInputParams.RecordMode: "),
        (start(inputs={"MaxIdleTime": 4}), "RecordInputParams.MaxIdleTime: "),
        (start(inputs={"MaxIdleTime": 86401}), "RecordInputParams.MaxIdleTime: "),
        (start(inputs={"MaxRecordTime": 299}), "RecordInputParams.MaxRecordTime: "),
        (start(inputs={"MaxRecordTime": 86401}), "RecordInputParams.MaxRecordTime: "),
        (start(inputs={"RecordStreamList": [{"StreamId": "x"}]}), "RecordInputParams.RecordStreamList: "),
        (start(inputs={"RecordMode": 2}), "RecordInputParams.MixConfig: it is missing"),
        (
            start(inputs={"RecordMode": 2, "MixConfig": {"MixOutputStreamId": "x"}}),
            "RecordInputParams.MixConfig.MixOut",
        ),
        (start(inputs=mixed((1922, 1080))), "RecordInputParams.MixConfig.MixOutputVideoConfig.Width: "),
        (start(inputs=mixed((1920, 1082))), "RecordInputParams.MixConfig.MixOutputVideoConfig: "),
        (start(inputs=mixed(fps=60)), "RecordInputParams.MixConfig.MixOutputVideoConfig.Fps: "),
        (start(storage={"Vendor": 11}), "StorageParams.Vendor: "),
        (start(storage={"Bucket": ""}), "StorageParams.Bucket: it is missing: Vendor is 2"),
        (start(storage={"Region": ""}), "StorageParams.Region: it is missing: Vendor is 2"),
        (start(storage={"AccessKeySecret": ""}), "StorageParams.AccessKeySecret: it is missing: Vendor is 2"),
        (start(storage={"Vendor": 8, "AccessKeyId": ""}), "StorageParams.AccessKeyId: it is missing: Vendor is 8"),
        (start(storage={"Vendor": 10}), "StorageParams.EndPoint: it is missing: Vendor is 10"),
    ],
)
async def test_a_start_with_a_parameter_that_cannot_be(studio: Studio, given: Any, named: str) -> None:
    before = studio.house.desk.list("task")
    answer = await studio("StartRecord", given)
    assert answer["Code"] == 300000004 and answer["Message"].startswith(named), answer
    assert "key-0123" not in answer["Message"]
    assert studio.house.desk.list("task") == before


IMAGE = {"Left": 0, "Top": 0, "Right": 1, "Bottom": 1}
NOT_DONE: list[tuple[str, dict[str, Any]]] = [
    ("RecordInputParams.FillBlank", {"inputs": {"FillBlank": True}}),
    ("RecordInputParams.FillFrame.FrameFillMode", {"inputs": {"FillFrame": {"FrameFillMode": 2}}}),
    ("RecordInputParams.RecordMuteAudio", {"inputs": {"RecordMuteAudio": 2}}),
    ("RecordInputParams.HasWhiteboard", {"inputs": {"HasWhiteboard": True}}),
    ("RecordInputParams.Whiteboard", {"inputs": {"Whiteboard": [{"HorizontalRatio": 1, "VerticalRatio": 1}]}}),
    ("RecordInputParams.MixConfig.MixMode", {"inputs": mixed(MixMode=1)}),
    ("RecordInputParams.MixConfig.MixInputList", {"inputs": mixed(MixInputList=[{**IMAGE, "Layer": 1}])}),
    ("RecordInputParams.MixConfig.MixOutputAudioConfig", {"inputs": mixed(MixOutputAudioConfig={"Bitrate": 48000})}),
    ("RecordInputParams.MixConfig.MixOutputBackgroundImage", {"inputs": mixed(MixOutputBackgroundImage="http://x")}),
    ("RecordInputParams.MixConfig.MixMaxResolutionStreamId", {"inputs": mixed(MixMaxResolutionStreamId="x")}),
    ("RecordInputParams.MixConfig.MixOutputWatermarkImage", {"inputs": mixed(MixOutputWatermarkImage="http://x")}),
    (
        "RecordInputParams.MixConfig.MixOutputWatermarkImageConfig",
        {"inputs": mixed(MixOutputWatermarkImageConfig=IMAGE)},
    ),
    (
        "RecordInputParams.MixConfig.DefaultMixStreamBackgroundImage",
        {"inputs": mixed(DefaultMixStreamBackgroundImage="http://x")},
    ),
    ("RecordInputParams.MixConfig.IsAlwaysMix", {"inputs": mixed(IsAlwaysMix=True)}),
    (
        "RecordInputParams.MixConfig.MixOutputWatermarkTimestampConfig",
        {"inputs": mixed(MixOutputWatermarkTimestampConfig={"FontSize": 12})},
    ),
    ("RecordInputParams.MixConfig.RecordSoundWave", {"inputs": mixed(RecordSoundWave=True)}),
    ("RecordInputParams.MixConfig.StreamConfigList", {"inputs": mixed(StreamConfigList=[{"StreamType": 1}])}),
    ("RecordInputParams.MixConfig.ClearInputStreamTimeout", {"inputs": mixed(ClearInputStreamTimeout=1)}),
    ("RecordOutputParams.OutputFileFormat", {"outputs": {"OutputFileFormat": "flv"}}),
    ("RecordOutputParams.OutputFileFormat", {"outputs": {"OutputFileFormat": "jpg"}}),
    ("RecordOutputParams.OutputFileFormat", {"outputs": {"OutputFileFormat": "ogg"}}),
    ("RecordOutputParams.RealtimeUploadFragment", {"outputs": {"RealtimeUploadFragment": True}}),
    ("RecordOutputParams.ShortFragmentPath", {"outputs": {"ShortFragmentPath": True}}),
    ("StorageParams.Vendor", {"storage": {"Vendor": 5}}),
    ("StorageParams.Vendor", {"storage": {"Vendor": 6}}),
]


@pytest.mark.parametrize(("named", "changes"), NOT_DONE)
async def test_what_is_not_done_is_refused_by_name(studio: Studio, named: str, changes: dict[str, Any]) -> None:
    answer = await studio("StartRecord", start(**changes))
    assert answer["Code"] == 300000004 and answer["Message"].startswith(f"{named}: "), answer


@pytest.mark.parametrize("vendor", [1, 2, 3, 4, 7, 8, 9, 10])
async def test_the_vendors_buckets_are_a_folder(studio: Studio, vendor: int) -> None:
    answer = await studio("StartRecord", start(storage={"Vendor": vendor, "EndPoint": "https://s3.example"}))
    assert answer["Code"] == 0


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"Status": 1}, "Status: "),
        ({"PageOffset": -1}, "PageOffset: "),
        ({"PageSize": 0}, "PageSize: "),
        ({"PageSize": 51}, "PageSize: "),
        ({"StartTime": -3 * DAY - 1}, "StartTime: it is more than 3 days ago"),
        ({"EndTime": 0}, "EndTime: it is not after StartTime"),
        ({"EndTime": 3 * DAY + 1}, "EndTime: it is more than 3 days after StartTime"),
    ],
)
async def test_a_list_that_cannot_be(studio: Studio, given: dict[str, int], named: str) -> None:
    now = studio.house.clock.now() // 1000
    times = {name: now + given.get(name, later) for name, later in (("StartTime", 0), ("EndTime", 1))}
    assert (await studio("DescribeTasks", {"Status": 2, "StartTime": now, "EndTime": now + 1}))["Code"] == 0
    answer = await studio("DescribeTasks", {"Status": 2, **given, **times})
    assert answer["Code"] == 300000004 and answer["Message"].startswith(named), answer


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"app_id": 0}, "app_id"),
        ({"app_id": 2**32}, "app_id"),
        ({"server_secret": ""}, "server_secret"),
        ({"callback_secret": ""}, "callback_secret"),
        ({"file_url": "ftp://x"}, "file_url"),
        ({"more": 1}, "more"),
    ],
)
async def test_a_section_that_cannot_be(changes: dict[str, Any], named: str) -> None:
    given = {"listen": "127.0.0.1:1", "app_id": 1, "server_secret": "s", "callback_secret": "c"}
    assert "'s'" not in repr(ZegoSettings(**given))
    with pytest.raises(InvalidArgument) as told:
        ZegoSettings(**{**given, **changes})
    assert told.value.field == named
