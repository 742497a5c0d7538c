from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Coroutine
from typing import Any

import m3u8
import pytest

from builders import RUN, SECOND_RUN, at, chain, segment, window
from house import MAIN, PLAYLIST, House, expected, intervals, lines_of, playlist_name
from livedvr.catalog import session_rows
from livedvr.resources.errors import Aborted, FailedPrecondition, InvalidArgument, NotFound
from livedvr.resources.models import DvrSession, to_datetime
from livedvr.resources.times import MINUTE, SECOND
from livedvr.sessions.back_off import LONGEST
from livedvr.sessions.plan import Facts
from livedvr.sessions.states import State
from livedvr.timeline.segment import Window


def told(house: House) -> list[str]:
    """The states that the hook is told from here on."""
    states: list[str] = []
    house.manager._on_state = lambda session: states.append(session.state)
    return states


def points_at(house: House) -> list[str]:
    return [variant.uri for variant in m3u8.loads(house.store.text(MAIN)).playlists]


async def live(house: House, count: int = 5, end: float | None = None) -> None:
    await house.create(0, end)
    await house.feed(*chain([2 * SECOND] * count))
    assert house.state() == "LIVE"


async def cool(house: House) -> None:
    house.clock.advance(60 * SECOND)
    await house.rest()


# S6: before anything is published


@pytest.mark.semantics("S6")
@pytest.mark.parametrize("taken_up", [False, True])
async def test_a_session_that_waits_takes_other_windows_through_updating(house: House, taken_up: bool) -> None:
    if taken_up:
        await house.create(100, 110)
    else:
        await house.manager.create("match", intervals((100, 110)), None, {})
    states = told(house)
    patched = await house.manager.update("match", intervals=intervals((2, 6)))
    assert patched.state == "UPDATING"
    assert patched.dvr_windows == tuple(intervals((2, 6)))
    await house.rest()
    assert house.state() == "SCHEDULED"
    s = chain([2 * SECOND] * 4)
    await house.feed(*s)
    assert house.state() == "FINISHED"
    assert house.store.text(PLAYLIST) == expected(s[1], s[2], date="02:00:02", ended=True)
    assert states == ["UPDATING", "SCHEDULED", "POST_PROCESSING", "FINISHED"]
    assert house.manager.get("match").gaps == ()


@pytest.mark.semantics("S6", "S5")
async def test_windows_for_which_nothing_can_come_fail_a_session_that_waits(house: House) -> None:
    await house.tell(frontier=at(50))
    house.clock.advance(50 * SECOND)
    await house.create(100, 110)
    await house.patch((20, 30))
    assert house.state() == "FAILED"


@pytest.mark.semantics("S6", "O6", "S16")
async def test_a_playlist_that_may_have_been_read_is_never_drawn_with_other_windows(house: House) -> None:
    # It was published, the controller died before it could say LIVE, and the patch comes before anything else.
    await live(house)
    await house.die()
    await house.set_state("SCHEDULED")
    first = house.store.text(PLAYLIST)
    await house.open(patch_first=("match", intervals((4, None))))
    assert house.state() == "LIVE"
    assert house.store.text(PLAYLIST) == first
    assert points_at(house) == ["av/index-2.m3u8"]
    assert house.store.text(playlist_name(2)).startswith(expected(segment(2), date="02:00:04"))


# S8: what is published stays


@pytest.mark.semantics("S8")
@pytest.mark.parametrize(
    "windows",
    [[(0, 30)], [(0, None)], [(0, 20), (24, 30)], [(None, 30)], [(0, 14)]],
    ids=["later end", "open", "another window", "the start it has", "an earlier end that is still to come"],
)
async def test_a_live_session_stays_live_and_nothing_published_changes(
    house: House, windows: list[tuple[float | None, float | None]]
) -> None:
    await live(house, 5, end=20)
    before = house.store.text(PLAYLIST)
    states = told(house)
    patched = await house.patch(*windows)
    assert (patched.state, patched.segments) == ("LIVE", 5)
    assert patched.dvr_windows[0].start_time == to_datetime(at(0))
    assert states == []
    assert house.store.text(PLAYLIST) == before
    s = chain([2 * SECOND] * 16)
    await house.feed(*s[5:])
    asked = [Window(at(a or 0), None if b is None else at(b)) for a, b in windows]
    listed = [one for one in s if any(w.meets(one) for w in asked)]
    assert house.manager.get("match").segments == len(listed)
    versions = house.store.versions(PLAYLIST)
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(versions))
    assert house.state() == ("LIVE" if asked[-1].end is None else "FINISHED")


