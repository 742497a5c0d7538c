"""Step 7 over a store that takes its time: sessions side by side, and a pause between two writes of a name."""

from __future__ import annotations

import asyncio
import threading

import pytest

from builders import chain
from house import PLAYLIST, House, expected
from live import until
from livedvr.resources.times import SECOND


async def says(house: House, name: str, text: str) -> None:
    await asyncio.to_thread(until, lambda: name in house.store.objects and text in house.store.text(name), text)


async def test_a_session_does_not_wait_for_another_s_store(house: House) -> None:
    s = chain([2 * SECOND] * 3)
    await house.create(0, None, name="slow")
    await house.create(0, None)
    may_go_on, ask = threading.Event(), house.store._ask

    def dawdle(name: str) -> None:
        if name.startswith("dvr/slow/"):
            may_go_on.wait(10)
        ask(name)

    house.store._ask = dawdle  # type: ignore[method-assign]
    await house.commit(*s)
    house.manager.wake()
    await says(house, PLAYLIST, "segment-000002")
    assert "dvr/slow/main.m3u8" not in house.store.objects
    patched = await asyncio.wait_for(house.manager.update("match", labels={"a": "b"}), 60)
    assert patched.labels == {"a": "b"}, "nor does whoever asks for another"
    may_go_on.set()
    await house.rest()
    assert house.store.text("dvr/slow/av/index-1.m3u8") == house.store.text(PLAYLIST)


@pytest.mark.semantics("S7")
async def test_a_patch_waits_for_what_is_being_written_of_its_session(house: House) -> None:
    await house.create(0, None)
    house.store.may_go_on.clear()
    house.store.is_asked.clear()
    await house.commit(*chain([2 * SECOND] * 3))
    house.manager.wake()
    await asyncio.to_thread(house.store.is_asked.wait, 60)
    patching = asyncio.create_task(house.manager.update("match", labels={"a": "b"}))
    await asyncio.sleep(0.05)
    assert not patching.done()
    house.store.may_go_on.set()
    await asyncio.wait_for(patching, 60)
    await house.rest()
    assert house.state() == "LIVE"


async def test_a_name_rests_between_two_writes_and_the_newest_state_is_written_in_the_end(house: House) -> None:
    house.store.pause = SECOND + SECOND // 20
    s = chain([2 * SECOND] * 4)
    await house.create(0, None)
    await house.commit(s[0])
    await house.tell()
    for one in s[1:]:
        await house.commit(one)
        await house.tell()
        assert house.store.text(PLAYLIST) == expected(s[0])
    house.clock.advance(SECOND)
    await house.rest()
    assert len(house.store.versions(PLAYLIST)) == 1
    house.clock.advance(SECOND // 20)
    await house.rest()
    assert house.store.versions(PLAYLIST)[1:] == [expected(*s).encode()]


@pytest.mark.semantics("S14")
async def test_a_refused_playlist_is_tried_again_later_each_time_and_the_newest_state_is_written(house: House) -> None:
    s = chain([2 * SECOND] * 4)
    await house.create(0, None)
    house.store.passing = True
    asked = 0

    def refuse(name: str) -> bool:
        nonlocal asked
        asked += name == PLAYLIST
        return name == PLAYLIST

    house.store.refuses = refuse
    waits = []
    await house.commit(s[0])
    await house.tell()
    for one in s[1:]:
        await house.commit(one)
        wait = house.manager._writes.due_in("match")
        waits.append(wait)
        house.clock.advance(wait - 1)
        before = asked
        await house.rest()
        assert asked == before, "not before it is due"
        house.clock.advance(1)
        await house.rest()
        assert asked == before + 1
    for wait, most in zip(waits, (1, 2, 4), strict=True):
        assert most * SECOND // 2 <= wait <= most * SECOND
    house.store.refuses = lambda _: False
    house.clock.advance(8 * SECOND)
    await house.rest()
    assert house.store.text(PLAYLIST) == expected(*s)
    assert not house.manager._writes._refused
