"""Tencent's cloud recording as its clients ask for it: tasks, their limits, and what is refused with which code."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from facades.tencent_house import APP, House, a_house


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with a_house(tmp_path) as made:
        yield made


async def test_a_task_is_idle_until_something_comes_and_gone_when_it_has_ended(house: House) -> None:
    task = await house.create()
    assert await house.status(task) == "Idle"
    answer = await house.ask("DeleteCloudRecording", {"SdkAppId": APP, "TaskId": task})
    assert answer["TaskId"] == task
    await house.ended(task)
    assert await house.status(task) == "ResourceNotFound"