@pytest.mark.semantics("S8", "W6")
async def test_a_window_put_in_between_is_listed_before_the_later_one(house: House) -> None:
    s = chain([2 * SECOND] * 16)
    await house.create(0, 4, (24, 30))
    await house.feed(*s[:8])
    await house.patch((0, 8), (24, 30))
    await house.feed(*s[8:])
    assert house.state() == "FINISHED"
    joint = f'#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI="../../../av/{RUN}/init.mp4"\n'
    assert house.store.text(PLAYLIST) == (
        expected(*s[:4])
        + f"{joint}#EXT-X-PROGRAM-DATE-TIME:2026-11-21T02:00:24.000Z\n{lines_of(s[12:15])}#EXT-X-ENDLIST\n"
    )
    versions = house.store.versions(PLAYLIST)
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(versions))


@pytest.mark.semantics("S8", "P8")
async def test_the_ledger_follows_the_windows(house: House) -> None:
    first = chain([2 * SECOND] * 2)
    second = chain([2 * SECOND] * 2, start=at(14), first=2, run=SECOND_RUN, epoch=1)
    await house.create(0, 6, (10, 100))
    await house.feed(*first)
    await house.feed(*second)
    gaps = [(gap.start_time, gap.end_time) for gap in house.manager.get("match").gaps]
    assert gaps == [(to_datetime(at(4)), to_datetime(at(6))), (to_datetime(at(10)), to_datetime(at(14)))]
    patched = await house.patch((0, 100))
    gaps = [(gap.start_time, gap.end_time) for gap in patched.gaps]
    assert gaps == [(to_datetime(at(4)), to_datetime(at(14)))]


@pytest.mark.semantics("S8", "S16")
async def test_an_extension_survives_a_crash(house: House) -> None:
    await live(house, 3, end=8)
    await house.patch((0, 12))
    await house.die()
    await house.open()
    s = chain([2 * SECOND] * 7)
    await house.feed(*s[3:])
    assert house.state() == "FINISHED"
    assert house.store.text(PLAYLIST) == expected(*s[:6], ended=True)


# S9: what would rewrite the past


@pytest.mark.semantics("S9")
@pytest.mark.parametrize(
    "windows",
    [[(4, None)], [(0, 4), (6, None)], [(200, 300)], [(4, 8)], [(-10, -5), (0, None)]],
    ids=["later start", "a hole", "elsewhere", "the middle", "an earlier window in front"],
)
async def test_a_patch_that_would_remove_or_reorder_what_is_published_is_refused(
    house: House, windows: list[tuple[float | None, float | None]]
) -> None:
    s = chain([2 * SECOND] * 10, start=at(-10))
    await house.feed(*s[:5])
    await house.create(0, None)
    await house.feed(*s[5:])
    before, session = house.store.text(PLAYLIST), house.manager.get("match")
    with pytest.raises(FailedPrecondition) as refused:
        await house.manager.update("match", intervals=intervals(*windows))
    assert refused.value.field == "dvrWindows"
    assert "2026-11-21T02:00:00" in str(refused.value)
    assert "extended" in str(refused.value)
    await house.rest()
    assert (house.store.text(PLAYLIST), house.manager.get("match")) == (before, session)


