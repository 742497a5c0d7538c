"""Tencent's own client, unmodified, over loopback: a channel that a real encoder feeds is recorded as it asks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tencentcloud.common.credential import Credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.trtc.v20190722 import models
from tencentcloud.trtc.v20190722.trtc_client import TrtcClient

from facades.tencent_house import APP, CALLBACK_KEY, SECRET_ID, SECRET_KEY, USER_SIG_KEY, creation
from hook_receiver import HookReceiver
from live import Encoder, free_tcp_port, free_udp_port, until
from livedvr import Channel, Input, Output
from livedvr.resources.streams import MuxStream
from livedvr.serving import Server
from serving import Served, serving

pytestmark = pytest.mark.e2e


@dataclass
class Studio:
    """A server with the facade and a channel ``news``, room 1001, into which ``source`` leads."""

    served: Served
    client: TrtcClient
    told: HookReceiver
    source: str
    output: Path

    def ask(self, action: str, **given: Any) -> Any:
        request = getattr(models, f"{action}Request")()
        request.from_json_string(json.dumps(given))
        return getattr(self.client, action)(request)

    def create(self, **changes: Any) -> str:
        asked = creation(time.time_ns() // 1000, **changes)
        task: str = self.ask("CreateCloudRecording", **asked).TaskId
        return task

    def status(self, task: str) -> str:
        """Its Status, or the error's code."""
        try:
            found: str = self.ask("DescribeCloudRecording", SdkAppId=APP, TaskId=task).Status
        except TencentCloudSDKException as error:
            return str(error.code)
        return found

    def becomes(self, task: str, status: str) -> None:
        def look() -> bool:
            time.sleep(0.1)  # 20 requests a second are answered
            return self.status(task) == status

        until(look, f"the task is {status}")

    def callbacks(self, task: str) -> list[tuple[int, dict[str, Any]]]:
        """Those of a task: (EventType, Payload). All are signed."""
        found = []
        for post in self.told.posts:
            digest = hmac.new(CALLBACK_KEY.encode(), post.body, hashlib.sha256).digest()
            assert post.headers["Sign"] == base64.b64encode(digest).decode()
            assert post.headers["SdkAppId"] == str(APP) and post.headers["Content-Type"] == "application/json"
            body = json.loads(post.body)
            if body["EventInfo"]["TaskId"] == task:
                assert (body["EventGroupId"], body["EventInfo"]["RoomId"]) == (3, 1001)
                found.append((body["EventType"], body["EventInfo"]["Payload"]))
        return found


@contextmanager
def a_studio(folder: Path) -> Iterator[Studio]:
    listen, port = f"127.0.0.1:{free_tcp_port()}", free_udp_port()
    with HookReceiver() as told:
        config = folder / "facades.toml"
        config.write_text(
            f'[tencent]\nlisten = "{listen}"\nchannels = {{ "1001" = "news" }}\n'
            f'[tencent.keys]\n{SECRET_ID} = "{SECRET_KEY}"\n'
            f'[tencent.apps.{APP}]\nuser_sig_key = "{USER_SIG_KEY}"\n'
            f'callback_url = "{told.url}"\ncallback_key = "{CALLBACK_KEY}"\n'
        )
        with serving(folder, facades=config, allow_webhook=(told.address,)) as served:
            profile = ClientProfile(httpProfile=HttpProfile(protocol="http", endpoint=listen))
            client = TrtcClient(Credential(SECRET_ID, SECRET_KEY), "ap-shanghai", profile)
            channel = Channel(
                channel_id="news",
                input=Input(uri=f"udp://127.0.0.1:{port}"),
                output=Output(uri=str(folder / "out")),
                mux_streams=(MuxStream(segment_duration=timedelta(seconds=1)),),
                target_duration=2,
            )

            async def begin(server: Server) -> None:
                await server.dvr.channels.create(channel)
                await server.dvr.channels.start("news")

            served.within(begin)
            source = f"udp://127.0.0.1:{port}?pkt_size=1316"
            yield Studio(served, client, told, source, folder / "out")


def test_from_idle_to_gone_and_every_callback_in_its_order(wheel_ffmpeg: str, tmp_path: Path) -> None:
    with a_studio(tmp_path) as studio:
        task = studio.create(RecordParams={"RecordMode": 2, "OutputFormat": 1})
        assert studio.status(task) == "Idle"
        with Encoder(studio.source):
            studio.becomes(task, "InProgress")
            assert studio.ask("DeleteCloudRecording", SdkAppId=APP, TaskId=task).TaskId == task
            assert studio.status(task) == "Exited"
            studio.becomes(task, "ResourceNotFound")
        until(lambda: 310 in dict(studio.callbacks(task)), "the last callback")
        told = studio.callbacks(task)
        assert [kind for kind, _ in told] == [301, 303, 307, 304, 302, 305, 310]
        assert dict(told)[302] == {"LeaveCode": 0}
        assert dict(told)[305] == {"LeaveCode": 0, "Status": 0}
