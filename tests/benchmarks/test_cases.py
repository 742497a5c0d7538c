"""The benchmarks measure the product as it is: each case takes its steps, and asserts that they did what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import length, sessions
from livedvr.resources.times import MINUTE
from livedvr.storage.memory import MemoryStore


@pytest.mark.parametrize("windows", [1, 3])
async def test_a_segment_s_way_behind_a_long_window(tmp_path: Path, windows: int) -> None:
    case = length.Case(tmp_path, 6 * MINUTE, windows)
    await case.open()
    for _ in range(3):
        await case.step(measured=True)
        case.write_file()
    case.close()
    assert len(case.totals(*length.STEPS)) == 3
    assert all(case.sizes)


@pytest.mark.parametrize("watched", [False, True])
async def test_many_live_sessions(tmp_path: Path, watched: bool) -> None:
    case = sessions.Case(tmp_path, 3, MemoryStore(), watched=watched)
    await case.open()
    for _ in range(3):
        await case.step(measured=True)
    await case.close()
    assert len(case.samples.cpu) == 3