@pytest.mark.semantics("S9", "S7")
async def test_a_cut_before_the_first_published_segment_is_refused(house: House) -> None:
    await house.create(-100, None)
    await house.feed(*chain([2 * SECOND] * 3))
    with pytest.raises(FailedPrecondition):
        await house.manager.update("match", intervals=intervals((-100, -50)))
    assert house.state() == "LIVE"


# S7, O6: cut


@pytest.mark.semantics("S7", "O6", "P2")
async def test_an_end_in_the_past_seals_at_once_cools_down_and_then_makes_a_new_edition(house: House) -> None:
    s = chain([2 * SECOND] * 8)
    await house.create(0, 100)
    await house.feed(*s[:6])
    states = told(house)
    patched = await house.patch((0, 5))
    assert patched.state == "COOLDOWN"
    as_it_stood = expected(*s[:6], ended=True)
    assert house.store.text(PLAYLIST) == as_it_stood
    session = house.manager.get("match")
    assert session.state == "COOLDOWN"
    assert session.cooldown_end_time == to_datetime(at(12 + 60))
    assert (session.segments, session.dvr_windows) == (6, tuple(intervals((0, 5))))
    assert points_at(house) == ["av/index-1.m3u8"]

    await house.feed(*s[6:])  # media goes on; nothing is listed any more
    house.clock.advance(60 * SECOND - (house.clock.now() - at(12)) - 1)
    await house.rest()
    assert (house.state(), house.store.text(PLAYLIST)) == ("COOLDOWN", as_it_stood)
    house.clock.advance(SECOND)
    await house.rest()
    session = house.manager.get("match")
    assert (session.state, session.segments, session.cooldown_end_time) == ("FINISHED", 3, None)
    assert session.gaps == ()
    assert states == ["COOLDOWN", "UPDATING", "POST_PROCESSING", "FINISHED"]
    assert house.store.text(playlist_name(2)) == expected(*s[:3], ended=True)
    assert house.store.text(PLAYLIST) == as_it_stood  # whoever follows the old edition is not disturbed
    assert points_at(house) == ["av/index-2.m3u8"]


@pytest.mark.semantics("S7")
async def test_an_end_that_is_now_takes_nothing_away_and_cools_down_all_the_same(house: House) -> None:
    await live(house, 4)
    now = (house.clock.now() - at(0)) / SECOND
    assert (await house.patch((0, now))).state == "COOLDOWN"
    await cool(house)
    assert house.state() == "FINISHED"
    assert house.store.text(playlist_name(2)) == expected(*chain([2 * SECOND] * 4), ended=True)


@pytest.mark.semantics("S7", "S16")
async def test_what_comes_between_the_cut_and_the_crash_is_not_listed_by_the_next_controller(house: House) -> None:
    s = chain([2 * SECOND] * 6)
    await live(house, 3)
    house.store.refuses = lambda name: True
    house.facts = Facts(at(6))
    await house.manager.update("match", intervals=intervals((0, 3)))
    await house.die()
    house.store.refuses = lambda _: False
    await house.commit(*s[3:])
    await house.open()
    assert house.state() == "COOLDOWN"
    assert house.store.text(PLAYLIST) == expected(*s[:3], ended=True)


@pytest.mark.semantics("S7", "S16")
async def test_a_cooldown_goes_on_where_it_was_after_a_crash(house: House) -> None:
    await live(house, 3)
    await house.patch((0, 3))
    house.clock.advance(40 * SECOND)
    await house.die()
    await house.open()
    assert house.state() == "COOLDOWN"
    house.clock.advance(20 * SECOND)
    await house.rest()
    assert house.state() == "FINISHED"
    assert points_at(house) == ["av/index-2.m3u8"]


