from __future__ import annotations

import pytest

from builders import at, segment, window
from livedvr.clips.states import ENDED, TRANSITIONS, Event, State, advance, what_happened
from livedvr.resources.errors import FailedPrecondition
from livedvr.timeline.timeline import Timeline

TABLE = {
    (State.PENDING, Event.COMPLETE): State.CREATING,
    (State.PENDING, Event.EMPTY): State.FAILED,
    (State.PENDING, Event.REFUSED): State.FAILED,
    (State.CREATING, Event.MADE): State.SUCCEEDED,
    (State.CREATING, Event.REFUSED): State.FAILED,
}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", Event)
def test_every_cell(state: State, event: Event) -> None:
    if (state, event) in TABLE:
        assert advance(state, event) is TABLE[state, event]
    else:
        with pytest.raises(FailedPrecondition, match=f"in state {state}"):
            advance(state, event)


def test_what_has_ended_stays_so() -> None:
    assert {state for state in State if not TRANSITIONS[state]} == ENDED


def test_a_clip_waits_for_media_that_is_on_its_way() -> None:
    timeline = Timeline(["av"])
    for number in range(3):
        timeline.append("av", segment(number))
    assert what_happened([window(1, 5)], timeline, None) is None, "a run whose clock has not settled may bring some"
    assert what_happened([window(1, 5)], timeline, at(4.9)) is None
    assert what_happened([window(1, 5)], timeline, at(5)) is Event.COMPLETE
    assert what_happened([window(0, 1), window(7, 8)], timeline, at(8)) is Event.COMPLETE
    assert what_happened([window(7, 8)], timeline, at(8)) is Event.EMPTY
