"""Tencent's own client, unmodified, over loopback: a channel that a real encoder feeds is recorded as it asks."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tencentcloud.common.credential import Credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.trtc.v20190722 import models
from tencentcloud.trtc.v20190722.trtc_client import TrtcClient

from facades.house import fed_server
from facades.tencent_house import APP, SECRET_ID, SECRET_KEY, creation, is_signed, storage
from live import PATIENCE, Encoder, free_tcp_port
from livedvr.check.run import run_check
from livedvr.media.file_facts import file_facts
from offline import decoding_errors
from receiver import Receiver

pytestmark = pytest.mark.e2e


PAGE = Path(__file__).parents[2].joinpath("docs", "recordings-tencent.md").read_text()


@dataclass
class Studio:
    """A server with the facade, whose channel is room 1001, and who asks and is told."""

    address: str
    told: Receiver
    encoder: Encoder
    recordings: Path

    def client(self, **http: Any) -> TrtcClient:
        profile = HttpProfile(protocol="http", endpoint=self.address, **http)
        return TrtcClient(Credential(SECRET_ID, SECRET_KEY), "ap-shanghai", ClientProfile(httpProfile=profile))

    async def ask(self, action: str, client: TrtcClient | None = None, **given: Any) -> Any:
        request = getattr(models, f"{action}Request")()
        request.from_json_string(json.dumps(given))
        return await asyncio.to_thread(getattr(client or self.client(), action), request)

    async def create(self, **changes: Any) -> str:
        asked = creation(time.time_ns() // 1000, **changes)
        task: str = (await self.ask("CreateCloudRecording", **asked)).TaskId
        return task

    async def status(self, task: str) -> str:
        """Its Status, or the error's code."""
        try:
            found: str = (await self.ask("DescribeCloudRecording", SdkAppId=APP, TaskId=task)).Status
        except TencentCloudSDKException as error:
            return str(error.code)
        return found

    async def becomes(self, task: str, status: str) -> None:
        for _ in range(round(PATIENCE / 0.2)):
            if await self.status(task) == status:
                return
            await asyncio.sleep(0.2)  # 20 requests a second are answered
        raise AssertionError(f"it did not become {status} within {PATIENCE} s")

    async def callbacks(self, task: str, last: int) -> list[tuple[int, dict[str, Any]]]:
        """Those of a task, as soon as the last has come: (EventType, Payload)."""
        found: list[tuple[int, dict[str, Any]]] = []
        while last not in dict(found):
            got = [posted.json() for posted in await self.told.wait(len(found) and len(self.told.got) + 1)]
            found = [(b["EventType"], b["EventInfo"]["Payload"]) for b in got if b["EventInfo"]["TaskId"] == task]
        return found


@asynccontextmanager
async def a_studio(folder: Path) -> AsyncIterator[Studio]:
    listen = f"127.0.0.1:{free_tcp_port()}"
    async with Receiver(is_signed) as told:
        (config,) = re.findall("```toml\n(.*?)```", PAGE, re.DOTALL)
        config = config.replace("127.0.0.1:8091", listen).replace("https://hooks.example/trtc", told.uri())
        with fed_server(folder, config, allow_webhook=(told.authority,)) as (_, encoder):
            yield Studio(listen, told, encoder, folder / "media" / "live" / "recordings")


STAMP = r"\d{17}"
BASE = f"{APP}_1001"
USER = f"{BASE}__UserId_s_bGl2ZQ..__UserId_e_main"  # of user `live`


def names(folder: Path) -> list[str]:
    """What is there, times as ``UTC``."""
    return [re.sub(STAMP, "UTC", path.name) for path in sorted(folder.iterdir())]


def check_playlist(ffmpeg: str, path: Path, begin: int, size: str | None) -> None:
    """Its head says when it began and how large its pictures are; its segments are called by when they begin."""
    text = path.read_text()
    assert f"#EXT-X-TRTC-START-REC-TIME:{begin}\n" in text
    assert re.findall("#EXT-X-TRTC-VIDEO-METADATA:(.*)", text) == ([size] if size else [])
    listed = re.findall(r"#EXTINF:([\d.]+),\n(.*)\n", text)
    at = begin / 1000
    for duration, name in listed:
        found = re.fullmatch(rf"{re.escape(path.stem)}_({STAMP})\.ts", name)
        assert found is not None, name
        said = datetime.strptime(found[1] + "000+0000", "%Y%m%d%H%M%S%f%z").timestamp()
        assert said == pytest.approx(at, abs=0.002)
        at += float(duration)
    assert listed and text.endswith("#EXT-X-ENDLIST\n")
    assert run_check(str(path), deep=True).ok and decoding_errors(ffmpeg, path) == ""