@pytest.mark.semantics("S7", "S14")
async def test_the_cooldown_begins_when_the_end_can_be_seen(house: House) -> None:
    await live(house, 3)
    house.store.refuses, house.store.passing = lambda name: True, True
    await house.patch((0, 3))
    session = house.manager.get("match")
    assert (session.state, session.cooldown_end_time) == ("COOLDOWN", None)
    assert session.error is not None
    house.clock.advance(5 * MINUTE)
    await house.rest()
    assert house.state() == "COOLDOWN"
    house.store.refuses = lambda _: False
    house.clock.advance(LONGEST)
    await house.rest()
    session = house.manager.get("match")
    assert session.cooldown_end_time == to_datetime(house.clock.now() + 60 * SECOND)
    assert session.error is None
    await cool(house)
    assert house.state() == "FINISHED"


@pytest.mark.semantics("S7", "S11")
async def test_a_cooldown_outlives_the_stop_of_its_channel(house: House) -> None:
    await live(house, 3)
    await house.patch((0, 3))
    settled = asyncio.create_task(house.manager.settled())
    await house.tell(channel_stopping=True, drained=True)
    await asyncio.wait_for(settled, 5)
    assert house.state() == "COOLDOWN"
    await cool(house)
    assert house.state() == "FINISHED"


# S10: finished sessions


@pytest.mark.semantics("S10", "O6")
async def test_a_finished_session_gets_a_new_edition_of_other_windows(house: House) -> None:
    s = chain([2 * SECOND] * 10)
    await house.feed(*s)
    await house.create(4, 8)
    sealed = house.store.text(PLAYLIST)
    states = told(house)
    assert (await house.patch((2, 12))).state == "UPDATING"
    assert house.state() == "FINISHED"
    assert states == ["UPDATING", "POST_PROCESSING", "FINISHED"]
    assert house.store.text(playlist_name(2)) == expected(*s[1:6], date="02:00:02", ended=True)
    assert house.store.text(PLAYLIST) == sealed
    assert points_at(house) == ["av/index-2.m3u8"]
    session = house.manager.get("match")
    assert (session.segments, session.actual_start) == (5, to_datetime(at(2)))


@pytest.mark.semantics("S10", "S3")
async def test_a_finished_session_whose_new_window_runs_is_live_again(house: House) -> None:
    s = chain([2 * SECOND] * 6)
    await house.feed(*s[:5])
    await house.create(4, 8)
    await house.patch((4, None))
    assert house.state() == "LIVE"
    await house.feed(s[5])
    assert house.store.text(playlist_name(2)) == expected(*s[2:], date="02:00:04")
    assert house.store.text(PLAYLIST) == expected(s[2], s[3], date="02:00:04", ended=True)


@pytest.mark.semantics("S10", "S2")
async def test_a_finished_session_with_windows_to_come_keeps_its_manifest_until_there_is_media(house: House) -> None:
    s = chain([2 * SECOND] * 20)
    await house.feed(*s[:5])
    await house.create(4, 8)
    before = house.store.text(MAIN)
    await house.patch((30, 34))
    assert (house.state(), house.store.text(MAIN)) == ("SCHEDULED", before)
    await house.patch((34, 38))
    assert house.state() == "SCHEDULED"
    await house.feed(*s[5:])
    assert house.state() == "FINISHED"
    assert points_at(house) == ["av/index-2.m3u8"]
    assert house.store.text(playlist_name(2)) == expected(s[17], s[18], date="02:00:34", ended=True)


@pytest.mark.semantics("S10", "W4")
async def test_a_finished_session_is_not_given_up_for_windows_without_media(house: House) -> None:
    await house.feed(*chain([2 * SECOND] * 3, start=at(20)))
    await house.create(20, 24)
    session = house.manager.get("match")
    with pytest.raises(FailedPrecondition, match="no media") as refused:
        await house.patch((2, 6))
    assert "stays as it is" in str(refused.value)
    assert house.manager.get("match") == session


@pytest.mark.semantics("S10", "S16", "O6")
@pytest.mark.parametrize("again", ["UPDATING", "POST_PROCESSING"])
async def test_a_new_edition_that_was_interrupted_is_made_by_the_next_controller(house: House, again: str) -> None:
    s = chain([2 * SECOND] * 10)
    await house.feed(*s)
    await house.create(4, 8)
    house.store.refuses, house.store.passing = lambda name: name == MAIN, True
    await house.patch((2, 12))
    assert points_at(house) == ["av/index-1.m3u8"]
    await house.die()
    await house.set_state(again)
    house.store.refuses = lambda _: False
    await house.open()
    assert house.state() == "FINISHED"
    assert points_at(house) == ["av/index-2.m3u8"]


