"""ZEGOCLOUD's cloud recording as its clients ask for it, over a real `LiveDvr` on a clock that the test advances."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from builders import at
from facades.house import House, Receiver, cut_media
from facades.zego_client import APP, CALLBACK_SECRET, SERVER_SECRET, heard, start, target
from facades.zego_schema import check_answer
from livedvr.facades.zego.dialect import callback_signature
from livedvr.facades.zego.signature import signature
from livedvr.facades.zego.zego import Zego
from livedvr.resources.times import SECOND

DAY = 24 * 3600
NOW = at(0) // SECOND


def facade(**more: Any) -> Zego:
    secrets = {"server_secret": SERVER_SECRET, "callback_secret": CALLBACK_SECRET}
    given = {"listen": "127.0.0.1:8093", "app_id": APP, "channels": {"studio": "live"}, **secrets}
    return Zego({**given, **more})


@dataclass
class Studio:
    """The house, and somebody who asks it and is told."""

    house: House
    receiver: Receiver
    started: dict[str, str] = field(default_factory=dict)  # recordings by task

    @property
    def seconds(self) -> int:
        return self.house.clock.now() // SECOND

    async def __call__(
        self, action: str, given: Any = None, *, verb: str = "POST", more: dict[str, Any] | None = None, **public: Any
    ) -> dict[str, Any]:
        """An answer: HTTP 200, and as documented. ``more``: what stands in the query beside."""
        body = given if isinstance(given, bytes) else json.dumps({} if given is None else given).encode()
        asked = target(action, public.pop("Timestamp", self.seconds), more, **public)
        answer = await self.house.ask(verb, asked, body if verb == "POST" else b"")
        assert answer.status == 200
        found: dict[str, Any] = answer.json()
        check_answer(action, found)
        return found

    async def data(self, action: str, **given: Any) -> Any:
        answer = await self(action, given)
        assert (answer["Code"], answer["Message"]) == (0, "succeed"), answer
        return answer.get("Data")

    async def start(self, **changes: Any) -> str:
        outputs = {"CallbackUrl": self.receiver.uri(), **changes.pop("outputs", {})}
        task: str = (await self.data("StartRecord", **start(outputs=outputs, **changes)))["TaskId"]
        self.started[task] = next(
            row.recording or "" for row in self.house.desk.list("task") if row.id == task
        )  # what stands behind it
        return task

    async def status(self, task: str) -> Any:
        return await self.data("DescribeRecordStatus", TaskId=task)

    async def recording(self, task: str, count: int = 1) -> None:
        """So many segments come, and it is certain that they are recorded."""
        await self.house.bring(count)
        await self.house.until(self.started[task], "RECORDING")

    async def ended(self, task: str) -> None:
        """Its files are there, or it is certain that there are none."""
        await self.house.until(self.started[task], "SUCCEEDED", "EMPTY", "FAILED")

    async def told(self, task: str, count: int) -> list[tuple[int, Any]]:
        """(event_type, detail) of the callbacks of a task, as soon as there are so many."""
        while len(found := [one for one in map(heard, self._bodies()) if one["task_id"] == task]) < count:
            await self.receiver.wait(len(self.receiver.got) + 1)
        assert [one["sequence"] for one in found] == list(range(len(found)))
        assert {(one["app_id"], one["room_id"]) for one in found} <= {(APP, "live"), (APP, "studio")}
        return [(one["event_type"], one["detail"]) for one in found]

    def _bodies(self) -> list[bytes]:
        return [one.body for one in self.receiver.got]


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import imageio_ffmpeg

    return cut_media(imageio_ffmpeg.get_ffmpeg_exe(), tmp_path_factory.mktemp("media") / "voice")


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
    told = await studio.told(task, 3)
    assert [kind for kind, _ in told] == [5, 7, 1]
    assert told[2][1]["upload_status"] == 1
    assert told[2][1]["file_info"][0]["file_size"] == file["FileSize"]
