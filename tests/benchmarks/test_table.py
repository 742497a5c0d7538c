"""Every row of the table can be made: tiny sizes, real processes. What is asserted is that there is something in it."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from benchmarks.__main__ import _PLACE, COMPARED, DOCUMENT
from benchmarks.comparison import HEAD, Row, alone, beside, report

from benchmarks import durable, event, index, length, live_channels, origin, sessions, texts

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(480)]  # who begins may take 180 s, and three do, one by one

TINY: dict[Callable[..., Awaitable[list[Row]]], dict[str, Any]] = {
    live_channels.rows: {"seconds": 0, "many": 1, "many_seconds": 0.3, "segment": 1},
    durable.rows: {"segments": 2},
    event.rows: {"hours": (0.02,), "files": 4},
    length.rows: {"hours": 1, "rounds": 2, "segments": 2},
    texts.rows: {"segments": 30, "rounds": 1},
    sessions.rows: {"counts": (1, 3), "rounds": 2},
    index.rows: {"hours": 1, "rounds": 1},
    origin.rows: {"segments": 30, "seconds": 0.01},
}


@pytest.mark.parametrize("measure", TINY, ids=lambda measure: measure.__module__)
async def test_each_part_of_the_table(tmp_path: Path, measure: Callable[..., Awaitable[list[Row]]]) -> None:
    made = await measure(tmp_path / "case", **TINY[measure])
    assert made and all(row.what and row.ours for row in made)
    assert report(made).count("\n") == len(made) + 1


def test_each_part_is_tried_here() -> None:
    assert set(TINY) == set(COMPARED)


def test_a_ratio_is_of_the_rounds() -> None:
    row = beside("text", [1, 2, 4], "theirs", [2, 2, 2], unit="ms", most=1)
    assert row.cells() == ["text", "2 ms", "theirs", "2 ms", "1 (0.5-2)", "<= 1", "yes"]
    assert beside("text", [1], "theirs", [4], unit="ms", least=0.5).kept is False
    assert beside("text", [1], "theirs", [4], unit="ms").kept is None
    assert alone("text", [3], unit="s", most=2).cells()[-2:] == ["<= 2 s", "NO"]
    assert len(HEAD) == len(row.cells())
    assert math.isfinite(float(row.cells()[4].split()[0]))


def test_the_document_has_a_place_for_the_table() -> None:
    assert len(_PLACE.findall(DOCUMENT.read_text())) == 1
