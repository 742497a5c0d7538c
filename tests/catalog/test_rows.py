from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import MEDIA, RUN, SECOND_RUN, T0, at, channel, segment, window
from counting import calls_of
from livedvr.catalog import channel_rows, range_rows, segment_rows, session_rows
from livedvr.catalog.channel_rows import ChannelRow
from livedvr.catalog.schema import migrate
from livedvr.catalog.segment_rows import RunRow
from livedvr.catalog.session_rows import SessionRow
from livedvr.resources.errors import NotFound
from livedvr.timeline.clock import RunClock, Sample
from livedvr.timeline.ranges import RangeTag
from livedvr.timeline.segment import RunMedia

SESSION = SessionRow(
    channel="live",
    id="match",
    manifest_key="main",
    windows=(window(0, 10), window(20, None)),
    edition_windows=(window(0, 10), window(20, None)),
    labels={"livedvr-pin": "true"},
    state="PENDING",
    error=None,
    edition=0,
    target=None,
    summary=None,
    created=T0,
    updated=T0,
)


def connected(path: Path | str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA foreign_keys=ON")
    connection.row_factory = sqlite3.Row
    migrate(connection)
    return connection


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = connected(tmp_path / "catalog.sqlite3")
    channel_rows.put_channel(connection, channel())
    yield connection
    connection.close()


def test_a_channel_is_stored_as_it_is(db: sqlite3.Connection) -> None:
    assert channel_rows.get_channel(db, "live") == ChannelRow(channel(), started=False, target=None)
    assert channel_rows.get_channel(db, "nobody") is None


def test_to_put_a_channel_again_keeps_its_target_owner_and_wish(db: sqlite3.Connection) -> None:
    channel_rows.set_target(db, "live", 6)
    channel_rows.set_started(db, "live", True)
    assert channel_rows.raise_owner_epoch(db, "live") == 1
    changed = channel(retention_window=timedelta(hours=1))
    channel_rows.put_channel(db, changed)
    assert channel_rows.get_channel(db, "live") == ChannelRow(changed, started=True, target=6)
    assert channel_rows.raise_owner_epoch(db, "live") == 2


def test_channels_are_listed_by_id(db: sqlite3.Connection) -> None:
    channel_rows.put_channel(db, channel(channel_id="a"))
    channel_rows.put_channel(db, channel(channel_id="z"))
    assert [row.channel.channel_id for row in channel_rows.list_channels(db)] == ["a", "live", "z"]


def test_a_run_s_row_exists_before_it_has_brought_anything(db: sqlite3.Connection) -> None:
    segment_rows.add_run(db, SECOND_RUN, "live", at(5))
    segment_rows.add_run(db, RUN, "live", T0)
    assert segment_rows.list_runs(db, "live") == [
        RunRow(RUN, "live", T0, None, {}, None),
        RunRow(SECOND_RUN, "live", at(5), None, {}, None),
    ]
    segment_rows.end_run(db, RUN, at(4), "source lost")
    assert [run.end_reason for run in segment_rows.list_runs(db, "live")] == ["source lost", None]


MICROS = st.integers(-(10**16), 10**16)
CLOCKS = st.builds(
    RunClock,
    st.lists(st.builds(Sample, MICROS, MICROS), max_size=5).map(tuple),
    st.one_of(st.none(), MICROS),
)
MEDIAS = st.builds(
    RunMedia,
    st.lists(st.text(max_size=12), max_size=2).map(tuple),
    st.one_of(st.none(), st.tuples(st.integers(1, 8000), st.integers(1, 8000))),
    st.one_of(st.none(), st.fractions(min_value=1, max_value=240, max_denominator=1001)),
    st.text(max_size=20),
)


@pytest.mark.semantics("S16", "C3")
@given(CLOCKS, MEDIAS)
def test_a_run_s_clock_and_media_come_back_as_they_were(clock: RunClock, media: RunMedia) -> None:
    db = connected(":memory:")
    channel_rows.put_channel(db, channel())
    segment_rows.add_run(db, RUN, "live", T0)
    segment_rows.commit_segments(db, "live", RUN, {"av": [segment(0)]}, clock, {"av": media})
    stored = segment_rows.list_runs(db, "live")[0]
    db.close()
    assert (stored.clock, stored.media) == (clock, {"av": media})


@pytest.mark.semantics("C3")
def test_segments_come_back_as_they_were_placed(db: sqlite3.Connection) -> None:
    segment_rows.add_run(db, RUN, "live", T0)
    segment_rows.add_run(db, SECOND_RUN, "live", at(5))
    clock = RunClock((Sample(0, T0),)).anchored()
    first = [segment(i, start=at(2 * i) + 137, duration=1_968_333) for i in range(3)]
    second = [segment(3, run=SECOND_RUN, index=0, epoch=1, media_start=-7, size=0)]
    segment_rows.commit_segments(db, "live", SECOND_RUN, {"av": second}, clock, {"av": MEDIA})
    other = replace(MEDIA, frame_rate=Fraction(30_000, 1001), channels=2)
    segment_rows.commit_segments(db, "live", RUN, {"av": first}, clock, {"av": other})
    assert list(segment_rows.list_segments(db, "live", "av")) == first + second
    assert not segment_rows.list_segments(db, "live", "low")
    assert [run.media for run in segment_rows.list_runs(db, "live")] == [
        {"av": other},
        {"av": MEDIA},
    ]


def test_a_session_comes_back_as_it_was_with_its_edition(db: sqlite3.Connection) -> None:
    assert session_rows.add_session(db, SESSION) == replace(SESSION, edition=1)
    assert session_rows.get_session(db, "live", "match") == session_rows.find_session(db, "live", "match")


def test_what_becomes_of_a_session_is_stored(db: sqlite3.Connection) -> None:
    changed = replace(
        session_rows.add_session(db, SESSION),
        windows=(window(0, 5),),
        labels={},
        target=6,
        summary={"segments": 3, "actual_end": at(6), "gaps": [[1, 2, "source lost"]]},
        state="FAILED",
        error="no such bucket",
        updated=at(9),
        cooldown_until=at(70),
        ended=at(9),
    )
    session_rows.put_session(db, changed)
    assert session_rows.get_session(db, "live", "match") == changed


def test_a_state_change_touches_no_other_session(db: sqlite3.Connection) -> None:
    session_rows.add_session(db, SESSION)
    session_rows.add_session(db, replace(SESSION, id="other"))
    session_rows.put_session(db, replace(session_rows.get_session(db, "live", "match"), state="LIVE"))
    assert session_rows.get_session(db, "live", "other").state == "PENDING"


@pytest.mark.semantics("O6")
def test_edition_numbers_of_an_id_never_restart(db: sqlite3.Connection) -> None:
    editions = []
    for _ in range(3):
        editions.append(session_rows.add_session(db, SESSION).edition)
        session_rows.delete_session(db, SESSION, 0, T0)
    assert editions == [1, 2, 3]
    assert session_rows.add_session(db, replace(SESSION, id="other")).edition == 1
    channel_rows.put_channel(db, channel(channel_id="second"))
    assert session_rows.add_session(db, replace(SESSION, channel="second")).edition == 1


@pytest.mark.semantics("O6")
def test_an_edition_number_survives_the_end_of_the_process(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite3"
    first = connected(path)
    channel_rows.put_channel(first, channel())
    session_rows.add_session(first, SESSION)
    session_rows.delete_session(first, SESSION, 0, T0)
    first.close()
    second = connected(path)
    assert session_rows.add_session(second, SESSION).edition == 2
    second.close()


def test_a_session_that_is_not_there_is_named(db: sqlite3.Connection) -> None:
    assert session_rows.find_session(db, "live", "match") is None
    with pytest.raises(NotFound, match=r"'match'.*'live'"):
        session_rows.get_session(db, "live", "match")


def test_sessions_are_listed_by_creation_and_per_channel(db: sqlite3.Connection) -> None:
    channel_rows.put_channel(db, channel(channel_id="second"))
    for name, created in (("c", at(3)), ("a", at(5)), ("b", at(1))):
        session_rows.add_session(db, replace(SESSION, id=name, created=created))
    session_rows.add_session(db, replace(SESSION, channel="second"))
    assert [session.id for session in session_rows.list_sessions(db, "live")] == ["b", "c", "a"]


@pytest.mark.semantics("P3")
def test_a_target_duration_that_is_exceeded_is_raised_and_said_aloud(db: sqlite3.Connection) -> None:
    channel_rows.set_target(db, "live", 6)
    channel_rows.raise_target(db, "live", 9, at(7), "segment-000003.m4s lasts 8.6 s, the target duration is 6 s")
    stored = channel_rows.get_channel(db, "live")
    assert stored is not None
    assert stored.target == 9
    assert channel_rows.list_events(db, "live") == [
        (at(7), "TARGET_DURATION_EXCEEDED", "segment-000003.m4s lasts 8.6 s, the target duration is 6 s")
    ]


@pytest.mark.semantics("P9", "S16")
def test_the_tags_of_date_ranges_are_stored_as_they_are(db: sqlite3.Connection) -> None:
    segment_rows.add_run(db, RUN, "live", T0)
    out = RangeTag(0, "splice-7-x", "splice-7", T0, 5_000_000, True, None, "SCTE35-OUT", b"\xfc\x30", {"av": 3, "a": 2})
    tags = [out, replace(out, serial=1, planned=None, returns=False, end=at(5), carrier=None, section=b"")]
    range_rows.commit_tags(db, "live", tags)
    range_rows.set_cues(db, RUN, 7)
    assert range_rows.list_tags(db, "live") == tags
    assert [run.cues for run in segment_rows.list_runs(db, "live")] == [7]
    row = channel_rows.get_channel(db, "live")
    assert row is not None and list(segment_rows.load_timeline(db, row).ranges) == tags
    range_rows.delete_tags(db, "live", {0})
    assert range_rows.list_tags(db, "live") == tags[1:]
    channel_rows.delete_channel(db, "live")
    assert range_rows.list_tags(db, "live") == []


def test_segments_are_read_in_chunks(db: sqlite3.Connection) -> None:
    """A controller that comes back reads days of them before it publishes again: no call, and no object, for each."""
    channel_rows.put_channel(db, channel())
    segment_rows.add_run(db, RUN, "live", T0)
    placed = {"av": [segment(number) for number in range(2000)]}
    segment_rows.commit_segments(db, "live", RUN, placed, RunClock(), {"av": MEDIA})
    assert calls_of(lambda: segment_rows.list_segments(db, "live", "av")).total() < 2000 / 5
    assert list(segment_rows.list_segments(db, "live", "av")) == placed["av"]
