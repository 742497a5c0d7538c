from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace

import m3u8
import pytest

from builders import RUN, SECOND_RUN, at, chain, segment
from house import MAIN, PLAYLIST, House, expected, lines_of
from livedvr.catalog import channel_rows
from livedvr.resources.errors import (
    Aborted,
    AlreadyExists,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    StorageError,
)
from livedvr.resources.models import DvrSession, TimeInterval, to_datetime
from livedvr.resources.times import SECOND
from livedvr.sessions.plan import NO_MEDIA, Facts
from livedvr.timeline.gaps import CHANNEL_STOPPED, SOURCE_LOST


@pytest.mark.semantics("S1", "S2", "S3", "S5", "P1", "P2", "O3")
async def test_a_session_goes_through_its_states_with_the_right_playlists_at_each_step(house: House) -> None:
    s = chain([2 * SECOND] * 6)
    await house.feed(s[0])
    created = await house.create(2, 8)
    assert created.state == "PENDING"
    assert (house.state(), house.row_state()) == ("SCHEDULED", "SCHEDULED")
    assert house.store.objects == {}

    await house.feed(s[1])
    assert (house.state(), house.row_state()) == ("LIVE", "LIVE")
    assert house.store.text(PLAYLIST) == expected(s[1], date="02:00:02")
    main = m3u8.loads(house.store.text(MAIN))
    assert [variant.uri for variant in main.playlists] == ["av/index-1.m3u8"]

    await house.feed(s[2])
    assert house.store.text(PLAYLIST) == expected(s[1], s[2], date="02:00:02")

    await house.feed(s[3])
    assert (house.state(), house.row_state()) == ("FINISHED", "FINISHED")
    sealed = expected(s[1], s[2], s[3], date="02:00:02", ended=True)
    assert house.store.text(PLAYLIST) == sealed

    await house.feed(s[4], s[5])
    assert house.store.text(PLAYLIST) == sealed
    assert set(house.store.objects) == {MAIN, PLAYLIST}


@pytest.mark.semantics("W5", "P8", "O3")
async def test_a_finished_session_says_what_it_holds_also_to_the_next_controller(house: House) -> None:
    first = chain([2 * SECOND] * 3)
    second = chain([2 * SECOND] * 3, start=at(10), first=3, run=SECOND_RUN, epoch=1)
    await house.create(1, 15)
    await house.feed(*first)
    house.known.run_ends[RUN] = SOURCE_LOST
    await house.feed(*second)
    for _ in range(2):
        session = house.manager.get("match")
        assert session.state == "FINISHED"
        assert session.output_uri == f"memory:///{MAIN}"
        assert (session.actual_start, session.actual_end) == (to_datetime(at(0)), to_datetime(at(16)))
        assert (session.segments, session.duration.total_seconds(), session.size_bytes) == (6, 12.0, 3_000_000)
        assert [(g.start_time, g.end_time, g.reason) for g in session.gaps] == [
            (to_datetime(at(6)), to_datetime(at(10)), SOURCE_LOST)
        ]
        assert house.manager.list() == [session]
        await house.die()
        await house.open()


@pytest.mark.semantics("W1", "S5")
async def test_a_past_window_is_finished_without_waiting_for_anything(house: House) -> None:
    s = chain([2 * SECOND] * 10)
    await house.feed(*s)
    assert (await house.create(4, 8)).state == "PENDING"
    assert house.state() == "FINISHED"
    assert house.store.text(PLAYLIST) == expected(s[2], s[3], date="02:00:04", ended=True)
    assert house.store.versions(PLAYLIST) == [house.store.objects[PLAYLIST]]


@pytest.mark.semantics("W1", "S3")
async def test_a_running_window_starts_with_what_is_there(house: House) -> None:
    s = chain([2 * SECOND] * 5)
    await house.feed(*s)
    await house.create(5, 100)
    assert house.state() == "LIVE"
    assert house.store.text(PLAYLIST) == expected(*s[2:], date="02:00:04")


