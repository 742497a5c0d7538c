"""`LiveDvr` on what a dead controller has left, and how it leaves it; no ffmpeg is started."""

from __future__ import annotations

import asyncio
import threading
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path

import pytest

from builders import SECOND_RUN
from livedvr import LiveDvr, TimeInterval
from livedvr.catalog import channel_rows, segment_rows
from livedvr.channel_runtime import ChannelLock
from livedvr.control.client import ask_owner
from livedvr.control.server import ControlServer
from livedvr.control.wire import Request
from livedvr.resources.errors import FailedPrecondition
from livedvr.resources.models import to_datetime
from livedvr.storage.local import LocalStore
from place import Place, left_by_a_dead_controller


@pytest.fixture
async def place(tmp_path: Path) -> Place:
    return await left_by_a_dead_controller(tmp_path / "out")


async def _finished(dvr: LiveDvr, session: str, place: Place) -> None:
    """A new session over the first two segments comes to its end: every session has been looked at once more."""
    start = to_datetime(place.began)
    await dvr.sessions.create("live", session, [TimeInterval(start_time=start, end_time=start + timedelta(seconds=4))])
    async with aclosing((await dvr.runtime("live")).sessions.watch(session)) as changes:
        async for seen in changes:
            if seen.state == "FINISHED":
                return


@pytest.mark.semantics("I5")
async def test_a_visitor_reads_what_a_run_has_left_and_stops_nobody_s_session(place: Place) -> None:
    await place.add("demo", 0, None)
    await place.write(lambda db: segment_rows.add_run(db, SECOND_RUN, "live", place.began + 1))
    async with LiveDvr(place.output / ".livedvr", visiting=True) as dvr:
        ingest = (await dvr.runtime("live")).supervisor
        assert ingest is not None
        while not ingest.is_over:
            await (await dvr.runtime("live")).changed.wait()
        await _finished(dvr, "past", place)
        assert (await dvr.sessions.get("live", "demo")).state == "LIVE"
        with pytest.raises(FailedPrecondition, match="a visitor starts no channel"):
            await dvr.channels.start("live")
    assert len(place.runs()) == 2


async def test_a_visitor_takes_nothing_that_it_is_not_asked_for(place: Place) -> None:
    await place.add("demo", 0, None)
    async with LiveDvr(place.output / ".livedvr", visiting=True) as dvr:
        assert len(await dvr.channels.list()) == 1
        ChannelLock(place.output / ".livedvr", "").release()  # raises when it is held


async def test_the_lock_is_let_go_only_when_no_thread_writes_a_playlist_any_more(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    writing, released = threading.Event(), threading.Event()
    replace, release = LocalStore.replace, ChannelLock.release

    def slow(store: LocalStore, name: str, data: bytes) -> None:
        writing.set()
        released.wait(0.3)  # longer than leaving takes when nobody waits for this
        replace(store, name, data)
        order.append("written")

    def tell(lock: ChannelLock) -> None:
        order.append("released")
        released.set()
        release(lock)

    monkeypatch.setattr(LocalStore, "replace", slow)
    monkeypatch.setattr(ChannelLock, "release", tell)
    await place.add("demo", 0, None)
    async with LiveDvr(place.output / ".livedvr", visiting=True) as dvr:
        await dvr.runtime("live")
        assert await asyncio.to_thread(writing.wait, 20)
    assert order[-1] == "released" and "written" in order


async def test_where_there_can_be_no_socket_the_channel_goes_on_and_says_so(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(_: ControlServer) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(ControlServer, "open", refuse)
    await place.write(lambda db: channel_rows.set_started(db, "live", False))
    async with LiveDvr(place.output / ".livedvr") as dvr:
        await _finished(dvr, "past", place)
        assert await ask_owner(place.output, Request(method="list")) is None
        assert [(kind, text) for _, kind, text in dvr.events("live")] == [
            ("CONTROL_UNAVAILABLE", "`livedvr session` cannot reach this controller: Operation not permitted")
        ]
