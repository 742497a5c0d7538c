from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import SECOND_RUN, T0, at, chain, segment, window
from livedvr.resources.times import SECOND
from livedvr.timeline.segment import Segment, Window
from livedvr.timeline.timeline import Listed, Timeline

TENTH = SECOND // 10


def made_of(segments: Sequence[Segment], others: Sequence[Segment] = ()) -> Timeline:
    """A timeline whose reference is ``av``; with a second rendition ``low`` if there are others."""
    timeline = Timeline(["av", "low"] if others else ["av"])
    for one in segments:
        timeline.append("av", one)
    for one in others:
        timeline.append("low", one)
    return timeline


def numbers(listed: Sequence[Listed]) -> list[int]:
    return [item.segment.number for item in listed]


def breaks(listed: Sequence[Listed]) -> list[int]:
    """The segments that have an EXT-X-DISCONTINUITY before them."""
    return [item.segment.number for item in listed if item.discontinuity]


# The definition, in as many words: no bisection, nothing incremental.


def meets(one: Segment, asked: Window) -> bool:
    return one.start + one.duration > asked.start and (asked.end is None or one.start < asked.end)


def actual_edges(reference: Sequence[Segment], asked: Window) -> tuple[int, int] | None:
    met = [one for one in reference if meets(one, asked)]
    return (met[0].start, met[-1].start + met[-1].duration) if met else None


def defined(reference: Sequence[Segment], rendition: Sequence[Segment], windows: Sequence[Window]) -> list[Listed]:
    """W5, W6 and P4, word by word: where the reference has a join between two windows, each rendition has one."""
    joins = [
        later.segment.start
        for earlier, later in itertools.pairwise(
            defined(reference, reference, windows) if rendition is not reference else []
        )
        if later.segment.number != earlier.segment.number + 1
    ]

    def belongs(one: Segment) -> bool:
        if rendition is reference:
            return any(meets(one, asked) for asked in windows)
        edges = [actual_edges(reference, asked) for asked in windows]
        return any(e is not None and e[0] <= one.start + one.duration / 2 < e[1] for e in edges)

    def middle(one: Segment) -> float:
        return one.start + one.duration / 2

    listed: list[Listed] = []
    for position, one in enumerate(rendition):
        if belongs(one):
            last = listed[-1].segment if listed else None
            follows = last is None or last is rendition[position - 1]
            if last is not None:
                follows = follows and not any(
                    2 * last.start + last.duration < 2 * j <= 2 * one.start + one.duration for j in joins
                )
            joined = last is not None and not follows
            listed.append(Listed(one, joined or (last is not None and last.epoch != one.epoch), joined))
    return listed


@dataclass(frozen=True)
class Cut:
    """Segments of both renditions over the same media, and windows. Times in tenths of a second."""

    reference: list[Segment]
    other: list[Segment]
    windows: list[Window]


@st.composite
def renditions(draw: st.DrawFn) -> tuple[list[Segment], list[Segment]]:
    """Several epochs, with holes between them, each cut differently by the two renditions."""
    made: tuple[list[Segment], list[Segment]] = ([], [])
    start = T0
    for epoch in range(draw(st.integers(1, 3))):
        lengths = [draw(st.lists(st.integers(1, 40), min_size=1, max_size=8)) for _ in made]
        for segments, tenths in zip(made, lengths, strict=True):
            segments += chain(
                [n * TENTH for n in tenths], start=start, first=len(segments), run=f"run-{epoch}", epoch=epoch
            )
        start = max(segments[-1].end for segments in made) + draw(st.integers(0, 50)) * TENTH
    return made


@st.composite
def cuts(draw: st.DrawFn) -> Cut:
    reference, other = draw(renditions())
    last = (reference[-1].end - T0) // TENTH
    edges = sorted(draw(st.lists(st.integers(-20, last + 30), min_size=2, max_size=8)))
    pairs = [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=False) if a < b]
    windows = [Window(T0 + a * TENTH, T0 + b * TENTH) for a, b in pairs] or [Window(T0, T0 + TENTH)]
    if draw(st.booleans()):
        windows[-1] = replace(windows[-1], end=None)
    return Cut(reference, other, windows)


