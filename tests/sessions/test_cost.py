"""What one more segment costs is counted, never timed: as much in a long window as in a short one."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from builders import MEDIA, RUN, T0, FakeClock, at, channel, commit, segment, window
from counting import calls_of
from livedvr.catalog import channel_rows, segment_rows
from livedvr.catalog.catalog import Catalog, Owner
from livedvr.catalog.session_rows import SessionRow
from livedvr.resources.models import TimeInterval, to_datetime
from livedvr.sessions import book, maker
from livedvr.sessions.held_channel import HeldChannel
from livedvr.sessions.manager import SessionManager
from livedvr.sessions.open_session import OpenSession
from livedvr.sessions.plan import Facts, plan
from livedvr.sessions.states import State
from livedvr.sessions.view import to_resource
from livedvr.sessions.writes import write_playlists
from livedvr.storage.memory import MemoryStore
from livedvr.timeline.clock import RunClock, Sample
from livedvr.timeline.segment import Segment, Window
from livedvr.timeline.timeline import ChannelTimeline, Timeline

LOOKS = ("<lambda>",)  # the key by which a bisection looks at one segment
MOST_LOOKS = 100  # a few bisections among a hundred thousand segments; a walk through 5,000 has 5,000


def opened(*windows: Window) -> OpenSession:
    row = SessionRow("live", "match", "main", windows, windows, {}, State.LIVE, None, 1, None, None, T0, T0)
    return OpenSession(row, channel())


def one_more_segment(listed: int, *windows: Window) -> tuple[Counter[str], int]:
    """The calls, and the bytes of text, for the next segment of a session that has listed so many."""
    known = ChannelTimeline(Timeline(["av"]), target=2, media={RUN: {"av": MEDIA}})
    for number in range(listed):
        known.timeline.append("av", segment(number))
    session, newest = opened(*windows), segment(listed)
    session.grow(known)
    playlist = session.renditions["av"].playlist
    before = len(playlist.render())

    def work() -> None:
        known.timeline.append("av", newest)
        plan(State.LIVE, session.row.windows, known.timeline, Facts(newest.end))
        session.grow(known)

    calls = calls_of(work)
    text = playlist.render()
    assert text.endswith(b"segment-%06d.m4s\n" % listed)
    return calls, len(text) - before


@pytest.mark.parametrize("end", [None, 1_000_000])
def test_planning_and_text_of_a_segment_take_the_same_calls_at_30_and_at_5000_segments(end: float | None) -> None:
    short, short_text = one_more_segment(30, window(0, end))
    long, long_text = one_more_segment(5000, window(0, end))
    looks = sum(long.pop(name, 0) - short.pop(name, 0) for name in LOOKS)
    assert long == short
    assert looks <= MOST_LOOKS
    assert long_text == short_text


def test_a_session_that_is_drawn_anew_is_not_asked_for_each_segment_by_itself() -> None:
    """After a restart, days of them: they are made in chunks, and what stood before each is known."""
    known = ChannelTimeline(Timeline(["av"]), target=2, media={RUN: {"av": MEDIA}})
    known.timeline.restore("av", map(segment, range(2000)))
    session = opened(window(0, None))
    calls = calls_of(lambda: session.grow(known))
    assert session.renditions["av"].count == 2000
    assert calls["before"] <= 1, "the first has none before it in the list"
    assert calls["__getitem__"] < 2000 / 100
    assert calls["video_of"] < 10, "which rendition counts does not change"
    often = {name for name, count in calls.items() if count >= 2000 / 10}
    assert often <= {"append", "popleft", "abs"}, "a segment costs a turn of a few loops"


def test_a_hundred_windows_cost_no_search_of_those_that_are_over_or_to_come() -> None:
    past = [window(10 * i, 10 * i + 5) for i in range(50)]
    future = [window(10_000 + 10 * i, 10_005 + 10 * i) for i in range(49)]
    one, _ = one_more_segment(1000, window(1500, 9000))
    hundred, _ = one_more_segment(1000, *past, window(1500, 9000), *future)
    assert hundred == one


async def opened_catalog(folder: Path) -> tuple[Catalog, Owner]:
    catalog = Catalog(folder / "catalog.sqlite3")
    await catalog.write(lambda db: channel_rows.put_channel(db, channel()))
    await catalog.write(lambda db: segment_rows.add_run(db, RUN, "live", T0))
    return catalog, Owner("live", await catalog.write(lambda db: channel_rows.raise_owner_epoch(db, "live")))


def statements_of(catalog: Catalog) -> list[str]:
    """All that is written from now on, as SQLite is asked for it."""
    seen: list[str] = []
    catalog._writer_connection.set_trace_callback(seen.append)
    return seen


async def test_a_segment_s_commit_is_the_same_statements_behind_10_and_behind_3000_segments(tmp_path: Path) -> None:
    catalog, owner = await opened_catalog(tmp_path)

    async def committed(*segments: Segment) -> None:
        clock = RunClock((Sample(segments[-1].media_end, segments[-1].end),), T0)
        await catalog.write(
            lambda db: commit(db, segments, clock),
            owner,
        )

    lengths = []
    for first, newest in ((1000, 1010), (1011, 4010)):  # numbers and times of as many digits throughout
        await committed(*map(segment, range(first, newest)))
        seen = statements_of(catalog)
        await committed(segment(newest))
        catalog._writer_connection.set_trace_callback(None)
        lengths.append([(re.match("[A-Za-z ]*", statement)[0], len(statement)) for statement in seen])
    catalog.close()
    assert sum(kind.startswith("INSERT INTO segments") for kind, _ in lengths[0]) == 1
    assert lengths[0] == lengths[1]


class CountingStore(MemoryStore):
    def __init__(self) -> None:
        super().__init__()
        self.replaced: list[str] = []

    def replace(self, name: str, data: bytes) -> None:
        self.replaced.append(name)
        super().replace(name, data)


async def cost_of_a_segment(
    folder: Path, count: int, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[str], list[str], int]:
    """With so many live sessions, each of them watched: objects written, statements, resources made for watchers."""
    catalog, owner = await opened_catalog(folder)
    known, clock, store = ChannelTimeline(Timeline(["av"]), 2, media={RUN: {"av": MEDIA}}), FakeClock(), CountingStore()
    manager = SessionManager(HeldChannel(channel(), known, store, catalog, owner, clock), lambda now: Facts(now))
    names = [f"match-{number}" for number in range(count)]
    for name in names:
        await manager.create(name, [TimeInterval(start_time=to_datetime(T0), end_time=to_datetime(at(600)))], None, {})
    known.timeline.append("av", segment(0))
    shown: Counter[str] = Counter()

    async def follow(name: str) -> None:
        async for session in manager.watch(name):
            shown[f"{name} {session.segments}"] += 1

    tasks = [asyncio.create_task(manager.run())]
    await clock.asleep()
    tasks += [asyncio.create_task(follow(name)) for name in names]
    await asyncio.sleep(0)
    made: list[str] = []
    with monkeypatch.context() as patched:
        patched.setattr(book, "to_resource", lambda row, *rest: made.append(row.id) or to_resource(row, *rest))
        store.replaced, statements = [], statements_of(catalog)
        known.timeline.append("av", segment(1))
        manager.wake()
        await clock.asleep()
        await asyncio.sleep(0)
    catalog._writer_connection.set_trace_callback(None)
    assert [shown[f"{name} 2"] for name in names] == [1] * count, "who watches has seen it"
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    catalog.close()
    return store.replaced, statements, len(made)


@pytest.mark.parametrize("count", [3, 12])
async def test_a_segment_costs_each_live_session_one_object_no_statement_and_one_look_of_its_watcher(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    replaced, statements, made = await cost_of_a_segment(tmp_path, count, monkeypatch)
    assert sorted(replaced) == sorted(f"dvr/match-{number}/av/index-1.m3u8" for number in range(count))
    assert statements == []
    assert made == count


async def test_playlists_that_are_written_one_after_the_other_have_their_own_session_looked_at_alone(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else each of a thousand ends with a look at a thousand."""
    begun, looks = itertools.count(1), Counter[int]()

    async def write(*given: Any) -> Any:
        for _ in range(20 * next(begun)):  # turns of the loop: each ends in a pass of its own
            await asyncio.sleep(0)
        return await write_playlists(*given)

    for count in (5, 20):

        def look(*given: Any, count: int = count) -> Any:
            looks[count] += 1
            return plan(*given)

        with monkeypatch.context() as patched:
            patched.setattr(maker, "write_playlists", write)
            patched.setattr(maker, "plan", look)
            replaced, _, _ = await cost_of_a_segment(tmp_path_factory.mktemp("case"), count, monkeypatch)
        assert len(replaced) == count
    assert looks[20] == 4 * looks[5]


