from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from recording_house import RecordingHouse


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[RecordingHouse]:
    made = await RecordingHouse(tmp_path).open()
    yield made
    await made.close()