@pytest.mark.semantics("W1", "S5")
async def test_a_past_window_on_a_stopped_channel_is_finished_too(house: House) -> None:
    s = chain([2 * SECOND] * 5)
    await house.feed(*s)
    await house.tell(frontier=at(50), channel_stopping=True, drained=True)
    await house.create(4, 8)
    assert house.state() == "FINISHED"
    assert house.store.text(PLAYLIST) == expected(s[2], s[3], date="02:00:04", ended=True)


@pytest.mark.semantics("S5", "W4")
async def test_a_window_for_which_nothing_ever_comes_fails_and_leaves_no_object(house: House) -> None:
    await house.create(10, 20)
    house.clock.advance(30 * SECOND)
    await house.tell(frontier=at(19))
    assert house.state() == "SCHEDULED"
    await house.tell(frontier=at(20))
    session = house.manager.get("match")
    assert (session.state, session.error) == ("FAILED", NO_MEDIA)
    assert house.store.objects == {}


@pytest.mark.semantics("S5")
async def test_a_window_that_ends_by_time_alone_is_noticed_without_a_wake_up(house: House) -> None:
    await house.create(0, 4)
    await house.feed(segment(0))
    house.facts = replace(house.facts, frontier=at(60))  # as a supervisor says later on; nobody calls wake()
    house.clock.advance(60 * SECOND)
    await house.rest()
    assert house.state() == "FINISHED"
    assert house.store.text(PLAYLIST) == expected(segment(0), ended=True)


@pytest.mark.semantics("S4", "W6")
async def test_between_two_windows_it_stays_live_and_its_playlist_does_not_grow(house: House) -> None:
    s = chain([2 * SECOND] * 8)
    await house.create(0, 4, (10, 14))
    await house.feed(s[0], s[1])
    before = house.store.text(PLAYLIST)
    for one in s[2:5]:
        await house.feed(one)
        assert (house.state(), house.store.text(PLAYLIST)) == ("LIVE", before)
    await house.feed(s[5])
    await house.feed(s[6])
    assert house.state() == "FINISHED"
    assert house.store.text(PLAYLIST) == (
        expected(s[0], s[1]) + f'#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI="../../../av/{RUN}/init.mp4"\n'
        f"#EXT-X-PROGRAM-DATE-TIME:2026-11-21T02:00:10.000Z\n{lines_of(s[5:7])}#EXT-X-ENDLIST\n"
    )


@pytest.mark.semantics("P1", "P2", "O6")
async def test_each_published_version_is_a_prefix_of_the_next_and_main_is_written_after_the_media_playlist(
    house: House,
) -> None:
    await house.create(0, 40)
    for one in chain([2 * SECOND] * 20):
        await house.feed(one)
    versions = house.store.versions(PLAYLIST)
    assert len(versions) == 20
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(versions))
    assert versions[-1].endswith(b"#EXT-X-ENDLIST\n")
    assert [name for name, _ in house.store.written[:2]] == [PLAYLIST, MAIN]


@pytest.mark.semantics("P6")
async def test_main_is_not_written_again_for_each_segment(house: House) -> None:
    await house.create(0, None)
    for one in chain([2 * SECOND] * 10):
        await house.feed(one)
    assert len(house.store.versions(MAIN)) == 1


@pytest.mark.semantics("P3")
async def test_a_session_keeps_its_target_duration_and_a_later_one_declares_the_larger(house: House) -> None:
    await house.create(0, None)
    await house.feed(segment(0))
    await house.catalog.write(lambda db: channel_rows.raise_target(db, "live", 5, at(2), "too long"))
    house.known.target = 5
    long = segment(1, duration=5 * SECOND)
    await house.feed(long)
    await house.create(0, None, name="later")
    await house.die()
    await house.open()
    assert house.known.target == 5
    assert "#EXT-X-TARGETDURATION:2\n" in house.store.text(PLAYLIST)
    assert "#EXT-X-TARGETDURATION:5\n" in house.store.text("dvr/later/av/index-1.m3u8")
    assert "#EXTINF:5.000000,\n" in house.store.text(PLAYLIST)  # listed truthfully


# S11, S12: the channel is stopped