@pytest.mark.semantics("W5", "W6", "P4")
@settings(max_examples=200, deadline=None)
@given(cuts())
def test_a_listing_is_what_the_definition_says(cut: Cut) -> None:
    timeline = made_of(cut.reference, cut.other)
    assert list(timeline.listing("av", cut.windows)) == defined(cut.reference, cut.reference, cut.windows)
    assert list(timeline.listing("low", cut.windows)) == defined(cut.reference, cut.other, cut.windows)


@pytest.mark.semantics("W5", "W6", "P1")
@settings(max_examples=200, deadline=None)
@given(cuts(), st.data())
def test_what_is_listed_as_segments_come_is_what_is_listed_at_once(cut: Cut, data: st.DataObject) -> None:
    timeline = Timeline(["av", "low"])
    grown: dict[str, list[Listed]] = {"av": [], "low": []}
    waiting = {"av": list(cut.reference), "low": list(cut.other)}
    while any(waiting.values()):
        mux = data.draw(st.sampled_from([key for key, left in waiting.items() if left]))
        timeline.append(mux, waiting[mux].pop(0))
        for key, listed in grown.items():
            after = listed[-1].segment if listed else None
            listed += timeline.listing(key, cut.windows, after)
    for key, listed in grown.items():
        assert listed == list(timeline.listing(key, cut.windows))


@pytest.mark.semantics("W5")
@settings(max_examples=100, deadline=None)
@given(cuts())
def test_the_actual_edges_are_those_of_whole_segments_of_the_reference(cut: Cut) -> None:
    timeline = made_of(cut.reference, cut.other)
    for asked in cut.windows:
        assert timeline.edges(asked) == actual_edges(cut.reference, asked)


@pytest.mark.semantics("S3")
@settings(max_examples=100, deadline=None)
@given(cuts())
def test_windows_have_media_when_a_segment_of_any_of_them_exists(cut: Cut) -> None:
    timeline = made_of(cut.reference)
    assert timeline.has_media(cut.windows) is bool(defined(cut.reference, cut.reference, cut.windows))


@pytest.mark.semantics("W5")
@pytest.mark.parametrize(
    ("start", "end", "listed"),
    [
        (4, 8, [2, 3]),  # edges on edges
        (3.999999, 8, [1, 2, 3]),
        (4, 8.000001, [2, 3, 4]),
        (4.5, 4.6, [2]),
        (-100, 1, [0]),
        (18, None, [9]),
        (20, None, []),
        (-5, 0, []),
        (5, None, [2, 3, 4, 5, 6, 7, 8, 9]),
    ],
)
def test_edges_snap_outward_to_whole_segments(start: float, end: float | None, listed: list[int]) -> None:
    timeline = made_of(chain([2 * SECOND] * 10))
    assert numbers(list(timeline.listing("av", [window(start, end)]))) == listed


@pytest.mark.semantics("W5")
def test_another_rendition_s_segment_belongs_if_its_midpoint_lies_within_the_reference_s_edges() -> None:
    # The window 3 to 5 becomes [2, 6) by the reference. Midpoints of the other: 1.5, 4.5, 7.5.
    timeline = made_of(chain([2 * SECOND] * 5), chain([3 * SECOND] * 3))
    assert timeline.edges(window(3, 5)) == (at(2), at(6))
    assert numbers(list(timeline.listing("low", [window(3, 5)]))) == [1]
    # A midpoint on the start belongs, one on the end does not: [4, 8) with midpoints 4 and 8.
    timeline = made_of(chain([4 * SECOND] * 3), chain([2 * SECOND, 4 * SECOND, 4 * SECOND], start=at(0)))
    assert numbers(list(timeline.listing("low", [window(5, 6)]))) == [1]


@pytest.mark.semantics("W6")
def test_a_segment_that_meets_two_windows_is_listed_once_and_without_a_discontinuity() -> None:
    timeline = made_of(chain([2 * SECOND] * 6))
    listed = list(timeline.listing("av", [window(0, 4.5), window(5, 8)]))
    assert numbers(listed) == [0, 1, 2, 3]
    assert breaks(listed) == []


