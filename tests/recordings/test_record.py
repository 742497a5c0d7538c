"""`dvr.record`: a recording for as long as a block runs."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from builders import at
from livedvr.recordings_api import Recordings, taken
from livedvr.resources.errors import AlreadyExists
from livedvr.resources.recording import RecordingLimits, RecordingSpec
from livedvr.resources.times import SECOND
from livedvr.sessions.plan import Facts
from recording_house import RecordingHouse


def recordings(house: RecordingHouse) -> Recordings:
    async def runtime(_: str) -> Any:
        return SimpleNamespace(recordings=house.recordings)

    return Recordings(runtime)


async def test_it_is_stopped_where_the_block_ends(house: RecordingHouse) -> None:
    async with taken(recordings(house), "live", "take", None) as take:
        assert take.recording.state == "IDLE"
    assert (take.recording.state, take.recording.end_reason) == ("EMPTY", "REQUESTED")


async def test_a_limit_may_end_it_before(house: RecordingHouse) -> None:
    spec = RecordingSpec(limits=RecordingLimits(max_time=timedelta(seconds=5)))
    async with taken(recordings(house), "live", "take", spec) as take:
        house.clock.advance(6 * SECOND)
        house.facts = Facts(at(6))
        assert (await take.ended()).end_reason == "MAX_TIME"
    assert (take.recording.state, take.recording.end_reason) == ("EMPTY", "MAX_TIME")


async def test_a_block_that_raises_ends_it_as_any_other(house: RecordingHouse) -> None:
    with pytest.raises(ZeroDivisionError):
        async with taken(recordings(house), "live", "take", None):
            raise ZeroDivisionError
    assert house.state() == ("EMPTY", "REQUESTED")


async def test_what_cannot_be_recorded_never_enters_the_block(house: RecordingHouse) -> None:
    await house.start("take")
    with pytest.raises(AlreadyExists):
        async with taken(recordings(house), "live", "take", None):
            pytest.fail("it has been entered")
    assert house.state()[0] == "IDLE", "the other one goes on"