@pytest.mark.semantics("S11", "P8")
async def test_a_stopped_channel_s_session_gets_the_rest_of_the_journal_and_is_sealed(house: House) -> None:
    s = chain([2 * SECOND] * 4)
    await house.create(0, 100, (200, 300))
    await house.feed(s[0], s[1])
    await house.tell(channel_stopping=True)
    assert house.state() == "STOPPING"
    assert not house.store.text(PLAYLIST).endswith("#EXT-X-ENDLIST\n")
    await house.feed(s[2])
    assert house.store.text(PLAYLIST) == expected(*s[:3])
    await house.feed(s[3])
    await house.tell(drained=True)
    session = house.manager.get("match")
    assert session.state == "FINISHED"
    assert house.store.text(PLAYLIST) == expected(*s, ended=True)
    assert [(g.start_time, g.end_time, g.reason) for g in session.gaps] == [
        (to_datetime(at(8)), to_datetime(at(100)), CHANNEL_STOPPED),
        (to_datetime(at(200)), to_datetime(at(300)), CHANNEL_STOPPED),
    ]


@pytest.mark.semantics("S12")
async def test_a_scheduled_session_outlives_the_stop_and_records_after_the_next_start(house: House) -> None:
    await house.create(10, 14)
    await house.tell(frontier=at(2), channel_stopping=True, drained=True)
    assert house.state() == "SCHEDULED"
    await house.tell(frontier=at(9), channel_stopping=False, drained=False)
    again = chain([2 * SECOND] * 2, start=at(10))
    await house.feed(*again)
    assert house.state() == "FINISHED"
    assert house.store.text(PLAYLIST) == expected(*again, date="02:00:10", ended=True)


@pytest.mark.semantics("S11")
async def test_settled_returns_when_no_session_is_on_its_way_to_its_end(house: House) -> None:
    await house.create(0, None)
    await house.create(1000, 1010, name="later")
    await house.feed(segment(0))
    settled = asyncio.create_task(house.manager.settled())
    await house.tell(channel_stopping=True)
    assert not settled.done()
    await house.tell(drained=True)
    await asyncio.wait_for(settled, 5)
    assert (house.state(), house.state("later")) == ("FINISHED", "SCHEDULED")


@pytest.mark.semantics("S11", "S3")
async def test_settled_waits_for_a_session_whose_first_media_came_with_the_stop(house: House) -> None:
    # Ctrl-C within the first segment: ffmpeg closes it, the intake commits it, and the channel is drained.
    await house.create(0, None)
    assert house.state() == "SCHEDULED"
    await house.commit(segment(0, duration=SECOND))
    house.facts = Facts(at(1), channel_stopping=True, drained=True)
    house.manager.wake()
    await asyncio.wait_for(house.manager.settled(), 5)
    assert house.state() == "FINISHED"


# S14: storage refuses


@pytest.mark.semantics("S14")
async def test_a_store_that_refuses_a_grown_playlist_fails_the_session_with_its_message(house: House) -> None:
    await house.create(0, 100)
    await house.feed(segment(0))
    house.store.refuses = lambda name: name == PLAYLIST
    await house.feed(segment(1))
    session = house.manager.get("match")
    assert session.state == "FAILED"
    assert session.error is not None
    assert "permission denied" in session.error
    assert house.row_state() == "FAILED"


@pytest.mark.semantics("S14")
@pytest.mark.parametrize("refused", [MAIN, PLAYLIST])
async def test_a_store_that_refuses_the_first_or_the_sealed_playlist_fails_the_session(
    house: House, refused: str
) -> None:
    house.store.refuses = lambda name: name == refused
    await house.create(0, 4)
    await house.feed(segment(0), segment(1))
    session = house.manager.get("match")
    assert (session.state, "permission denied" in (session.error or "")) == ("FAILED", True)


@pytest.mark.semantics("S14")
async def test_a_session_that_fails_takes_no_other_with_it(house: House) -> None:
    await house.create(0, 100)
    await house.create(0, 100, name="other")
    house.store.refuses = lambda name: name.startswith("dvr/match/")
    await house.feed(segment(0))
    await house.feed(segment(1))
    assert (house.state(), house.state("other")) == ("FAILED", "LIVE")
    assert house.store.text("dvr/other/av/index-1.m3u8") == expected(segment(0), segment(1))