@pytest.mark.semantics("W6")
def test_windows_that_touch_whole_segments_are_joined_without_a_discontinuity() -> None:
    timeline = made_of(chain([2 * SECOND] * 6))
    listed = list(timeline.listing("av", [window(0, 3), window(5, 8)]))
    assert numbers(listed) == [0, 1, 2, 3]
    assert breaks(listed) == []


@pytest.mark.semantics("W6", "P4")
def test_a_discontinuity_stands_where_windows_are_joined_over_a_hole_and_at_each_epoch() -> None:
    first = chain([2 * SECOND] * 6)
    second = chain([2 * SECOND] * 3, start=at(20), first=6, run=SECOND_RUN, epoch=1)
    listed = list(made_of(first + second).listing("av", [window(0, 3), window(9, None)]))
    assert numbers(listed) == [0, 1, 4, 5, 6, 7, 8]
    assert breaks(listed) == [4, 6]


@pytest.mark.semantics("P4")
def test_no_discontinuity_stands_before_the_first_segment_even_if_it_begins_an_epoch() -> None:
    first = chain([2 * SECOND] * 2)
    second = chain([2 * SECOND] * 2, start=at(20), first=2, run=SECOND_RUN, epoch=1)
    assert breaks(list(made_of(first + second).listing("av", [window(20, None)]))) == []


@pytest.mark.semantics("P4")
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_discontinuities_and_the_dates_at_them_are_the_same_in_every_rendition(data: st.DataObject) -> None:
    epochs = data.draw(st.lists(st.integers(1, 6), min_size=1, max_size=4))  # minutes... of 12 s, for both cuts
    reference: list[Segment] = []
    other: list[Segment] = []
    start = T0
    for epoch, units in enumerate(epochs):
        reference += chain([2 * SECOND] * 6 * units, start=start, first=len(reference), run=f"r{epoch}", epoch=epoch)
        other += chain([3 * SECOND] * 4 * units, start=start, first=len(other), run=f"r{epoch}", epoch=epoch)
        start = reference[-1].end + 5 * SECOND
    timeline = made_of(reference, other)
    dates = [
        [item.segment.start for item in timeline.listing(mux, [window(0, None)]) if item.discontinuity]
        for mux in ("av", "low")
    ]
    assert dates[0] == dates[1]
    assert len(dates[0]) == len(epochs) - 1


@pytest.mark.semantics("W4")
def test_a_start_before_the_oldest_kept_segment_begins_with_that_segment() -> None:
    kept = chain([2 * SECOND] * 5, start=at(100), first=50)
    timeline = made_of(kept)
    listed = list(timeline.listing("av", [window(0, 105)]))
    assert numbers(listed) == [50, 51, 52]
    assert breaks(listed) == []
    assert timeline.first("av") == kept[0]


def test_neighbours_are_found_when_the_oldest_segments_are_gone() -> None:
    kept = chain([2 * SECOND] * 3, start=at(100), first=50)
    timeline = made_of(kept)
    assert timeline.before("av", kept[0]) is None
    assert timeline.before("av", kept[2]) == kept[1]
    assert timeline.following("av", None) == kept[0]
    assert timeline.following("av", kept[1]) == kept[2]
    assert timeline.following("av", kept[2]) is None
    assert timeline.last("av") == kept[2]


def test_an_empty_timeline_knows_nothing() -> None:
    timeline = Timeline(["av", "low"])
    assert (timeline.first("av"), timeline.last("av"), timeline.following("av", None)) == (None, None, None)
    assert timeline.edges(window(0, None)) is None
    assert list(timeline.listing("low", [window(0, None)])) == []
    assert list(timeline.renditions()) == ["av", "low"]


@pytest.mark.semantics("C3")
@pytest.mark.parametrize(
    "bad",
    [segment(2, start=at(4)), segment(0, start=at(4)), segment(1, start=at(-0.000001))],
    ids=["a number is missing", "a number comes again", "the date goes back"],
)
def test_what_does_not_follow_is_not_appended(bad: Segment) -> None:
    timeline = made_of([segment(0)])
    with pytest.raises(ValueError, match="does not follow"):
        timeline.append("av", bad)
    assert timeline.last("av") == segment(0)