@pytest.mark.semantics("O6", "R4")
async def test_a_replaced_edition_stays_for_its_grace_which_begins_with_the_switch(house: House) -> None:
    def retired() -> list[session_rows.RetiredRow]:
        return house.catalog.read(lambda db: session_rows.list_retired(db, "live"))

    await house.feed(*chain([2 * SECOND] * 10))
    await house.create(4, 8)
    assert retired() == []
    house.store.refuses, house.store.passing = lambda name: name == MAIN, True
    await house.patch((2, 12))
    assert retired() == [session_rows.RetiredRow("match", 1, (window(4, 8),), 4 * SECOND, None, None)]
    house.store.refuses = lambda _: False
    house.clock.advance(30 * SECOND)
    await house.rest()
    now = house.clock.now()
    assert retired() == [
        session_rows.RetiredRow("match", 1, (window(4, 8),), 4 * SECOND, now + 4 * SECOND, now + 8 * SECOND)
    ]
    await asyncio.wait_for(house.manager.delete("match"), 5)
    assert retired() == [
        session_rows.RetiredRow("match", 1, (window(4, 8),), 4 * SECOND, None, now + 8 * SECOND),
        session_rows.RetiredRow("match", 2, (window(2, 12),), 10 * SECOND, None, now + 10 * SECOND),
    ]


# S6, S13: states that refuse


@pytest.mark.semantics("S6", "S13")
@pytest.mark.parametrize("state", [s for s in State if s not in ("PENDING", "SCHEDULED", "LIVE", "FINISHED")])
@pytest.mark.parametrize("labels_only", [False, True])
async def test_in_any_other_state_a_patch_is_refused_and_says_where_it_is_possible(
    house: House, state: State, labels_only: bool
) -> None:
    await live(house)
    house.manager._open["match"].row = house.row(state=state, cooldown_until=at(70))
    with pytest.raises(FailedPrecondition) as refused:
        if labels_only:
            await house.manager.update("match", labels={"a": "b"})
        else:
            await house.manager.update("match", intervals=intervals((0, 100)))
    assert refused.value.field == "state"
    assert f"is {state}" in refused.value.message
    assert refused.value.hint is not None
    if state is State.COOLDOWN:
        assert "2026-11-21T02:01:10" in refused.value.hint
        assert "deleted" in refused.value.hint
    else:
        assert all(name in refused.value.hint for name in ("PENDING", "SCHEDULED", "LIVE", "FINISHED"))


@pytest.mark.semantics("S13", "S15")
async def test_a_session_that_cools_down_can_be_deleted(house: House) -> None:
    await live(house, 3)
    await house.patch((0, 3))
    await asyncio.wait_for(house.manager.delete("match"), 5)
    assert house.store.objects == {}


# S17 and the rest


@pytest.mark.semantics("S17")
async def test_of_two_updates_at_once_one_wins_and_the_other_is_aborted(house: House) -> None:
    await live(house, 3, end=100)
    answers = await asyncio.gather(
        house.manager.update("match", intervals=intervals((0, 200))),
        house.manager.update("match", intervals=intervals((0, 300))),
        return_exceptions=True,
    )
    assert isinstance(answers[0], DvrSession)
    assert isinstance(answers[1], Aborted)
    assert "try again" in str(answers[1])
    assert house.manager.get("match").dvr_windows == tuple(intervals((0, 200)))
    assert (await house.patch((0, 300))).dvr_windows == tuple(intervals((0, 300)))


async def test_a_refused_update_does_not_block_the_next(house: House) -> None:
    await live(house)
    with pytest.raises(InvalidArgument, match=r"dvrWindows\[0\].endTime"):
        await house.patch((10, 5))
    assert (await house.patch((0, 50))).state == "LIVE"