@pytest.mark.semantics("S3")
async def test_live_is_not_said_before_there_is_a_manifest_to_be_fetched(house: House) -> None:
    seen: list[tuple[str, bool]] = []
    await house.create(0, 6)

    async def look() -> None:
        async for session in house.manager.watch("match"):
            seen.append((session.state, MAIN in house.store.objects))

    looking = asyncio.create_task(look())
    for number in range(3):
        await house.feed(segment(number))
    await asyncio.wait_for(looking, 5)
    assert seen[0] == ("SCHEDULED", False)
    assert seen[-1] == ("FINISHED", True)
    assert all(there for state, there in seen if state == "LIVE")


# S16: killed and started again


@pytest.mark.semantics("S16")
async def test_a_new_controller_after_each_segment_publishes_the_same_lines(house: House) -> None:
    first = chain([2 * SECOND] * 4)
    second = chain([2 * SECOND] * 5, start=at(11), first=4, run=SECOND_RUN, epoch=1)
    await house.create(1, 9, (12, 20))
    await house.create(0, None, name="unbroken")
    for one in first + second:
        await house.feed(one)
        before, state = dict(house.store.objects), house.state()
        await house.die()
        house.store.objects.clear()  # so that what is there afterwards has been drawn anew
        await house.open()
        assert house.state() == state
        if state != "FINISHED":
            assert house.store.objects == before
        house.store.objects = before
    assert house.state() == "FINISHED"
    text = house.store.text(PLAYLIST)
    versions = house.store.versions(PLAYLIST)
    assert all(text.encode().startswith(version) for version in versions)
    assert text.count("#EXTINF") == len({line for line in text.splitlines() if line.endswith(".m4s")}) == 9
    assert text.count("#EXT-X-DISCONTINUITY\n") == 1
    assert text.endswith("#EXT-X-ENDLIST\n")


@pytest.mark.semantics("S16")
@pytest.mark.parametrize("state", ["PENDING", "SCHEDULED", "LIVE", "POST_PROCESSING"])
async def test_a_controller_killed_between_two_steps_is_repaired_by_the_next(house: House, state: str) -> None:
    s = chain([2 * SECOND] * 5)
    await house.create(0, 4)
    await house.feed(*s)
    sealed = expected(s[0], s[1], ended=True)
    assert house.store.text(PLAYLIST) == sealed
    await house.die()
    await house.set_state(state)
    house.store.objects.clear()
    await house.open()
    assert (house.state(), house.manager.get("match").segments) == ("FINISHED", 2)
    assert house.store.text(PLAYLIST) == sealed


@pytest.mark.semantics("S16", "S5")
async def test_a_controller_killed_while_it_seals_leaves_a_sealed_playlist_to_the_next(house: House) -> None:
    s = chain([2 * SECOND] * 2)
    await house.create(0, 4)
    await house.feed(s[0])
    house.store.may_go_on.clear()
    house.store.is_asked.clear()
    await house.commit(s[1])
    house.facts = Facts(at(4))
    house.manager.wake()
    await asyncio.to_thread(house.store.is_asked.wait, 5)
    assert house.row_state() == "POST_PROCESSING"
    await house.die()
    house.store.may_go_on.set()
    await house.open()
    assert house.state() == "FINISHED"
    assert house.store.text(PLAYLIST) == expected(*s, ended=True)


@pytest.mark.semantics("S16", "S11")
async def test_a_sealed_playlist_is_never_published_without_its_end_again(house: House) -> None:
    # The channel ended by itself (an error), the session was sealed, the controller died before it said FINISHED.
    await house.create(0, 100)
    await house.feed(segment(0), segment(1))
    await house.tell(channel_stopping=True, drained=True)
    sealed = house.store.text(PLAYLIST)
    assert sealed.endswith("#EXT-X-ENDLIST\n")
    await house.die()
    await house.set_state("STOPPING")
    house.facts = Facts(None)  # the next controller takes the channel up again: nothing is drained
    await house.open()
    assert house.store.text(PLAYLIST) == sealed


# S15, O6: delete


