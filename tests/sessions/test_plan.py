from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from builders import at, chain, window
from livedvr.resources.times import SECOND
from livedvr.sessions.plan import NO_MEDIA, Facts, Plan, is_over, plan
from livedvr.sessions.states import State
from livedvr.timeline.segment import Window
from livedvr.timeline.timeline import Timeline

OPEN = [State.PENDING, State.SCHEDULED, State.LIVE]


def timeline(count: int, *, start: float = 0) -> Timeline:
    """2 s segments without a break from ``start`` on."""
    made = Timeline(["av"])
    for one in chain([2 * SECOND] * count, start=at(start)):
        made.append("av", one)
    return made


class Story:
    """A session through time, with the channel running: each step is what plan() says then."""

    def __init__(self, windows: Sequence[Window], state: State = State.PENDING) -> None:
        self.windows, self.state = windows, state

    def at_media(self, seconds: float, *, start: float = 0, **facts: object) -> Plan:
        """Media has come up to there (2 s segments from ``start`` on), and nothing earlier is to come."""
        known = timeline(int(seconds - start) // 2, start=start)
        last = known.last("av")
        frontier = last.end if last else at(seconds)
        planned = plan(self.state, self.windows, known, replace(Facts(frontier), **facts))  # type: ignore[arg-type]
        self.state = planned.state
        return planned


@pytest.mark.semantics("S2", "S3", "S5", "W1")
def test_a_future_window_is_scheduled_then_live_then_sealed_then_finished() -> None:
    story = Story([window(10, 20)])
    assert story.at_media(0) == Plan(State.SCHEDULED)
    assert story.at_media(10) == Plan(State.SCHEDULED)
    assert story.at_media(12) == Plan(State.LIVE)
    assert story.at_media(18) == Plan(State.LIVE)
    assert story.at_media(20) == Plan(State.POST_PROCESSING, seal=True)
    assert story.at_media(22, sealed=True) == Plan(State.FINISHED)
    assert story.at_media(30) == Plan(State.FINISHED)


@pytest.mark.semantics("S3", "W1")
def test_a_running_window_is_live_at_once() -> None:
    assert Story([window(4, 100)]).at_media(10) == Plan(State.LIVE)


@pytest.mark.semantics("S5", "W1")
def test_a_past_window_is_sealed_at_once() -> None:
    story = Story([window(2, 6)])
    assert story.at_media(100) == Plan(State.POST_PROCESSING, seal=True)
    assert story.at_media(100, sealed=True) == Plan(State.FINISHED)


@pytest.mark.semantics("W4", "S5")
@pytest.mark.parametrize("state", [State.PENDING, State.SCHEDULED])
def test_a_window_that_is_over_without_media_fails_and_says_why(state: State) -> None:
    story = Story([window(2, 6)], state)
    assert story.at_media(100, start=50) == Plan(State.FAILED, error=NO_MEDIA)
    assert "NOT_FOUND" in NO_MEDIA


@pytest.mark.semantics("S5")
def test_a_session_that_nothing_ever_comes_for_waits_until_nothing_can_come() -> None:
    empty, windows = Timeline(["av"]), [window(10, 20)]
    assert plan(State.PENDING, windows, empty, Facts(None)) == Plan(State.SCHEDULED)
    assert plan(State.SCHEDULED, windows, empty, Facts(at(19.999999))) == Plan(State.SCHEDULED)
    assert plan(State.SCHEDULED, windows, empty, Facts(at(20))) == Plan(State.FAILED, error=NO_MEDIA)


@pytest.mark.semantics("S4", "S5")
def test_between_two_windows_it_stays_live() -> None:
    story = Story([window(2, 6), window(20, 24)])
    states = [story.at_media(seconds).state for seconds in (2, 4, 8, 12, 20, 22)]
    assert states == [State.SCHEDULED, *[State.LIVE] * 5]
    assert story.at_media(24).seal


@pytest.mark.semantics("S5")
def test_it_is_the_last_window_that_ends_a_session() -> None:
    story = Story([window(2, 6), window(20, 24)])
    story.at_media(8)
    # Nothing has come for the second window, and nothing can come any more: what there is of the first is sealed.
    known = timeline(4)
    assert plan(State.LIVE, story.windows, known, Facts(at(24))) == Plan(State.POST_PROCESSING, seal=True)


@pytest.mark.semantics("S5", "W3")
def test_an_open_window_is_never_over_by_time() -> None:
    story = Story([window(2, None)])
    assert story.at_media(4) == Plan(State.LIVE)
    assert story.at_media(40_000) == Plan(State.LIVE)
    assert not is_over([window(2, None)], at(10**6))


@pytest.mark.semantics("S5")
@pytest.mark.parametrize(("frontier", "over"), [(None, False), (at(19.999999), False), (at(20), True), (at(25), True)])
def test_a_window_is_over_when_nothing_before_its_end_can_still_come(frontier: int | None, over: bool) -> None:
    assert is_over([window(0, 5), window(10, 20)], frontier) is over


@pytest.mark.semantics("S5")
@pytest.mark.parametrize("state", OPEN)
def test_while_the_clock_has_not_settled_nothing_is_over(state: State) -> None:
    known = timeline(5)
    assert plan(state, [window(0, 4)], known, Facts(None)) == Plan(State.LIVE)


@pytest.mark.semantics("S11")
def test_a_stopped_channel_stops_a_live_session_once_its_journal_is_read() -> None:
    story = Story([window(2, 100)])
    story.at_media(10)
    assert story.at_media(12, channel_stopping=True) == Plan(State.STOPPING)
    assert story.at_media(14, channel_stopping=True) == Plan(State.STOPPING)
    assert story.at_media(16, channel_stopping=True, drained=True) == Plan(State.STOPPING, seal=True)
    assert story.at_media(16, channel_stopping=True, drained=True, sealed=True) == Plan(State.FINISHED)


@pytest.mark.semantics("S11")
def test_a_stop_drops_later_windows() -> None:
    story = Story([window(2, 6), window(50, 60)])
    story.at_media(8)
    assert story.at_media(8, channel_stopping=True, drained=True) == Plan(State.STOPPING, seal=True)


@pytest.mark.semantics("S11", "S5")
def test_a_stop_after_the_windows_are_over_is_an_ordinary_end() -> None:
    story = Story([window(2, 6)], State.LIVE)
    assert story.at_media(8, channel_stopping=True) == Plan(State.POST_PROCESSING, seal=True)


@pytest.mark.semantics("S12")
@pytest.mark.parametrize("state", [State.PENDING, State.SCHEDULED])
def test_a_stopped_channel_leaves_a_scheduled_session_scheduled(state: State) -> None:
    story = Story([window(50, 60)], state)
    assert story.at_media(10, channel_stopping=True) == Plan(State.SCHEDULED)
    assert story.at_media(10, channel_stopping=True, drained=True) == Plan(State.SCHEDULED)


@pytest.mark.semantics("S14")
@pytest.mark.parametrize("state", [State.LIVE, State.POST_PROCESSING, State.STOPPING])
def test_storage_that_refuses_for_good_fails_the_session_with_its_message(state: State) -> None:
    story = Story([window(2, 100)], state)
    assert story.at_media(10, storage_error="no such bucket") == Plan(State.FAILED, error="no such bucket")


@pytest.mark.semantics("S14")
def test_a_storage_error_wins_over_a_seal() -> None:
    story = Story([window(2, 6)], State.POST_PROCESSING)
    assert story.at_media(10, storage_error="gone", sealed=True).state is State.FAILED


@pytest.mark.semantics("S5")
def test_post_processing_lasts_until_the_sealed_playlists_are_stored() -> None:
    story = Story([window(2, 6)], State.POST_PROCESSING)
    for _ in range(3):
        assert story.at_media(10) == Plan(State.POST_PROCESSING, seal=True)
    assert story.at_media(10, sealed=True) == Plan(State.FINISHED)


@pytest.mark.parametrize("state", [State.FINISHED, State.FAILED, State.DELETING])
@pytest.mark.parametrize(
    "facts",
    [Facts(at(100)), Facts(None, channel_stopping=True, drained=True, sealed=True, cooled=True, storage_error="gone")],
)
def test_nothing_that_happens_moves_a_session_that_is_done(state: State, facts: Facts) -> None:
    planned = plan(state, [window(2, 6)], timeline(5), facts)
    assert (planned.state, planned.seal) == (state, False)


WITH_MEDIA, WITHOUT_MEDIA = [window(2, 6)], [window(50, 60)]
REACHABLE = [
    *[(state, WITH_MEDIA) for state in (*OPEN, State.STOPPING, State.POST_PROCESSING)],
    *[(state, [window(8, 30)]) for state in (*OPEN, State.STOPPING)],
    *[(state, [window(4, None)]) for state in (*OPEN, State.STOPPING)],
    (State.PENDING, WITHOUT_MEDIA),
    (State.SCHEDULED, WITHOUT_MEDIA),
]


@pytest.mark.semantics("S16")
@pytest.mark.parametrize(("state", "windows"), REACHABLE)
@pytest.mark.parametrize(
    "facts",
    [
        Facts(None),
        Facts(at(10)),
        Facts(at(10), channel_stopping=True),
        Facts(at(10), channel_stopping=True, drained=True),
        Facts(at(100), channel_stopping=True, drained=True),
        Facts(at(10), sealed=True),
        Facts(at(10), storage_error="gone"),
    ],
)
def test_to_plan_again_after_a_crash_changes_nothing(state: State, windows: list[Window], facts: Facts) -> None:
    first = plan(state, windows, timeline(5), facts)
    again = plan(first.state, windows, timeline(5), facts)
    assert (again.state, again.seal) == (first.state, first.seal)


@pytest.mark.semantics("S7", "S13", "S14")
def test_a_cooldown_ends_early_only_when_its_seal_cannot_be_stored() -> None:
    sealed = Story([window(0, 10)], State.COOLDOWN)
    assert sealed.at_media(10, sealed=True, storage_error="no") == Plan(State.COOLDOWN), "others' trouble"
    assert sealed.at_media(10, storage_error="no") == Plan(State.UPDATING, new_edition=True)
    cooled = Story([window(0, 10)], State.COOLDOWN)
    assert cooled.at_media(10, sealed=True, cooled=True) == Plan(State.UPDATING, new_edition=True)