async def test_a_session_that_nobody_has_cannot_be_patched(house: House) -> None:
    with pytest.raises(NotFound):
        await house.patch((0, 10), name="nobody")


@pytest.mark.semantics("R3", "S6")
async def test_labels_alone_change_no_state_and_survive_a_crash(house: House) -> None:
    await house.feed(*chain([2 * SECOND] * 10))
    await house.create(4, 8)
    await house.create(4, None, name="other")
    states = told(house)
    for name in ("match", "other"):
        patched = await house.manager.update(name, labels={"livedvr-pin": "true"})
        assert patched.labels == {"livedvr-pin": "true"}
    await house.die()
    await house.open()
    assert [s.labels for s in house.manager.list()] == [{"livedvr-pin": "true"}] * 2
    assert [s.state for s in house.manager.list()] == ["FINISHED", "LIVE"]
    assert states == []
    assert points_at(house) == ["av/index-1.m3u8"]


@pytest.mark.semantics("W4")
async def test_windows_that_are_no_longer_kept_are_refused_unless_the_session_holds_them(house: House) -> None:
    await house.feed(*chain([2 * SECOND] * 10))
    await house.create(4, 8)
    house.clock.advance(house.channel.retention_micros + 100 * SECOND)
    with pytest.raises(FailedPrecondition, match="nothing older"):
        await house.patch((-50, 2))
    await house.patch((4, 6))
    assert house.state() == "FINISHED"


# S16: whoever asked goes away before it is answered


async def cancelled(house: House, request: Coroutine[Any, Any, object]) -> None:
    """The request is cancelled while the catalog is writing what it asks for."""
    writing, may_go_on = threading.Event(), threading.Event()
    others = asyncio.create_task(house.catalog.write(lambda _: (writing.set(), may_go_on.wait(10))))
    await asyncio.to_thread(writing.wait, 10)
    asked: asyncio.Event = asyncio.Event()
    write = house.catalog.write

    async def noticed(*given: Any) -> Any:
        asked.set()
        return await write(*given)

    house.catalog.write = noticed  # type: ignore[method-assign]
    asking = asyncio.create_task(request)
    await asked.wait()
    house.catalog.write = write  # type: ignore[method-assign]
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    may_go_on.set()
    await others
    await house.manager.requests_done()
    await house.rest()


@pytest.mark.semantics("S7", "S16")
async def test_a_cut_whose_caller_has_gone_is_carried_out(house: House) -> None:
    await live(house)
    await cancelled(house, house.manager.update("match", intervals=intervals((0, 4))))
    s = chain([2 * SECOND] * 6)
    await house.feed(s[5])
    assert (house.state(), house.row_state()) == ("COOLDOWN", "COOLDOWN")
    assert house.store.text(PLAYLIST) == expected(*s[:5], ended=True)


@pytest.mark.semantics("S10", "S16")
async def test_a_patch_of_a_finished_session_whose_caller_has_gone_is_carried_out(house: House) -> None:
    await house.create(0, 6)
    await house.feed(*chain([2 * SECOND] * 5))
    await cancelled(house, house.manager.update("match", intervals=intervals((0, 4))))
    assert house.state() == "FINISHED"
    assert points_at(house) == ["av/index-2.m3u8"]
    await house.patch((0, 6))  # and is no longer thought to be under way


@pytest.mark.semantics("S1", "S16")
async def test_a_session_whose_creator_has_gone_is_taken_up(house: House) -> None:
    await cancelled(house, house.manager.create("match", intervals((0, 4)), None, {}))
    assert house.state() == "SCHEDULED"


@pytest.mark.semantics("S15", "S16")
async def test_a_session_whose_deleter_has_gone_goes(house: House) -> None:
    await live(house)
    await cancelled(house, house.manager.delete("match"))
    assert house.manager.find("match") is None
    assert MAIN not in house.store.objects
