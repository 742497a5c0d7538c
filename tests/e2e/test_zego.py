"""ZEGOCLOUD's cloud recording over loopback: a client that signs as documented, a channel that a real encoder feeds,
and somebody who is told."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from facades.house import fed_server
from facades.zego_client import APP, CALLBACK_SECRET, SERVER_SECRET, Client, heard, mixed, start
from live import free_tcp_port, until
from livedvr.check.run import run_check
from livedvr.media.custom_begin import CUSTOM_BEGIN
from receiver import Receiver

pytestmark = pytest.mark.e2e

SAID = 1_764_079_200_123
SEI = ("-bsf:v", f"h264_metadata=sei_user_data={CUSTOM_BEGIN}+{SAID}")
DOCS = (Path(__file__).parents[2] / "docs" / "recordings-zego.md").read_text()


@dataclass
class Studio:
    """A server with the facade and a channel ``live`` on air."""

    ask: Client
    receiver: Receiver

    def start(self, room: str, inputs: dict[str, Any], **outputs: Any) -> str:
        patient = {**inputs, "MaxIdleTime": 600}  # however long the first media takes
        task: str = self.ask.data("StartRecord", **start(room, inputs=patient, outputs=outputs))["TaskId"]
        return task

    def records(self, task: str) -> None:
        """Return when its first media has come."""

        def look() -> Any:
            time.sleep(0.2)  # 10 requests a second are answered, and there are others
            return self.ask.data("DescribeRecordStatus", TaskId=task).get("RecordFiles")

        until(look, "it records")

    def made(self, task: str) -> Any:
        """The task, as soon as its files are there."""

        def look() -> Any:
            time.sleep(0.2)
            found = self.ask.data("DescribeRecordStatus", TaskId=task)
            return found if {one["Status"] for one in found["RecordFiles"]} == {3} else None

        return until(look, "its files are there")

    def told(self, task: str, last: int) -> list[tuple[int, Any]]:
        """(event_type, detail) of a task's callbacks up to the one of that type."""

        def look() -> Any:
            found = [one for one in (heard(post.body) for post in self.receiver.got) if one["task_id"] == task]
            return found if last in [one["event_type"] for one in found] else None

        found = until(look, f"callback {last}")
        assert [one["sequence"] for one in found] == list(range(len(found)))
        return [(one["event_type"], one["detail"]) for one in found]


@contextmanager
def a_studio(folder: Path, receiver: Receiver) -> Iterator[Studio]:
    listen = f"127.0.0.1:{free_tcp_port()}"
    keys = f'app_id = {APP}\nserver_secret = "{SERVER_SECRET}"\ncallback_secret = "{CALLBACK_SECRET}"\n'
    toml = f'[zego]\nlisten = "{listen}"\nchannels = {{ studio-7 = "live" }}\n{keys}'
    with fed_server(folder, toml, allow_webhook=(receiver.authority,), extra=SEI):
        yield Studio(Client(listen, time.time), receiver)


def ffprobe(path: str) -> dict[str, Any]:
    shown = "format=duration,size:stream=codec_type,width,height"
    argv = ["ffprobe", "-v", "error", "-show_entries", shown, "-of", "json", path]
    found: dict[str, Any] = json.loads(subprocess.run(argv, check=True, capture_output=True).stdout)
    return found


def check_file(file: dict[str, Any]) -> None:
    """What is told of a file is what ffprobe says."""
    path = Path(unquote(urlsplit(file["FileUrl"]).path))
    probed = ffprobe(str(path))
    kinds = [one["codec_type"] for one in probed["streams"]]
    video = next((one for one in probed["streams"] if one["codec_type"] == "video"), {"width": 0, "height": 0})
    assert file["FileSize"] == int(probed["format"]["size"])
    slack = 500 if file["OutputFileFormat"] == "aac" else 1  # ADTS has no length, ffprobe guesses
    assert file["Duration"] == pytest.approx(float(probed["format"]["duration"]) * 1000, abs=slack)
    assert (file["ResolutionWidth"], file["ResolutionHeight"]) == (video["width"], video["height"])
    assert file["MediaTrackType"] == 1 * ("audio" in kinds) + 2 * ("video" in kinds)
    assert file["FileId"] == path.name


def documented_client(studio: Studio) -> subprocess.Popen[str]:
    (script,) = re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL)
    script = script.replace("127.0.0.1:8093", studio.ask.address)
    return subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)


async def test_tasks_side_by_side_with_every_status_callback_and_file(wheel_ffmpeg: str, tmp_path: Path) -> None:
    async with Receiver() as receiver:
        await asyncio.to_thread(tasks_side_by_side, tmp_path, receiver)


def tasks_side_by_side(folder: Path, receiver: Receiver) -> None:
    with a_studio(folder, receiver) as studio:
        mix = mixed(MixMaxResolutionStreamId="live") | {"ResumeWithoutInterruption": True}
        task = studio.start("studio-7", mix, CallbackUrl=receiver.uri())
        apart = studio.start("live", {"StreamType": 4})
        hls = studio.start("live", {}, OutputFileFormat="hls", FragmentSeconds=2)
        for one in (task, apart, hls):
            studio.records(one)
        assert studio.ask.data("DescribeRecordStatus", TaskId=task)["Status"] == 2
        with documented_client(studio) as documented:
            times = [time.monotonic()]
            studio.ask.data("PauseRecord", TaskId=task)
            times.append(time.monotonic())
            assert studio.ask.data("DescribeRecordStatus", TaskId=task)["Status"] == 5
            time.sleep(1)  # what lies in it is not in the file
            times.append(time.monotonic())
            studio.ask.data("ResumeRecord", TaskId=task)
            times.append(time.monotonic())
            time.sleep(1)
            for one in (task, apart, hls):
                studio.ask.data("StopRecord", TaskId=one)
            told = studio.told(task, 1)
            shown = {one: studio.made(one) for one in (task, apart, hls)}
            printed, _ = documented.communicate(timeout=60)
        assert documented.returncode == 0

    assert [kind for kind, _ in told if kind != 4] == [201, 202, 5, 7, 1]
    assert {one["Status"] for one in shown.values()} == {3}
    (mixed_file,) = shown[task]["RecordFiles"]
    gap = shown[task]["RecordEndTimestamp"] - mixed_file["BeginTimestamp"] - mixed_file["Duration"]
    shortest, longest = (times[2] - times[1]) * 1000, (times[3] - times[0]) * 1000
    assert shortest - 150 < gap < longest + 150, "the pause is not in it"
    assert {
        name: value for name, value in told[-1][1]["file_info"][0].items() if name in ("duration", "file_size")
    } == {
        "duration": mixed_file["Duration"],
        "file_size": mixed_file["FileSize"],
    }
    files = [mixed_file, *shown[apart]["RecordFiles"]]
    assert [one["MediaTrackType"] for one in files] == [3, 2, 1]
    assert [one["CustomBeginTimestamp"] for one in files] == [SAID, SAID, 0], "as the sender says in an SEI"
    for file in files:
        check_file(file)
    (playlist,) = shown[hls]["RecordFiles"]
    report = run_check(unquote(urlsplit(playlist["FileUrl"]).path), deep=True)
    assert report.ok, report
    name, _, url = printed.strip().partition(" ")
    assert name.endswith(".mp4") and Path(unquote(urlsplit(url).path)).name == name
