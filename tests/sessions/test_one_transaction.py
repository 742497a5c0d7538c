"""What is stored with a session, or not at all."""

from __future__ import annotations

import sqlite3

import pytest

from builders import chain
from house import House, intervals
from livedvr.resources.errors import AlreadyExists
from livedvr.resources.models import DvrSession
from livedvr.resources.times import SECOND

pytestmark = pytest.mark.semantics("S17")


class Operations:
    """Somebody else's table, written in the sessions' own transactions."""

    def __init__(self, house: House) -> None:
        self._house = house

    def add(self, db: sqlite3.Connection, session: DvrSession) -> None:
        db.execute("INSERT INTO operations VALUES (?)", (session.model_dump_json(),))

    def refuse(self, db: sqlite3.Connection, session: DvrSession) -> None:
        self.add(db, session)
        raise AlreadyExists("that request has been answered", field="requestId")

    def stored(self) -> list[DvrSession]:
        rows = self._house.catalog.read(lambda db: db.execute("SELECT response FROM operations").fetchall())
        return [DvrSession.model_validate_json(row["response"]) for row in rows]


@pytest.fixture
async def operations(house: House) -> Operations:
    await house.catalog.write(lambda db: db.execute("CREATE TABLE operations (response TEXT)"))
    return Operations(house)


async def test_a_session_and_what_is_stored_with_it_are_accepted_as_one(house: House, operations: Operations) -> None:
    created = await house.manager.create("match", intervals((0, 20)), None, {}, operations.add)
    assert operations.stored() == [created] and created.state == "PENDING"
    await house.feed(*chain([2 * SECOND] * 5))
    extended = await house.manager.update("match", intervals=intervals((0, 30)), also=operations.add)
    assert operations.stored()[1:] == [extended] and extended.segments == 5
    labelled = await house.manager.update("match", labels={"a": "b"}, also=operations.add)
    assert operations.stored()[2:] == [labelled]


async def test_a_finished_session_s_patch_is_told_as_it_is_accepted(house: House, operations: Operations) -> None:
    await house.create(0, 4)
    await house.feed(*chain([2 * SECOND] * 5))
    assert house.state() == "FINISHED"
    patched = await house.manager.update("match", intervals=intervals((0, 8)), also=operations.add)
    (told,) = operations.stored()
    assert told.state == patched.state == "UPDATING"
    assert (told.dvr_windows, told.update_time) == (patched.dvr_windows, patched.update_time)
    assert told.segments == 2, "as it was before"


async def test_a_session_that_cannot_be_stored_with_it_is_not_there(house: House, operations: Operations) -> None:
    with pytest.raises(AlreadyExists, match="that request"):
        await house.manager.create("match", intervals((0, 20)), None, {}, operations.refuse)
    assert (house.manager.find("match"), house.manager.rows(), operations.stored()) == (None, [], [])
    await house.feed(*chain([2 * SECOND] * 2))
    assert house.store.objects == {}
    await house.create(0, 20)
    assert house.state() == "LIVE" and "index-1" in " ".join(house.store.objects), "its edition number was not used up"


@pytest.mark.parametrize("count", [0, 5, 15], ids=["SCHEDULED", "LIVE", "FINISHED"])
async def test_a_patch_that_cannot_be_stored_with_it_has_not_been(
    house: House, operations: Operations, count: int
) -> None:
    await house.create(0, 20)
    await house.feed(*chain([2 * SECOND] * count)) if count else None
    before, row, objects = house.manager.get("match"), house.row(), dict(house.store.objects)
    for patch in ({"intervals": intervals((0, 24))}, {"labels": {"a": "b"}}, {"intervals": intervals((0, 6))}):
        with pytest.raises(AlreadyExists, match="that request"):
            await house.manager.update("match", **patch, also=operations.refuse)  # type: ignore[arg-type]
        await house.rest()
        assert (house.manager.get("match"), house.row()) == (before, row)
    assert (dict(house.store.objects), operations.stored()) == (objects, [])
    await house.die()
    await house.open()
    assert house.manager.get("match") == before
