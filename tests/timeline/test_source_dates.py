from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import T0
from livedvr.resources.times import HOUR, SECOND
from livedvr.timeline.source_dates import SourceDates, SourceSegment

pytestmark = pytest.mark.semantics("C5")


def segments(first: int, count: int, *, date: int | None = T0, duration: int = 2 * SECOND) -> list[SourceSegment]:
    """A playlist of equal segments, ``date`` being that of segment 0."""
    return [
        SourceSegment(n, f"seg{n}", duration, None if date is None else date + n * duration)
        for n in range(first, first + count)
    ]


def made(*, anchor: int | None = None, follows_cuts: bool = True, smoothed: int = SECOND) -> SourceDates:
    return SourceDates(anchor=anchor, follows_cuts=follows_cuts, smoothed=smoothed)


def ask(dates: SourceDates, start: float, end: float, waiting: int = 0) -> tuple[int, bool] | None:
    return dates.date(round(start * SECOND), round(end * SECOND), waiting=waiting)


def test_media_time_begins_with_the_first_segment_that_was_opened() -> None:
    dates = made()
    dates.learn(["live.m3u8", "seg3", "seg4"], segments(1, 5, date=T0 - HOUR))
    assert ask(dates, 0, 2) == (T0 - HOUR + 8 * SECOND, False)
    assert ask(dates, 2, 4) == (T0 - HOUR + 10 * SECOND, False)
    assert ask(dates, 4, 6) is None, "nothing says that segment 5 is what follows"
    dates.learn(["seg5"], segments(2, 5, date=T0 - HOUR))
    assert ask(dates, 4, 6) == (T0 - HOUR + 12 * SECOND, False)


def test_what_was_opened_before_the_playlist_named_it_waits_for_the_next_look() -> None:
    dates = made()
    dates.learn(["seg3", "seg4"], segments(0, 4))
    assert ask(dates, 2, 4) is None
    dates.learn([], segments(1, 4))
    assert ask(dates, 0, 2) == (T0 + 8 * SECOND, False) and ask(dates, 2, 4) == (T0 + 10 * SECOND, False)


def test_after_its_patience_the_last_date_goes_on() -> None:
    dates = made()
    dates.learn(["seg0"], segments(0, 3))
    assert ask(dates, 2, 4, dates.patience) is None
    assert ask(dates, 2, 4, dates.patience + 1) == (T0 + 4 * SECOND, False)
    assert not dates.has_none


@pytest.mark.parametrize("playlist", [segments(0, 3, date=None), []])
def test_without_dates_arrival_counts_from_then_on(playlist: list[SourceSegment]) -> None:
    dates = made()
    dates.learn(["seg0"], playlist)
    assert ask(dates, 0, 2, dates.patience + 1) is None and dates.has_none
    dates.learn(["seg1"], segments(0, 3))
    assert ask(dates, 2, 4) is None and dates.has_none, "one run has one kind of dates"


def test_dates_that_jump_are_followed_and_said() -> None:
    dates = made()
    playlist = [*segments(0, 2), *segments(2, 2, date=T0 + HOUR)]
    dates.learn([f"seg{n}" for n in range(4)], playlist)
    assert ask(dates, 0, 2) == (T0 + 2 * SECOND, False)
    assert ask(dates, 2, 4) == (T0 + 4 * SECOND, False)
    assert ask(dates, 4, 6) == (T0 + HOUR + 6 * SECOND, True)
    assert ask(dates, 6, 8) == (T0 + HOUR + 8 * SECOND, False)


@pytest.mark.parametrize(("smoothed", "media"), [(SECOND, 2.0), (10 * SECOND, 4.0)])
def test_a_segment_that_was_passed_over_is_a_hole_that_ffmpeg_closes_or_leaves(smoothed: int, media: float) -> None:
    dates = made(smoothed=smoothed)
    dates.learn(["seg0", "seg2"], segments(0, 3))
    ask(dates, 0, 2)
    assert ask(dates, media, media + 2) == (T0 + 6 * SECOND, media == 2.0)


def test_segments_that_were_read_and_left_the_playlist_between_two_looks_are_no_hole() -> None:
    dates = made()
    dates.learn(["seg0"], segments(0, 3))
    dates.learn(["seg1", "seg2", "seg3", "seg4"], segments(3, 3))
    ask(dates, 0, 2)
    assert ask(dates, 6, 8) == (T0 + 8 * SECOND, False)


def test_a_run_that_was_dated_already_goes_on_from_its_clock() -> None:
    dates = made(anchor=T0)
    dates.learn(["seg0", "seg1", "seg7"], segments(6, 3))
    assert ask(dates, 14, 16) == (T0 + 16 * SECOND, False)


def test_a_segment_that_is_opened_again_changes_nothing() -> None:
    dates = made()
    dates.learn(["seg0", "seg1", "seg0", "seg1"], segments(0, 3))
    assert ask(dates, 2, 4) == (T0 + 4 * SECOND, False)


@given(st.integers(-200, 200), st.sampled_from([6_006_000, 2_002_000, 1_920_000]))
def test_a_wall_clock_that_drifts_against_its_media_is_followed_at_the_cuts(ppm: int, duration: int) -> None:
    """The source stamps each segment by its clock; EXTINF has whole milliseconds, cut off."""
    dates, passed = made(), 0
    for n in range(500):
        date = T0 + passed + passed * ppm // 1_000_000
        dates.learn([f"seg{n}"], [SourceSegment(n, f"seg{n}", duration // 1000 * 1000, date)])
        answer = dates.date(passed, passed + duration, waiting=0)
        assert answer is not None and not answer[1]
        assert abs(answer[0] - (date + duration)) <= 40_000
        passed += duration