async def test_what_is_drawn_of_days_is_drawn_in_pieces_and_others_are_published_meanwhile(tmp_path: Path) -> None:
    catalog, owner = await opened_catalog(tmp_path)
    known, clock, store = ChannelTimeline(Timeline(["av"]), 2, media={RUN: {"av": MEDIA}}), FakeClock(), CountingStore()
    for number in range(5000):
        known.timeline.append("av", segment(number))
    manager = SessionManager(HeldChannel(channel(), known, store, catalog, owner, clock), lambda now: Facts(now))
    for name, start in (("newest", 10_000 - 60), ("whole", 0)):
        times = TimeInterval(start_time=to_datetime(at(start)), end_time=to_datetime(at(20_000)))
        await manager.create(name, [times], None, {})
    drawn: list[int] = []
    grow = OpenSession.grow

    def seen(session: OpenSession, known: ChannelTimeline, most: int | None = None) -> bool:
        if session.row.id == "whole":
            drawn.append(len(store.replaced))
        return grow(session, known, most)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(OpenSession, "grow", seen)
        patched.setattr(maker, "AT_ONCE", 10)
        task = asyncio.create_task(manager.run())
        await clock.asleep()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    catalog.close()
    assert len(drawn) > 500
    assert drawn[0] == 0 < drawn[-1], "the newest was written between two pieces"
    assert store.get("dvr/whole/av/index-1.m3u8").count(b"#EXTINF") == 5000
