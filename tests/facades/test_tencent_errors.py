"""Every code of Tencent's that can arise here, and what provokes it. All of them are HTTP 200 (see `Asking`)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from builders import at, channel
from facades.tencent_house import (
    APP,
    OTHER_APP,
    SECRET_ID,
    SECRET_KEY,
    TencentHouse,
    a_house,
    creation,
    storage,
    user_sig,
)
from livedvr.resources.errors import StorageError

CREATE, DESCRIBE = "CreateCloudRecording", "DescribeCloudRecording"
NOBODY = {"SdkAppId": APP, "TaskId": "0" * 48}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[TencentHouse]:
    async with a_house(tmp_path) as made:
        yield made


AUTHORIZATION = f"TC3-HMAC-SHA256 Credential={SECRET_ID}/2026-11-21/trtc/tc3_request, SignedHeaders=content-type;host"


@pytest.mark.parametrize(
    ("code", "how"),
    [
        ("AuthFailure.InvalidAuthorization", {"headers": {"authorization": None}}),
        ("AuthFailure.InvalidAuthorization", {"headers": {"authorization": "Bearer x"}}),
        ("AuthFailure.InvalidAuthorization", {"signed": ("content-type",)}),
        ("AuthFailure.InvalidAuthorization", {"signed": ("host", "x-tc-action")}),
        ("AuthFailure.SecretIdNotFound", {"secret": ("AKIDnobody", SECRET_KEY)}),
        ("AuthFailure.SignatureFailure", {"secret": (SECRET_ID, SECRET_KEY + "x")}),
        ("AuthFailure.SignatureFailure", {"headers": {"authorization": f"{AUTHORIZATION}, Signature={'0' * 64}"}}),
        ("AuthFailure.SignatureExpire", {"after": 301}),
        ("AuthFailure.SignatureExpire", {"after": -301}),
        ("AuthFailure.TokenFailure", {"headers": {"x-tc-token": "t"}}),
        ("MissingParameter", {"headers": {"x-tc-timestamp": None}}),
        ("MissingParameter", {"headers": {"x-tc-timestamp": "soon"}}),
        ("MissingParameter", {"headers": {"x-tc-action": None}}),
        ("MissingParameter", {"headers": {"x-tc-version": None}}),
        ("MissingParameter", {"headers": {"x-tc-region": None}}),
        ("NoSuchVersion", {"headers": {"x-tc-version": "2017-03-12"}}),
        ("UnsupportedRegion", {"headers": {"x-tc-region": "eu-nowhere"}}),
        ("InvalidAction", {"headers": {"x-tc-action": "StartWebRecord"}}),
        ("UnsupportedProtocol", {"method": "PUT"}),
        ("UnsupportedProtocol", {"headers": {"content-type": "multipart/form-data"}}),
    ],
)
async def test_who_asks_and_how(code: str, how: dict[str, Any], house: TencentHouse) -> None:
    assert await house.code(DESCRIBE, NOBODY, **how) == code


@pytest.mark.parametrize(
    ("code", "body"),
    [
        ("InvalidParameter", b"{"),
        ("InvalidParameter", b"[1]"),
        ("InvalidParameter", b"\xff"),
        ("InvalidParameter", b"[" * 100_000),
        ("RequestSizeLimitExceeded", b" " * ((1 << 20) + 1)),
    ],
)
async def test_a_body_that_is_none(code: str, body: bytes, house: TencentHouse) -> None:
    assert await house.code(DESCRIBE, body) == code


def record(**changes: Any) -> dict[str, Any]:
    return {"RecordParams": {"RecordMode": 2, **changes}}


def cos(**changes: Any) -> dict[str, Any]:
    return {"StorageParams": storage(**changes)}


def cos_without(name: str) -> dict[str, Any]:
    given = storage()["CloudStorage"]
    return {"StorageParams": {"CloudStorage": {key: value for key, value in given.items() if key != name}}}


def vod(**changes: Any) -> dict[str, Any]:
    return {"StorageParams": {"CloudVod": {"TencentVod": changes}}}


def layout(**changes: Any) -> dict[str, Any]:
    return {"MixLayoutParams": changes}


VIDEO = {"Width": 640, "Height": 360, "Fps": 15, "BitRate": 550_000, "Gop": 10}
AUDIO = {"SampleRate": 1, "Channel": 2, "BitRate": 64_000}
USERS = "SubscribeStreamUserIds"


@pytest.mark.parametrize(
    ("code", "names", "changes"),
    [
        *((f"MissingParameter.{name}", name, {name: None}) for name in ("SdkAppId", "RoomId", "UserId", "UserSig")),
        ("MissingParameter.RecordParams", "RecordParams", {"RecordParams": None}),
        ("MissingParameter.StorageParams", "StorageParams", {"StorageParams": None}),
        ("MissingParameter.RecordMode", "RecordParams.RecordMode", {"RecordParams": {}}),
        ("MissingParameter.CloudStorage", "CloudStorage", {"StorageParams": {}}),
        *(
            (f"MissingParameter.{name}", f"CloudStorage.{name}", cos_without(name))
            for name in ("Vendor", "Region", "Bucket", "AccessKey", "SecretKey")
        ),
        ("MissingParameter", "TencentVod", {"StorageParams": {"CloudVod": {}}}),
        (
            "MissingParameter",
            "VideoParams.Gop",
            {"MixTranscodeParams": {"VideoParams": {"Width": 1, "Height": 1, "Fps": 1, "BitRate": 64_000}}},
        ),
        ("InvalidParameter.SdkAppId", "SdkAppId", {"SdkAppId": 1400000009}),
        ("InvalidParameter.SdkAppId", "SdkAppId", {"SdkAppId": "1400000001"}),
        ("InvalidParameter.RoomId", "RoomId", {"RoomId": "nowhere", "RoomIdType": 0}),
        ("InvalidParameter.RoomId", "RoomId", {"RoomId": "live"}),
        ("InvalidParameter.RoomId", "RoomId", {"RoomId": str(2**32)}),
        ("InvalidParameter.RoomId", "RoomId", {"RoomId": ""}),
        ("InvalidParameter.RoomId", "RoomId", {"RoomId": 1001}),
        ("InvalidParameter.UserId", "UserId", {"UserId": "a b"}),
        ("InvalidParameter.UserId", "UserId", {"UserId": "a" * 33}),
        ("InvalidParameter.UserSig", "UserSig", {"UserSig": "x"}),
        ("InvalidParameter.UserSig", "UserSig", {"UserSig": ""}),
        ("UnknownParameter", "Bitrate", {"Bitrate": 1}),
        ("UnknownParameter", "RecordParams.Mode", record(Mode=1)),
        ("InvalidParameter.OutOfRange", "RecordParams.RecordMode", {"RecordParams": {"RecordMode": 3}}),
        ("InvalidParameter", "RecordParams.RecordMode", {"RecordParams": {"RecordMode": "2"}}),
        ("InvalidParameter", "RecordParams", {"RecordParams": 2}),
        *(("InvalidParameter.OutOfRange", "MaxIdleTime", record(MaxIdleTime=given)) for given in (4, 86_401)),
        ("InvalidParameter.OutOfRange", "StreamType", record(StreamType=3)),
        ("InvalidParameter.OutOfRange", "OutputFormat", record(OutputFormat=5)),
        ("InvalidParameter.OutOfRange", "AvMerge", record(AvMerge=2)),
        *(("InvalidParameter.OutOfRange", "FileDuration", record(MaxMediaFileDuration=given)) for given in (0, 1441)),
        ("InvalidParameter.OutOfRange", "MediaId", record(MediaId=3)),
        ("InvalidParameter.OutOfRange", "SubscribeAbility", record(SubscribeAbility=2)),
        ("InvalidParameter.OutOfRange", USERS, record(**{USERS: {"SubscribeAudioUserIds": ["u"] * 33}})),
        (
            "InvalidParameter",
            USERS,
            record(**{USERS: {"SubscribeAudioUserIds": ["someone"], "SubscribeVideoUserIds": ["x"]}}),
        ),
        (
            "InvalidParameter",
            USERS,
            record(**{USERS: {"SubscribeAudioUserIds": ["live"], "UnSubscribeAudioUserIds": ["x"]}}),
        ),
        ("InvalidParameter", "OutputFormat", record(StreamType=2, OutputFormat=2)),
        *(("InvalidParameter.OutOfRange", "ResourceExpiredHour", {"ResourceExpiredHour": n}) for n in (5, 721)),
        ("InvalidParameter.OutOfRange", "RoomIdType", {"RoomIdType": 2}),
        ("InvalidParameter.OutOfRange", "Vendor", cos(Vendor=2)),
        ("InvalidParameter", "Bucket", cos(Bucket="../x")),
        ("InvalidParameter", "FileNamePrefix", cos(FileNamePrefix=["a/b"])),
        ("InvalidParameter", "FileNamePrefix", cos(FileNamePrefix=[".."])),
        ("InvalidParameter", "exclude", {"StorageParams": {**storage(), **vod()["StorageParams"]}}),
        ("InvalidParameter.OutOfRange", "MediaType", vod(MediaType=5)),
        ("InvalidParameter", "MediaType", vod(MediaType=2)),
        ("InvalidParameter", "UserDefineRecordId", vod(UserDefineRecordId="a/b")),
        ("InvalidParameter.OutOfRange", "Width", {"MixTranscodeParams": {"VideoParams": {**VIDEO, "Width": 1921}}}),
        ("InvalidParameter.OutOfRange", "Channel", {"MixTranscodeParams": {"AudioParams": {**AUDIO, "Channel": 3}}}),
        ("InvalidParameter", "BackGroundColor", layout(BackGroundColor="red")),
        ("InvalidParameter.OutOfRange", "MixLayoutMode", layout(MixLayoutMode=5)),
        ("UnsupportedOperation", "RecordParams.MediaId", record(MediaId=2)),
        ("UnsupportedOperation", "RecordParams.FillType", record(FillType=1)),
        ("UnsupportedOperation", "MixTranscodeParams.VideoParams", {"MixTranscodeParams": {"VideoParams": VIDEO}}),
        ("UnsupportedOperation", "MixTranscodeParams.AudioParams", {"MixTranscodeParams": {"AudioParams": AUDIO}}),
        ("UnsupportedOperation", "MixLayoutMode", layout(MixLayoutMode=2)),
        ("UnsupportedOperation", "MixLayoutMode", layout(MixLayoutMode=4)),
        ("UnsupportedOperation", "MixLayoutList", layout(MixLayoutList=[{"Top": 0}])),
        ("UnsupportedOperation", "MaxResolutionUserId", layout(MixLayoutMode=1, MaxResolutionUserId="another")),
        ("UnsupportedOperation", "MixLayoutParams.MediaId", layout(MediaId=1)),
        ("UnsupportedOperation", "BackgroundImageUrl", layout(BackgroundImageUrl="https://a.example/x.png")),
        ("UnsupportedOperation", "PlaceHolderMode", layout(PlaceHolderMode=1)),
        ("UnsupportedOperation", "SubBackgroundImage", layout(DefaultSubBackgroundImage="https://a.example/x.png")),
        ("UnsupportedOperation", "WaterMarkList", layout(WaterMarkList=[{}])),
        *(
            ("UnsupportedOperation", f"TencentVod.{name}", vod(**{name: value}))
            for name, value in {
                "Procedure": "p",
                "StorageRegion": "ap-chongqing",
                "SessionContext": "s",
                "SourceContext": "s",
                "ExpireTime": 86_400,
                "ClassId": 7,
                "SubAppId": 5,
            }.items()
        ),
    ],
)
async def test_what_is_wrong_with_a_creation(
    code: str, names: str, changes: dict[str, Any], house: TencentHouse
) -> None:
    given = creation(house.clock.now(), **changes)
    error = (await house.call(CREATE, given))["Error"]
    assert error["Code"] == code and names in error["Message"], error
    assert await house.dvr.recordings.list("live") == []


@pytest.mark.parametrize(
    "how",
    [
        {"key": "another"},
        {"app": OTHER_APP},
        {"user": "robot-2"},
        {"at": at(-86_400)},  # a day ago, for a day
        {"lasts": float("inf")},
    ],
)
async def test_a_user_sig_that_is_not_for_this(how: dict[str, Any], house: TencentHouse) -> None:
    given = {"user": "robot-1", "at": house.clock.now(), **how}
    asked = creation(house.clock.now(), UserSig=user_sig(**given))
    assert await house.code(CREATE, asked) == "InvalidParameter.UserSig"


@pytest.mark.parametrize("action", [DESCRIBE, "ModifyCloudRecording", "DeleteCloudRecording"])
async def test_which_task(action: str, house: TencentHouse) -> None:
    task = await house.create()

    async def code(**given: Any) -> str:
        return await house.code(action, given)

    assert await code(TaskId=task) == "MissingParameter.SdkAppId"
    assert await code(SdkAppId=APP) == "MissingParameter.TaskId"
    assert await code(SdkAppId=APP, TaskId="x" * 129) == "InvalidParameter.TaskId"
    assert await code(SdkAppId=1, TaskId=task) == "InvalidParameter.SdkAppId"
    assert await code(**NOBODY) == "ResourceNotFound"
    assert await code(SdkAppId=OTHER_APP, TaskId=task) == "ResourceNotFound"
    assert await house.status(task) == "Idle"


async def test_what_the_channel_cannot_give(tmp_path: Path) -> None:
    async with a_house(tmp_path, channels={"1001": "bucket"}) as house:
        await house.dvr.put_channel(channel("gs://tapes/x", channel_id="bucket"), is_new=True)
        assert await house.code(CREATE, creation(house.clock.now())) == "UnsupportedOperation"


async def test_a_callback_that_may_not_be_called(tmp_path: Path) -> None:
    apps = {str(APP): {"callback_url": "http://10.0.0.1/"}}
    async with a_house(tmp_path, apps=apps) as house:
        answer = await house.call(CREATE, creation(house.clock.now()))
        assert answer["Error"]["Code"] == "FailedOperation" and "--allow-webhook" in answer["Error"]["Message"]


async def test_trouble_of_our_own(house: TencentHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(*_: object, **__: object) -> Mapping[str, Any]:
        raise StorageError("no space left on device", field="/out")

    async def broken(*_: object, **__: object) -> Mapping[str, Any]:
        raise ValueError("a defect")

    monkeypatch.setattr(house.dvr.recordings, "start", full)
    assert await house.code(CREATE, creation(house.clock.now())) == "InternalError.CRInternalError"
    monkeypatch.setattr(house.dvr.recordings, "start", broken)
    with pytest.raises(ValueError, match="a defect"):  # the server's log has it; the client is answered all the same
        await house.call(CREATE, creation(house.clock.now()))
