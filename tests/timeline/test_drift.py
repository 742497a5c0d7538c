"""A day of a source whose clock is wrong: what a playlist says stays true (SEMANTICS C1-C3)."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import T0, closed
from livedvr.hls import rules_dates
from livedvr.hls.media_playlist import MediaPlaylist
from livedvr.hls.parsed import Playlist, parse_playlist
from livedvr.resources.times import HOUR, SECOND
from livedvr.timeline.clock import RunClock, Sample
from livedvr.timeline.placing import OVERLAP, is_resent, place
from livedvr.timeline.segment import ClosedSegment, Segment, Window
from livedvr.timeline.timeline import Timeline

TARGET = 2 * SECOND
GOP = 2_002_000  # 60 frames of 29.97 a second: segments that fall on no whole second
LIMIT = 250_000  # C1


def made(media: int, ppm: int) -> int:
    """The UTC instant at which a source whose clock runs ``ppm`` too fast made its media time ``media``."""
    return T0 + media * 1_000_000 // (1_000_000 + ppm)


def day_of_rows(ppm: int, chance: random.Random) -> Iterator[ClosedSegment]:
    """24 h of journal rows as a network delivers them: in order and late, mostly a little, sometimes a lot.

    Most media is some tens of milliseconds late, one segment in a hundred up to half a second, and about once an hour
    nothing comes for up to four seconds; then all of it at once.
    """
    arrival = stalled = 0
    for index in range(24 * HOUR // GOP):
        end = (index + 1) * GOP
        late = chance.expovariate(1 / 25_000)
        if chance.random() < 0.01:
            late += chance.uniform(0, 500_000)
        if chance.random() < GOP / HOUR:
            stalled = made(end, ppm) + round(chance.uniform(1, 4) * SECOND)
        arrival = max(arrival, made(end, ppm) + round(late), stalled)
        yield closed(index, index * GOP, end, arrival)


def timeline_of(rows: Iterable[ClosedSegment], previous: Segment | None = None) -> Iterator[Segment]:
    """The rows of one run placed as they come, as the intake does it: settled first, then each at once."""
    clock, pending = RunClock(), list[ClosedSegment]()
    for row in rows:
        pending.append(row)
        if clock.offset is None:
            clock = clock.observe(Sample(row.media_end, row.arrival))
            if not clock.has_settled(TARGET):
                continue
            clock = clock.anchored()
        for waiting in pending:
            if is_resent(waiting, previous, clock):
                continue
            previous, clock = place(waiting, previous, clock, target=TARGET)
            yield previous
        pending.clear()


def playlist_of(segments: Iterator[Segment]) -> bytes:
    """The playlist of an open window over all of them; what was published is held against it each hour."""
    timeline, playlist = Timeline(["av"]), MediaPlaylist("av", "fmp4", 2)
    everything, published, last = [Window(T0 - HOUR, None)], b"", None
    for segment in segments:
        timeline.append("av", segment)
        for passage in timeline.passages("av", everything, last):
            playlist.append(passage)
            last = passage.last
        if segment.number % (HOUR // GOP) == 0:
            assert playlist.render().startswith(published), "a published line has changed"
            published = playlist.render()
    return playlist.render()


def dates(playlist: Playlist) -> list[int]:
    """What a player takes for each segment's date: the date line before it, or that and the durations since."""
    told, date = [], 0
    for segment in playlist.segments:
        date = segment.date if segment.date is not None else date
        told.append(date)
        date += segment.micros
    return told


@pytest.mark.semantics("C1", "C2", "C3", "P1", "P5")
@pytest.mark.parametrize("ppm", [200, -200])
def test_a_day_of_a_clock_that_is_200_ppm_wrong(ppm: int) -> None:
    text = playlist_of(timeline_of(day_of_rows(ppm, random.Random(ppm))))
    playlist = parse_playlist(text.decode(), "a day")
    told = dates(playlist)
    assert len(told) == 24 * HOUR // GOP

    assert {segment.micros for segment in playlist.segments} == {GOP}, "EXTINF is the media's own duration"
    off = [date - made(index * GOP, ppm) for index, date in enumerate(told)]
    assert max(map(abs, off)) <= LIMIT
    assert all(before < date for before, date in itertools.pairwise(told)), "dates rise"
    assert [finding for check in rules_dates.CHECKS for finding in check(playlist)] == []
    assert not playlist.all("EXT-X-DISCONTINUITY"), "drift is no break"
    # Without the clock's bending the last date would be 17 s off: this is what the test is about.
    assert abs(T0 + len(told) * GOP - made(len(told) * GOP, ppm)) > 17 * SECOND


@dataclass(frozen=True)
class Visit:
    """A source that comes after ``away``, sends its last ``resent`` again at once, and stays for ``stays``."""

    away: int
    resent: int
    stays: int


def rows_of(run: str, oldest: int, came: int, stays: int, ppm: int, chance: random.Random) -> list[ClosedSegment]:
    """The rows of a run whose media 0 was made at ``oldest`` and which was connected at ``came``."""
    rows: list[ClosedSegment] = []
    arrival = came
    for index in itertools.count():
        end = (index + 1) * GOP
        arrival = max(arrival + 500, oldest + made(end, ppm) - T0 + round(chance.uniform(0, 30_000)))
        if arrival > came + stays:
            return rows
        rows.append(closed(index, index * GOP, end, arrival, run=run))
    raise AssertionError


VISITS = st.lists(
    st.builds(
        Visit,
        away=st.integers(SECOND // 2, 40 * SECOND),
        resent=st.one_of(st.just(0), st.integers(0, 60 * SECOND)),
        stays=st.integers(10 * SECOND, 60 * SECOND),
    ),
    min_size=1,
    max_size=6,
)


@pytest.mark.semantics("C1", "C2", "C3")
@settings(max_examples=150, deadline=None)
@given(VISITS, st.sampled_from([-200, 0, 200]), st.randoms(use_true_random=False))
def test_a_source_that_comes_and_goes_and_sends_again_is_dated_true_and_listed_once(
    visits: list[Visit], ppm: int, chance: random.Random
) -> None:
    now, previous = T0 + HOUR, None
    for number, visit in enumerate(visits):
        came = now + visit.away
        oldest = came - visit.resent
        rows = rows_of(f"run-{number}", oldest, came, visit.stays, ppm, chance)
        before, listed = previous, list(timeline_of(rows, previous))
        off = [segment.start - (oldest + made(segment.media_start, ppm) - T0) for segment in listed]

        # The first may overlap what is listed by more than a date may; then it is late by the rest of its length.
        assert off[0] <= LIMIT + (0 if before is None else GOP - OVERLAP)
        assert max(map(abs, [min(off[0], 0), *off[1:]])) <= LIMIT
        first = listed[0].index
        assert [segment.index for segment in listed] == list(range(first, len(rows))), (
            "only a run's head is passed over"
        )
        if first:
            assert before is not None
            passed_over = oldest + made(first * GOP, ppm) - T0
            assert passed_over <= before.end + LIMIT, "it is listed already"
        now, previous = rows[-1].arrival, listed[-1]
