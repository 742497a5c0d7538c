from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import T0, at, chain, window
from livedvr.resources.times import HOUR, SECOND
from livedvr.timeline.retention import Offer, expiry, may_go, reclaim
from livedvr.timeline.segment import Segment, Window
from livedvr.timeline.timeline import Timeline

TENTH = SECOND // 10


def made_of(segments: Sequence[Segment], others: Sequence[Segment] = ()) -> Timeline:
    timeline = Timeline(["av", "low"] if others else ["av"])
    timeline.restore("av", segments)
    if others:
        timeline.restore("low", others)
    return timeline


def numbers(segments: Sequence[Segment]) -> list[int]:
    return [one.number for one in segments]


windows = st.builds(
    lambda start, length: Window(T0 + start * TENTH, None if length is None else T0 + (start + length) * TENTH),
    st.integers(-50, 400),
    st.none() | st.integers(1, 200),
)
holds = st.lists(windows, max_size=4)
lengths = st.lists(st.integers(1, 40), min_size=1, max_size=20)


@st.composite
def timelines(draw: st.DrawFn) -> Timeline:
    """Two renditions cut differently over the same time, each with holes that retention has made before."""
    made = []
    for _ in range(2):
        segments = chain([n * TENTH for n in draw(lengths)])
        segments = [replace(one, size=draw(st.integers(1, 9))) for one in segments]
        missing = draw(st.sets(st.integers(0, len(segments) - 2))) if len(segments) > 1 else set()
        made.append([one for one in segments if one.number not in missing])
    return made_of(*made)


def listed(timeline: Timeline, mux: str, held: Sequence[Window]) -> set[int]:
    return {item.segment.number for one in held for item in timeline.listing(mux, [one])}


@pytest.mark.semantics("R1", "R2")
@settings(max_examples=300, deadline=None)
@given(timelines(), st.integers(-10, 500), holds)
def test_what_goes_is_old_enough_and_nobody_s(timeline: Timeline, tenths: int, held: list[Window]) -> None:
    until = T0 + tenths * TENTH
    for mux in timeline.renditions():
        going = may_go(timeline, mux, until, held)
        assert numbers(going) == sorted(numbers(going))
        assert all(one.end <= until for one in going)
        assert not listed(timeline, mux, held) & set(numbers(going))
        assert not any(one.meets(segment) for one in held for segment in going)
        assert timeline.last(mux) not in going


@pytest.mark.semantics("R1")
@settings(max_examples=200, deadline=None)
@given(timelines(), st.integers(-10, 500), holds)
def test_what_is_old_enough_and_nobody_s_goes(timeline: Timeline, tenths: int, held: list[Window]) -> None:
    until = T0 + tenths * TENTH
    for mux in timeline.renditions():
        segments = list(timeline.segments(mux))
        reasons = listed(timeline, mux, held) | {segments[-1].number}
        reasons |= {one.number for one in segments if any(asked.meets(one) for asked in held)}
        # The one before what is held says why there is a hole; where nothing is held, before the window's place.
        before = {segments[i].number for i in range(len(segments) - 1) if segments[i + 1].number in reasons}
        going = set(numbers(may_go(timeline, mux, until, held)))
        must = {one.number for one in segments if one.end <= until} - reasons - before
        spared = must - going
        assert len(spared) <= 2 * len(held), "at most the one before each window's place, by either measure"
        if not held:
            assert going == must | (before & {one.number for one in segments if one.end <= until})


@pytest.mark.semantics("R1", "R2")
@settings(max_examples=100, deadline=None)
@given(timelines(), st.integers(-10, 500), holds)
def test_when_what_may_go_has_gone_every_listing_is_what_it_was(
    timeline: Timeline, tenths: int, held: list[Window]
) -> None:
    before = {mux: [list(timeline.listing(mux, [one])) for one in held] for mux in timeline.renditions()}
    going = {mux: may_go(timeline, mux, T0 + tenths * TENTH, held) for mux in timeline.renditions()}
    for mux, segments in going.items():
        timeline.forget(mux, {one.number for one in segments})
    assert {mux: [list(timeline.listing(mux, [one])) for one in held] for mux in timeline.renditions()} == before
    for mux in timeline.renditions():
        assert may_go(timeline, mux, T0 + tenths * TENTH, held) == [], "nothing is left for a second look"


@pytest.mark.semantics("R1")
def test_a_segment_goes_at_the_instant_its_end_is_a_retention_window_ago() -> None:
    timeline = made_of(chain([2 * SECOND] * 5))
    assert numbers(may_go(timeline, "av", at(4) - 1, [])) == [0]
    assert numbers(may_go(timeline, "av", at(4), [])) == [0, 1]
    assert numbers(may_go(timeline, "av", at(100), [])) == [0, 1, 2, 3], "the newest carries the count"
    assert may_go(Timeline(["av"]), "av", at(100), [window(0, None)]) == []


@pytest.mark.semantics("R2", "P8")
def test_what_a_window_meets_stays_and_the_one_before_it() -> None:
    timeline = made_of(chain([2 * SECOND] * 10))
    assert numbers(may_go(timeline, "av", at(100), [window(6.5, 10)])) == [0, 1, 5, 6, 7, 8]
    assert numbers(may_go(timeline, "av", at(100), [window(6.5, None)])) == [0, 1]
    assert numbers(may_go(timeline, "av", at(100), [window(2, 4), window(12, 14)])) == [2, 3, 4, 7, 8]