@st.composite
def gone(draw: st.DrawFn, segments: Sequence[Segment]) -> set[int]:
    """Numbers that retention has let go: any, but never the newest."""
    return draw(st.sets(st.integers(0, len(segments) - 1))) - {segments[-1].number}


def joins(reference: list[Segment], windows: Sequence[Window]) -> list[int]:
    """Where the reference goes on behind a hole between two windows (W6)."""
    found: list[int] = []
    last: int | None = None
    for asked in windows:
        met = [position for position, segment in enumerate(reference) if asked.meets(segment)]
        if met and last is not None and met[0] > last + 1:
            found.append(reference[met[0]].start)
        last = met[-1] if met else last
    return found


def _between(before: Listed, join: int, item: Listed) -> bool:
    first, second = before.segment, item.segment
    return first.start + first.end < 2 * join <= second.start + second.end


@pytest.mark.semantics("R1", "W5", "W6", "P4")
@settings(max_examples=200, deadline=None)
@given(cuts(), st.data())
def test_a_listing_over_a_timeline_with_holes_is_what_the_definition_says(cut: Cut, data: st.DataObject) -> None:
    timeline = made_of(cut.reference, cut.other)
    kept: list[list[Segment]] = []
    for mux, segments in (("av", cut.reference), ("low", cut.other)):
        for part in (data.draw(gone(segments)), data.draw(gone(segments))):  # twice: what has gone may be told again
            timeline.forget(mux, part)
            segments = [one for one in segments if one.number not in part]
        assert list(timeline.segments(mux)) == segments
        kept.append(segments)
    for mux, segments in zip(("av", "low"), kept, strict=True):
        listed = list(timeline.listing(mux, cut.windows))
        whole = defined(kept[0], segments, cut.windows)
        assert [item.segment for item in listed] == [item.segment for item in whole]
        pairs = zip([None, *listed], listed, strict=False)
        for before, item in pairs:
            follows = before is None or (
                before.segment.number + 1 == item.segment.number
                and before.segment.epoch == item.segment.epoch
                and (mux == "av" or not any(_between(before, join, item) for join in joins(kept[0], cut.windows)))
            )
            assert item.discontinuity is not follows
        if listed:
            after = data.draw(st.sampled_from(listed))
            assert list(timeline.listing(mux, cut.windows, after.segment)) == listed[listed.index(after) + 1 :]


@pytest.mark.semantics("R1", "P8")
@settings(max_examples=100, deadline=None)
@given(renditions(), st.data())
def test_neighbours_are_found_around_holes(made: tuple[list[Segment], list[Segment]], data: st.DataObject) -> None:
    segments = made[0]
    missing = data.draw(gone(segments))
    timeline = made_of(segments)
    timeline.forget("av", missing)
    kept = [one for one in segments if one.number not in missing]
    for position, one in enumerate(segments):
        before = segments[position - 1] if position else None
        assert timeline.before("av", one) == (before if before in kept else None)
        assert timeline.following("av", one) == next((k for k in kept if k.number > one.number), None)
    assert timeline.following("av", None) == timeline.first("av") == kept[0]
    assert timeline.last("av") == segments[-1]
    follower = replace(segments[-1], number=len(segments), start=segments[-1].end)
    timeline.append("av", follower)
    assert timeline.before("av", follower) == segments[-1]


@pytest.mark.semantics("R1")
def test_what_the_catalog_kept_is_restored_with_its_holes() -> None:
    kept = [one for one in chain([2 * SECOND] * 10) if one.number in (2, 3, 7, 8)]
    timeline = Timeline(["av"])
    timeline.restore("av", kept)
    timeline.append("av", segment(9))
    listed = list(timeline.listing("av", [window(0, None)]))
    assert numbers(listed) == [2, 3, 7, 8, 9] and breaks(listed) == [7]
    timeline.forget("av", set())
    assert list(timeline.segments("av")) == [*kept, segment(9)]
