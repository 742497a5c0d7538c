from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from house import House


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    made = await House(tmp_path).open()
    yield made
    await made.die()
    made.catalog.close()