@pytest.mark.semantics("R2", "W5")
def test_another_rendition_keeps_what_its_midpoints_bring_into_the_listing() -> None:
    # The window 5 to 6 becomes [0, 10) by the reference: of the other, all five segments are listed.
    timeline = made_of(chain([10 * SECOND] * 3), chain([2 * SECOND] * 15))
    assert numbers(may_go(timeline, "low", at(100), [window(5, 6)])) == list(range(5, 14))
    # The reference has not come yet: what meets the window may still be listed.
    timeline = made_of(chain([2 * SECOND] * 2), chain([2 * SECOND] * 15))
    assert numbers(may_go(timeline, "low", at(100), [window(10, 14)])) == [0, 1, 2, 3, 7, 8, 9, 10, 11, 12, 13]


@pytest.mark.semantics("R3")
def test_a_session_goes_with_its_first_segment_or_a_retention_window_after_its_end() -> None:
    assert expiry(at(2), at(60), HOUR) == at(2) + HOUR
    assert expiry(at(2), at(2) + HOUR, HOUR) == at(2) + 2 * HOUR, "it was still running when its first one expired"
    assert expiry(at(2), at(3 * 3600), HOUR) == at(4 * 3600)
    assert expiry(None, at(60), HOUR) == at(60) + HOUR


@dataclass(frozen=True)
class Need:
    """A disk that needs bytes, and who holds what."""

    timeline: Timeline
    deficit: int
    staying: list[Window]
    ending: list[Window]
    offers: list[Offer]

    def reclaim(self):
        return reclaim(self.timeline, self.deficit, staying=self.staying, ending=self.ending, offers=self.offers)

    def bytes_without(self, *held: Sequence[Window]) -> int:
        """The definition: the sizes of what nobody holds."""
        return sum(
            one.size
            for mux in self.timeline.renditions()
            for one in may_go(self.timeline, mux, T0 + HOUR, [window for part in held for window in part])
        )


@st.composite
def needs(draw: st.DrawFn) -> Need:
    offers = [
        Offer(f"s{i}", tuple(draw(st.lists(windows, min_size=1, max_size=2)))) for i in range(draw(st.integers(0, 4)))
    ]
    return Need(draw(timelines()), draw(st.integers(1, 200)), draw(holds), draw(holds), offers)


@pytest.mark.semantics("R5")
@settings(max_examples=300, deadline=None)
@given(needs())
def test_reclaiming_takes_what_is_wanted_in_order_and_never_what_stays(need: Need) -> None:
    found = need.reclaim()
    chosen = [name for name, _ in found.sessions]
    taken = [one for segments in found.segments.values() for one in segments]
    everybody = [offer.windows for offer in need.offers]
    left = [offer.windows for offer in need.offers if offer.session not in chosen]
    # Segments that go at once are nobody's.
    for mux, segments in found.segments.items():
        free = may_go(
            need.timeline, mux, T0 + HOUR, [w for part in (need.staying, need.ending, *everybody) for w in part]
        )
        assert segments == free[: len(segments)], "the oldest first"
    # What comes together is what the arithmetic says.
    going = need.bytes_without(need.staying, *everybody) - need.bytes_without(need.staying, need.ending, *everybody)
    reached = going + sum(one.size for one in taken) + sum(size for _, size in found.sessions)
    assert found.missing == max(0, need.deficit - reached)
    # Sessions only when every other byte goes, in the order given, none for nothing, and not one too many.
    if chosen:
        assert sum(one.size for one in taken) == need.bytes_without(need.staying, need.ending, *everybody)
        assert reached == need.bytes_without(need.staying, *left)
        *_, (_, last) = found.sessions
        assert reached - last < need.deficit
    for offer in need.offers:
        alone = need.bytes_without(need.staying) - need.bytes_without(need.staying, offer.windows)
        if offer.session in chosen:
            assert alone > 0
        elif found.missing:
            assert alone == 0, "while bytes are missing only what brings nothing is left alone"
    assert chosen == [offer.session for offer in need.offers if offer.session in chosen]


@pytest.mark.semantics("R5")
def test_segments_that_nobody_lists_go_before_any_session() -> None:
    timeline = made_of(chain([2 * SECOND] * 10))  # 500,000 bytes each
    old, new = Offer("old", (window(4, 8),)), Offer("new", (window(12, 14),))
    found = reclaim(timeline, 700_000, staying=[], ending=[], offers=[old, new])
    assert numbers(found.segments["av"]) == [0, 4] and found.sessions == [] and found.missing == 0
    found = reclaim(timeline, 2_500_001, staying=[], ending=[], offers=[old, new])
    assert numbers(found.segments["av"]) == [0, 4, 7, 8]
    assert found.sessions == [("old", 1_500_000)], "two segments, and the one before them"


@pytest.mark.semantics("R5")
def test_bytes_that_only_wait_for_their_grace_count() -> None:
    timeline = made_of(chain([2 * SECOND] * 10))
    found = reclaim(
        timeline, 1_000_000, staying=[window(9, None)], ending=[window(2, 6)], offers=[Offer("s", (window(6, 8),))]
    )
    assert (found.segments, found.sessions, found.missing) == ({}, [], 0)


@pytest.mark.semantics("R5")
def test_a_session_whose_segments_another_holds_is_not_taken_for_nothing() -> None:
    timeline = made_of(chain([2 * SECOND] * 10))
    offers = [Offer("shared", (window(4, 8),)), Offer("own", (window(0, 3),))]
    found = reclaim(timeline, 500_000, staying=[window(4, None)], ending=[], offers=offers)
    assert found.sessions == [("own", 500_000)]
    # Two that share with each other only: it takes both.
    offers = [Offer("one", (window(0, 8),)), Offer("two", (window(0, 8),))]
    found = reclaim(timeline, 500_000, staying=[window(9, None)], ending=[], offers=offers)
    assert found.sessions == [("one", 0), ("two", 1_500_000)]
