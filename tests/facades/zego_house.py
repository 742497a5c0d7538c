"""The zego facade over a real `LiveDvr` on a clock that the test advances, and somebody who asks it and is told."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from facades.house import House
from facades.zego_client import APP, CALLBACK_SECRET, SERVER_SECRET, heard, start, target
from facades.zego_schema import check_answer
from livedvr.facades.zego.zego import Zego
from livedvr.resources.times import SECOND
from receiver import Receiver


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

    async def start(self, room: str = "live", **changes: Any) -> str:
        outputs = {"CallbackUrl": self.receiver.uri(), **changes.pop("outputs", {})}
        task: str = (await self.data("StartRecord", **start(room, outputs=outputs, **changes)))["TaskId"]
        self.started[task] = next(
            row.recording or "" for row in self.house.desk.list("task") if row.id == task
        )  # what stands behind it
        return task

    def pass_time(self, seconds: float) -> None:
        self.house.clock.advance(round(seconds * SECOND))

    async def status(self, task: str) -> Any:
        return await self.data("DescribeRecordStatus", TaskId=task)

    async def recording(self, task: str, count: int = 1) -> None:
        """So many segments come, and it is certain that they are recorded."""
        await self.house.bring(count)
        await self.house.until(self.started[task], "RECORDING")

    async def ended(self, task: str) -> None:
        """Its files are there, or it is certain that there are none."""
        await self.house.until(self.started[task], "SUCCEEDED", "EMPTY", "FAILED")

    async def told(self, task: str, last: int) -> list[tuple[int, Any]]:
        """(event_type, detail) of the callbacks of a task, as soon as there is one of that type."""
        return [(one["event_type"], one["detail"]) for one in await self._heard(task, last, 1)]

    async def _heard(self, task: str, last: int, count: int) -> list[dict[str, Any]]:
        while sum(one["event_type"] == last for one in self._of(task)) < count:
            await self.receiver.wait(len(self.receiver.got) + 1)
        found = self._of(task)
        assert [one["sequence"] for one in found] == list(range(len(found)))
        assert {(one["app_id"], one["room_id"]) for one in found} <= {(APP, "live"), (APP, "studio")}
        return found

    async def times(self, task: str, kind: int, count: int) -> list[int]:
        """How many seconds after its start the first callbacks of that type were."""
        found = await self._heard(task, kind, count)
        begun = self.house.desk.find("task", task)
        assert begun is not None
        return [int(one["timestamp"]) - begun.created // SECOND for one in found if one["event_type"] == kind]

    def _of(self, task: str) -> list[dict[str, Any]]:
        return [one for one in (heard(posted.body) for posted in self.receiver.got) if one["task_id"] == task]
