"""Tencent's own client, unmodified, over loopback: a channel that a real encoder feeds is recorded as it asks."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tencentcloud.common.credential import Credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.trtc.v20190722 import models
from tencentcloud.trtc.v20190722.trtc_client import TrtcClient

from facades.house import Posted, Receiver, fed_server
from facades.tencent_house import APP, CALLBACK_KEY, SECRET_ID, SECRET_KEY, USER_SIG_KEY, creation
from live import PATIENCE, Encoder, free_tcp_port

pytestmark = pytest.mark.e2e


def is_signed(posted: Posted) -> None:
    digest = hmac.new(CALLBACK_KEY.encode(), posted.body, hashlib.sha256).digest()
    assert posted.headers["sign"] == base64.b64encode(digest).decode()
    assert (posted.headers["sdkappid"], posted.headers["content-type"]) == (str(APP), "application/json")


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
        config = (
            f'[tencent]\nlisten = "{listen}"\nchannels = {{ "1001" = "live" }}\n'
            f'keys = {{ {SECRET_ID} = "{SECRET_KEY}" }}\n'
            f'[tencent.apps.{APP}]\nuser_sig_key = "{USER_SIG_KEY}"\n'
            f'callback_url = "{told.uri()}"\ncallback_key = "{CALLBACK_KEY}"\n'
        )
        with fed_server(folder, config, allow_webhook=(told.authority,)) as (_, encoder):
            yield Studio(listen, told, encoder, folder / "media" / "live" / "recordings")


async def test_from_idle_to_gone_and_every_callback_in_its_order(wheel_ffmpeg: str, tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        task = await studio.create(RecordParams={"RecordMode": 2, "OutputFormat": 1})
        assert await studio.status(task) == "Idle"
        await studio.becomes(task, "InProgress")
        assert (await studio.ask("DeleteCloudRecording", SdkAppId=APP, TaskId=task)).TaskId == task
        assert await studio.status(task) == "Exited"
        await studio.becomes(task, "ResourceNotFound")
        told = await studio.callbacks(task, 310)
        assert [kind for kind, _ in told] == [301, 303, 307, 304, 302, 305, 310]
        assert dict(told)[302] == {"LeaveCode": 0}
        assert dict(told)[305] == {"LeaveCode": 0, "Status": 0}
