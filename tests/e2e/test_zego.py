"""ZEGOCLOUD's cloud recording over loopback: a client that signs as documented, a channel that a real encoder feeds,
and somebody who is told."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hook_receiver import HookReceiver

from facades.house import fed_server
from facades.zego_client import APP, CALLBACK_SECRET, SERVER_SECRET, Client, heard, mixed, start
from live import free_tcp_port, until

pytestmark = pytest.mark.e2e


@dataclass
class Studio:
    """A server with the facade and a channel ``live`` on air."""

    ask: Client
    receiver: HookReceiver

    def becomes(self, task: str, status: int) -> Any:
        def look() -> Any:
            time.sleep(0.1)  # 10 requests a second are answered
            found = self.ask.data("DescribeRecordStatus", TaskId=task)
            return found if found["Status"] == status else None

        return until(look, f"the task is {status}")

    def told(self, task: str, last: int) -> list[tuple[int, Any]]:
        """(event_type, detail) of a task's callbacks up to the one of that type."""

        def look() -> Any:
            found = [one for one in (heard(post.body) for post in self.receiver.posts) if one["task_id"] == task]
            return found if last in [one["event_type"] for one in found] else None

        found = until(look, f"callback {last}")
        assert [one["sequence"] for one in found] == list(range(len(found)))
        return [(one["event_type"], one["detail"]) for one in found]


@contextmanager
def a_studio(folder: Path) -> Iterator[Studio]:
    listen = f"127.0.0.1:{free_tcp_port()}"
    toml = (
        f'[zego]\nlisten = "{listen}"\napp_id = {APP}\n'
        f'server_secret = "{SERVER_SECRET}"\ncallback_secret = "{CALLBACK_SECRET}"\nchannels = {{ studio = "live" }}\n'
    )
    with HookReceiver() as receiver, fed_server(folder, toml, allow_webhook=(receiver.address,)):
        yield Studio(Client(listen, time.time), receiver)


def ffprobe(path: str) -> dict[str, Any]:
    shown = "format=duration,size:stream=codec_type,width,height"
    argv = ["ffprobe", "-v", "error", "-show_entries", shown, "-of", "json", path]
    found: dict[str, Any] = json.loads(subprocess.run(argv, check=True, capture_output=True).stdout)
    return found


def check_file(file: dict[str, Any]) -> Path:
    """What is told of a file is what ffprobe says."""
    path = Path(unquote(urlsplit(file["FileUrl"]).path))
    probed = ffprobe(str(path))
    kinds = [one["codec_type"] for one in probed["streams"]]
    video = next((one for one in probed["streams"] if one["codec_type"] == "video"), {"width": 0, "height": 0})
    assert file["FileSize"] == int(probed["format"]["size"])
    assert file["Duration"] == pytest.approx(float(probed["format"]["duration"]) * 1000, abs=1)
    assert (file["ResolutionWidth"], file["ResolutionHeight"]) == (video["width"], video["height"])
    assert file["MediaTrackType"] == 1 * ("audio" in kinds) + 2 * ("video" in kinds)
    assert file["FileId"] == path.name
    return path


def test_a_mix_with_a_pause_and_every_callback_in_its_order(wheel_ffmpeg: str, tmp_path: Path) -> None:
    with a_studio(tmp_path) as studio:
        outputs = {"CallbackUrl": studio.receiver.url}
        task = studio.ask.data("StartRecord", **start("studio", inputs=mixed(), outputs=outputs))["TaskId"]
        assert studio.ask.data("DescribeRecordStatus", TaskId=task)["Status"] == 1
        studio.becomes(task, 2)
        studio.ask.data("PauseRecord", TaskId=task)
        assert studio.ask.data("DescribeRecordStatus", TaskId=task)["Status"] == 5
        paused = time.monotonic()
        time.sleep(1)  # what lies in it is not in the file
        studio.ask.data("ResumeRecord", TaskId=task)
        gap = time.monotonic() - paused
        time.sleep(1)
        studio.ask.data("StopRecord", TaskId=task)
        told = studio.told(task, 1)
        shown = studio.becomes(task, 3)
    assert [kind for kind, _ in told] == [201, 202, 5, 7, 1]
    (file,) = shown["RecordFiles"]
    check_file(file)
    lasted = shown["RecordEndTimestamp"] - file["BeginTimestamp"]
    assert file["Duration"] == pytest.approx(lasted - gap * 1000, abs=150), "the pause is not in it"