@pytest.mark.semantics("S15", "O6")
async def test_delete_removes_the_manifest_and_nothing_else_and_the_id_s_next_edition_is_2(house: House) -> None:
    house.store.objects |= {"av/x/segment-000000.m4s": b"media", "dvr/match2/main.m3u8": b"of another"}
    await house.create(0, 100)
    await house.feed(segment(0))
    assert {MAIN, PLAYLIST} <= set(house.store.objects)
    await asyncio.wait_for(house.manager.delete("match"), 5)
    assert set(house.store.objects) == {"av/x/segment-000000.m4s", "dvr/match2/main.m3u8"}
    assert house.manager.find("match") is None
    assert house.manager.list() == []

    await house.create(0, 100)
    assert house.state() == "LIVE"
    assert "dvr/match/av/index-2.m3u8" in house.store.objects
    assert PLAYLIST not in house.store.objects
    assert [p.uri for p in m3u8.loads(house.store.text(MAIN)).playlists] == ["av/index-2.m3u8"]


@pytest.mark.semantics("S15")
async def test_a_session_in_any_state_can_be_deleted(house: House) -> None:
    await house.create(1000, 1010)
    assert house.state() == "SCHEDULED"
    await asyncio.wait_for(house.manager.delete("match"), 5)
    await house.feed(segment(0))
    await house.create(0, 2)
    assert house.state() == "FINISHED"
    await asyncio.wait_for(house.manager.delete("match"), 5)
    house.store.refuses = lambda name: name == PLAYLIST.replace("-1", "-3")
    await house.create(0, 2)
    assert house.state() == "FAILED"
    await asyncio.wait_for(house.manager.delete("match"), 5)
    assert house.store.objects == {}
    assert house.manager.list() == []


@pytest.mark.semantics("S15")
async def test_main_goes_before_what_it_points_at(house: House) -> None:
    await house.create(0, 100)
    await house.feed(segment(0))
    order: list[str] = []
    house.store.refuses = lambda name: bool(order.append(name))
    await asyncio.wait_for(house.manager.delete("match"), 5)
    assert [name for name in order if name in (MAIN, PLAYLIST)] == [MAIN, PLAYLIST]


@pytest.mark.semantics("S15", "S16")
async def test_a_delete_that_was_interrupted_is_finished_by_the_next_controller(house: House) -> None:
    await house.create(0, 100)
    await house.feed(segment(0))
    await house.die()
    await house.set_state("DELETING")
    await house.open()
    assert house.store.objects == {}
    assert house.manager.find("match") is None


@pytest.mark.semantics("S15")
async def test_a_delete_that_storage_refused_can_be_asked_for_again(house: House) -> None:
    await house.create(0, 100)
    await house.feed(segment(0))
    house.store.refuses = lambda _: True
    with pytest.raises(StorageError):
        await house.manager.delete("match")
    house.store.refuses = lambda _: False
    await asyncio.wait_for(house.manager.delete("match"), 5)
    assert house.manager.find("match") is None


@pytest.mark.semantics("S15")
async def test_a_delete_while_the_first_playlist_is_being_written_wins(house: House) -> None:
    await house.create(0, 100)
    house.store.may_go_on.clear()
    house.store.is_asked.clear()
    await house.commit(segment(0))
    house.manager.wake()
    await asyncio.to_thread(house.store.is_asked.wait, 5)
    deleting = asyncio.create_task(house.manager.delete("match"))
    for _ in range(3):  # whether it asks for its turn or writes DELETING at once: it has begun
        await asyncio.sleep(0)
    house.store.may_go_on.set()
    await asyncio.wait_for(deleting, 5)
    assert house.store.objects == {}
    assert house.manager.find("match") is None


@pytest.mark.semantics("S15")
async def test_a_delete_of_a_finished_session_survives_a_wake_up_in_between(house: House) -> None:
    await house.feed(segment(0))
    await house.create(0, 2)
    assert house.state() == "FINISHED"
    deleting = asyncio.create_task(house.manager.delete("match"))
    house.manager.wake()  # new segments come all the time
    await asyncio.wait_for(deleting, 5)
    assert house.store.objects == {}