def follow_the_page(studio: Studio) -> str:
    """What its example prints at last."""
    (example,) = re.findall("```python\n(.*?)```", PAGE, re.DOTALL)
    printed: list[str] = []
    exec(example.replace("127.0.0.1:8091", studio.address), {"print": printed.append})  # noqa: S102
    return printed[-1]


async def test_from_idle_to_gone_with_callbacks_and_files(wheel_ffmpeg: str, tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        mix = await studio.create(RecordParams={"RecordMode": 2, "OutputFormat": 1})
        of_user = await studio.create(
            UserId="robot-2", RecordParams={"RecordMode": 1, "OutputFormat": 2}, StorageParams=storage(Vendor=1)
        )
        assert await studio.status(mix) == "Idle"
        page = asyncio.create_task(asyncio.to_thread(follow_the_page, studio))
        await studio.becomes(mix, "InProgress")
        await studio.becomes(of_user, "InProgress")
        listed = (await studio.ask("DescribeCloudRecording", SdkAppId=APP, TaskId=of_user)).StorageFileList
        assert [(one.UserId, one.FileName, one.TrackType) for one in listed] == [
            ("live", f"{USER}_{track}.m3u8", track) for track in ("audio", "video")
        ]
        for task in (mix, of_user):
            assert (await studio.ask("DeleteCloudRecording", SdkAppId=APP, TaskId=task)).TaskId == task
        assert await studio.status(mix) == "Exited"
        await studio.becomes(mix, "ResourceNotFound")
        await studio.becomes(of_user, "ResourceNotFound")
        assert await page == "ResourceNotFound"
        told, told_of_user = await studio.callbacks(mix, 310), await studio.callbacks(of_user, 310)
        assert [kind for kind, _ in told] == [301, 303, 307, 304, 302, 305, 310]
        assert dict(told)[302] == {"LeaveCode": 0} and dict(told)[305] == {"LeaveCode": 0, "Status": 0}
        assert [kind for kind, _ in told_of_user] == [301, 303, 307, 304, 307, 304, 302, 305, 310]

    folder = studio.recordings / "cos" / "tapes-1250000000" / mix
    segments = len(list(folder.glob("*.ts")))
    assert names(folder) == [f"{BASE}.m3u8", f"{BASE}.mp4", *[f"{BASE}_UTC.ts"] * segments]
    check_playlist(wheel_ffmpeg, folder / f"{BASE}.m3u8", dict(told)[307]["BeginTimeStamp"], "WIDTH:320 HEIGHT:180")
    (message,) = dict(told)[310]["FileMessage"]
    length = (message["EndTimeStamp"] - message["StartTimeStamp"]) / 1000
    assert message["StartTimeStamp"] == dict(told)[307]["BeginTimeStamp"]
    assert file_facts(folder / message["FileName"]).duration / 1e6 == pytest.approx(length, abs=0.1)

    folder = studio.recordings / "aws" / "tapes-1250000000" / of_user
    assert {one for one in names(folder) if one.endswith("m3u8")} == {
        f"{USER}_{kind}.m3u8" for kind in ("audio", "video")
    }
    assert dict(told_of_user)[310]["FileList"] == [f"{USER}_audio.aac"] and (folder / f"{USER}_audio.aac").exists()
    check_playlist(wheel_ffmpeg, folder / f"{USER}_audio.m3u8", listed[0].BeginTimeStamp, None)
    check_playlist(wheel_ffmpeg, folder / f"{USER}_video.m3u8", listed[1].BeginTimeStamp, "WIDTH:320 HEIGHT:180")


async def test_the_client_in_its_other_forms(wheel_ffmpeg: str, tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        task = await studio.create()
        forms = (studio.client(reqMethod="GET"), studio.client(), studio.client())
        forms[1].profile.unsignedPayload = True
        forms[2].profile.language = "en-US"
        for client in forms:
            found = await studio.ask("DescribeCloudRecording", client, SdkAppId=APP, TaskId=task)
            assert (found.TaskId, found.Status) == (task, "Idle")
        stranger = TrtcClient(Credential(SECRET_ID, "another"), "ap-shanghai", studio.client().profile)
        for client, app, code in (
            (stranger, APP, "AuthFailure.SignatureFailure"),
            (studio.client(), APP + 7, "InvalidParameter.SdkAppId"),
        ):
            with pytest.raises(TencentCloudSDKException) as caught:
                await studio.ask("DescribeCloudRecording", client, SdkAppId=app, TaskId=task)
            assert caught.value.code == code and caught.value.requestId
