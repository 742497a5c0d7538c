"""Blocking reload: when it is answered, and what with."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from builders import FakeClock, at, segment
from livedvr.hls.live_playlist import render_live
from livedvr.origin.media import Media
from livedvr.origin.recent import Recent
from livedvr.origin.versions import Version
from livedvr.origin.waiting import Waiting
from livedvr.resources.errors import FailedPrecondition, InvalidArgument, NotServing
from livedvr.resources.times import SECOND
from livedvr.storage.open_store import place_of


class Channel:
    """Lists segments 0 to ``newest``; ``due``: when the next one is to be listed."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.waiting = Waiting(self.clock)
        self.runtime: Any = SimpleNamespace(changed=asyncio.Event())
        self.newest, self.due, self.ended, self.looks = 3, None, False, 0

    async def look(self) -> tuple[Version, int | None]:
        self.looks += 1
        text = render_live("av", "fmp4", 2, [segment(number) for number in range(self.newest + 1)])
        return Version(text + (b"#EXT-X-ENDLIST\n" if self.ended else b""), 0), self.due

    def ask(self, msn: int | None) -> asyncio.Task[Version]:
        return asyncio.create_task(self.waiting.version(self.look, msn, self.runtime, 2))

    def tell(self) -> None:
        self.runtime.changed.set()
        self.runtime.changed = asyncio.Event()


@pytest.mark.parametrize("msn", [None, 0, 3])
async def test_what_is_listed_is_not_waited_for(msn: int | None) -> None:
    assert (await Channel().ask(msn)).next == 4


@pytest.mark.parametrize("msn", [4, 5])
async def test_it_is_answered_when_the_segment_is_listed(msn: int) -> None:
    channel = Channel()
    asked = channel.ask(msn)
    await channel.clock.asleep()
    channel.tell()  # of something else
    await channel.clock.asleep()
    assert not asked.done() and channel.looks == 2, "nothing is polled"
    channel.newest = msn
    channel.tell()
    assert (await asked).next == msn + 1


async def test_one_that_is_due_by_itself_wakes() -> None:
    channel = Channel()
    channel.due = at(1.5)
    asked = channel.ask(4)
    await channel.clock.asleep()
    channel.newest = 4
    channel.clock.advance(3 * SECOND // 2)
    assert (await asked).next == 5


async def test_an_end_is_an_answer() -> None:
    channel = Channel()
    asked = channel.ask(4)
    await channel.clock.asleep()
    channel.ended = True
    channel.tell()
    assert (await asked).ended and (await channel.ask(99)).ended


async def test_one_that_does_not_come_is_unavailable_after_three_target_durations() -> None:
    channel = Channel()
    asked = channel.ask(4)
    await channel.clock.asleep()
    channel.clock.advance(6 * SECOND - 1)
    await channel.clock.asleep()
    assert not asked.done()
    channel.clock.advance(1)
    with pytest.raises(NotServing, match="three target durations"):
        await asked


async def test_one_far_ahead_is_no_request() -> None:
    with pytest.raises(InvalidArgument) as refused:
        await Channel().ask(6)
    assert refused.value.field == "_HLS_msn"


async def test_who_waits_is_told_when_the_server_leaves() -> None:
    channel = Channel()
    asked = channel.ask(4)
    await channel.clock.asleep()
    channel.waiting.leave()
    with pytest.raises(NotServing, match="shutting down"):
        await asked


def test_what_was_asked_for_longest_ago_is_forgotten_first() -> None:
    kept: Recent[str, int] = Recent(10)
    kept.put("a", 1, 4)
    kept.put("b", 2, 4)
    assert kept.get("a") == 1
    kept.put("c", 3, 4)
    assert (kept.get("a"), kept.get("b"), kept.get("c")) == (1, None, 3)
    kept.put("d", 4, 99)
    assert (kept.get("a"), kept.get("d")) == (None, 4)


def test_the_way_to_an_output(tmp_path: Path) -> None:
    media = Media(str(tmp_path))
    assert media.way_to(place_of(str(tmp_path / "tv/my news")), "../") == "../media/tv/my%20news/"
    with pytest.raises(FailedPrecondition, match="not below"):
        media.way_to(place_of("/elsewhere"), "../")
    assert Media("gs://").way_to(place_of("gs://studio/a b"), "../") == "https://storage.googleapis.com/studio/a%20b/"