@pytest.mark.semantics("S15", "S14")
async def test_a_store_that_refuses_a_delete_for_a_while_ends_nobody_s_recording(house: House) -> None:
    await house.create(0, 100)
    await house.create(0, 100, name="other")
    await house.feed(segment(0))
    house.store.refuses = lambda name: name.startswith("dvr/match/")
    deleting = asyncio.create_task(house.manager.delete("match"))
    await house.reaches("DELETING")
    await house.rest()
    await house.feed(segment(1))
    assert house.store.text("dvr/other/av/index-1.m3u8") == expected(segment(0), segment(1))
    with pytest.raises(StorageError, match="permission denied"):
        await asyncio.wait_for(deleting, 5)
    house.store.refuses = lambda _: False
    house.clock.advance(60 * SECOND)
    await house.rest()
    assert not any(name.startswith("dvr/match/") for name in house.store.objects)


async def test_two_deletes_at_once_both_end(house: House) -> None:
    await house.create(0, 100)
    await house.feed(segment(0))
    both = asyncio.gather(house.manager.delete("match"), house.manager.delete("match"), return_exceptions=True)
    answers = await asyncio.wait_for(both, 5)
    assert [a for a in answers if a is not None and not isinstance(a, FailedPrecondition)] == []
    assert house.manager.find("match") is None


# requests that are refused


@pytest.mark.semantics("O2")
async def test_an_id_that_somebody_has_is_refused_and_the_session_goes_on(house: House) -> None:
    await house.create(0, 100)
    await house.feed(segment(0))
    with pytest.raises(AlreadyExists, match="'match'"):
        await house.create(5, 10)
    await house.feed(segment(1))
    assert house.store.text(PLAYLIST) == expected(segment(0), segment(1))
    await house.tell(channel_stopping=True, drained=True)
    with pytest.raises(AlreadyExists):
        await house.create(5, 10)


