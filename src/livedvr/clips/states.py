"""The states of a clip and the table of what leads from one to another. Pure. The names are those of the API.

`what_happened` says what has happened to a clip; everything else carries out what follows from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from livedvr.resources.errors import FailedPrecondition
from livedvr.timeline.segment import Window
from livedvr.timeline.timeline import Timeline


class State(StrEnum):
    """What a clip is doing."""

    PENDING = "PENDING"
    CREATING = "CREATING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


class Event(StrEnum):
    """What happens to a clip."""

    COMPLETE = "all media of its slices is on the timeline"
    EMPTY = "all of it would be, and there is none"
    MADE = "everything is written"
    REFUSED = "it cannot be made"


TRANSITIONS: Mapping[State, Mapping[Event, State]] = {
    # Its media may still be on its way: a slice may end this very moment.
    State.PENDING: {Event.COMPLETE: State.CREATING, Event.EMPTY: State.FAILED, Event.REFUSED: State.FAILED},
    State.CREATING: {Event.MADE: State.SUCCEEDED, Event.REFUSED: State.FAILED},
    State.SUCCEEDED: {},
    State.FAILED: {},
}

ENDED = frozenset({State.SUCCEEDED, State.FAILED})


def advance(state: State, event: Event) -> State:
    """The state that ``event`` leads to, or FAILED_PRECONDITION naming the state and what would be allowed."""
    if event not in TRANSITIONS[state]:
        names = ", ".join(f"'{one}'" for one in TRANSITIONS[state]) or "nothing"
        raise FailedPrecondition(f"'{event}' is not possible in state {state}", field="state", hint=f"allowed: {names}")
    return TRANSITIONS[state][event]


def what_happened(slices: Sequence[Window], timeline: Timeline, frontier: int | None) -> Event | None:
    """What has happened to a PENDING clip, if anything.

    ``frontier``: no segment that is still to come starts before this instant (UTC microseconds); None: unknown.
    """
    end = slices[-1].end
    if end is None or frontier is None or frontier < end:
        return None
    return Event.COMPLETE if timeline.has_media(slices) else Event.EMPTY