@pytest.mark.semantics("O2")
async def test_of_two_who_want_the_same_id_at_once_one_gets_it_and_the_other_is_told(house: House) -> None:
    answers = await asyncio.gather(house.create(0, 100), house.create(0, 50), return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["AlreadyExists", "DvrSession"]
    assert len(house.manager.list()) == 1


@pytest.mark.semantics("O2", "W1", "W3")
@pytest.mark.parametrize(
    ("name", "key", "windows", "field"),
    [
        ("No Id", None, [(0, 10)], "dvrSessionId"),
        ("match", "mobile", [(0, 10)], "manifestKey"),
        ("match", None, [], "dvrWindows"),
        ("match", None, [(10, 5)], "dvrWindows[0].endTime"),
    ],
)
async def test_a_request_that_can_never_work_leaves_no_trace(
    house: House, name: str, key: str | None, windows: list[tuple[float, float]], field: str
) -> None:
    intervals = [TimeInterval(start_time=to_datetime(at(a)), end_time=to_datetime(at(b))) for a, b in windows]
    with pytest.raises(InvalidArgument) as refused:
        await house.manager.create(name, intervals, key, {})
    assert refused.value.field == field
    assert house.manager.list() == []


@pytest.mark.semantics("W4")
async def test_a_window_behind_retention_is_refused(house: House) -> None:
    with pytest.raises(FailedPrecondition, match="nothing older"):
        await house.create(-100_000, -90_000)
    assert house.manager.list() == []


@pytest.mark.semantics("W3")
async def test_a_missing_start_is_the_time_of_acceptance_and_written_back(house: House) -> None:
    house.clock.advance(7 * SECOND)
    created = await house.create(None, None)
    assert [(w.start_time, w.end_time) for w in created.dvr_windows] == [(to_datetime(at(7)), None)]
    assert house.manager.get("match").dvr_windows == created.dvr_windows
    assert created.create_time == to_datetime(at(7))


async def test_a_session_nobody_has_is_not_found(house: House) -> None:
    assert house.manager.find("nobody") is None
    with pytest.raises(NotFound):
        house.manager.get("nobody")
    with pytest.raises(NotFound):
        await house.manager.delete("nobody")
    with pytest.raises(NotFound):
        await anext(house.manager.watch("nobody"))


async def test_labels_are_kept(house: House) -> None:
    interval = TimeInterval(start_time=to_datetime(at(0)))
    await house.manager.create("match", [interval], "main", {"livedvr-pin": "true"})
    assert house.manager.get("match").labels == {"livedvr-pin": "true"}


async def test_a_controller_that_has_been_superseded_can_accept_nothing(house: House) -> None:
    await house.catalog.write(lambda db: channel_rows.raise_owner_epoch(db, "live"))
    with pytest.raises(Aborted, match="another controller"):
        await house.manager.create("match", [TimeInterval()], None, {})
    assert house.manager.find("match") is None


# watch


async def watched(house: House, seen: list[DvrSession]) -> None:
    async for session in house.manager.watch("match"):
        seen.append(session)


async def test_watch_tells_each_change_and_ends_with_the_session(house: House) -> None:
    await house.create(2, 6)
    seen: list[DvrSession] = []
    watching = asyncio.create_task(watched(house, seen))
    for number in range(3):
        await house.feed(segment(number))
    await asyncio.wait_for(watching, 5)
    states = [session.state for session in seen]
    assert [s for i, s in enumerate(states) if i == 0 or s != states[i - 1]] == [
        "SCHEDULED",
        "LIVE",
        "POST_PROCESSING",
        "FINISHED",
    ]
    assert [session.segments for session in seen if session.state == "LIVE"] == [1]
    assert seen[-1].segments == 2
    assert all(a != b for a, b in itertools.pairwise(seen))


async def test_watch_tells_growth_too(house: House) -> None:
    await house.create(0, None)
    seen: list[DvrSession] = []
    watching = asyncio.create_task(watched(house, seen))
    for number in range(4):
        await house.feed(segment(number))
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    assert [session.segments for session in seen if session.state == "LIVE"] == [1, 2, 3, 4]


async def test_watch_of_a_session_that_is_done_tells_it_once(house: House) -> None:
    await house.feed(segment(0))
    await house.create(0, 2)
    seen: list[DvrSession] = []
    await asyncio.wait_for(watched(house, seen), 5)
    assert [session.state for session in seen] == ["FINISHED"]


@pytest.mark.semantics("S15")
async def test_watch_ends_when_the_session_is_deleted(house: House) -> None:
    await house.create(0, None)
    await house.feed(segment(0))
    seen: list[DvrSession] = []
    watching = asyncio.create_task(watched(house, seen))
    await asyncio.wait_for(house.manager.delete("match"), 5)
    await asyncio.wait_for(watching, 5)
    assert [session.state for session in seen][-1] in ("LIVE", "DELETING")


async def test_a_slow_watcher_misses_the_middle_and_never_the_end(house: House) -> None:
    await house.create(0, 6)
    watching = house.manager.watch("match")
    assert (await anext(watching)).state == "SCHEDULED"
    for number in range(3):
        await house.feed(segment(number))
    rest = [session.state async for session in watching]
    assert rest == ["FINISHED"]


@pytest.mark.semantics("S14", "O6")
async def test_a_main_that_could_not_be_written_for_a_while_is_written_as_soon_as_it_can_be(house: House) -> None:
    house.store.refuses, house.store.passing = lambda name: name == MAIN, True
    await house.create(0, None)
    await house.feed(segment(0))
    assert (house.state(), MAIN in house.store.objects) == ("SCHEDULED", False)
    assert "permission denied" in str(house.manager.get("match").error)
    house.store.refuses = lambda _: False
    house.clock.advance(SECOND)
    await house.rest()
    assert (house.state(), MAIN in house.store.objects) == ("LIVE", True)
    assert house.manager.get("match").error is None


@pytest.mark.semantics("W2", "S5")
async def test_a_window_means_the_time_of_the_stream_and_not_of_arrival(house: House) -> None:
    # The media of 02:00:00 to 02:00:08 comes half a minute late; by the wall clock the window is long over.
    s = chain([2 * SECOND] * 5)
    house.clock.advance(30 * SECOND)
    await house.tell(frontier=at(0))
    await house.create(2, 6)
    assert house.state() == "SCHEDULED"
    for one in s:
        house.clock.advance(2 * SECOND)
        await house.commit(one)
        await house.tell(frontier=one.end)
    assert house.state() == "FINISHED"
    assert house.store.text(PLAYLIST) == expected(s[1], s[2], date="02:00:02", ended=True)
