"""The states of a DVR session and the table of what leads from one to another (SEMANTICS S). Pure.

The ten names are those of the Live Stream API.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from livedvr.resources.errors import FailedPrecondition


class State(StrEnum):
    """What a session is doing."""

    PENDING = "PENDING"
    UPDATING = "UPDATING"
    SCHEDULED = "SCHEDULED"
    LIVE = "LIVE"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    DELETING = "DELETING"
    POST_PROCESSING = "POST_PROCESSING"
    COOLDOWN = "COOLDOWN"
    STOPPING = "STOPPING"


class Event(StrEnum):
    """What happens to a session."""

    TAKEN_UP = "taken up, no segment of any window yet"
    MEDIA = "a segment of a window is stored"
    OVER = "every window is over on the timeline, with media"
    EMPTY = "every window is over on the timeline, without media"
    CHANNEL_STOPPED = "the channel is being stopped"
    SEALED = "the sealed playlists are stored"
    STORAGE_REFUSED = "storage refuses for good"
    DELETE = "delete"
    PATCHED = "patch"
    AMENDED = "patch that leaves every published line as it is"
    CUT = "patch that ends it now or in the past"
    COOLED = "60 s have passed since its end could be seen"


_WAITING: Mapping[Event, State] = {
    Event.MEDIA: State.LIVE,  # S3
    Event.OVER: State.POST_PROCESSING,  # S5
    Event.EMPTY: State.FAILED,  # S5: NOT_FOUND, no media in the window
    Event.DELETE: State.DELETING,  # S15
}

_SEALING: Mapping[Event, State] = {
    Event.SEALED: State.FINISHED,  # S5, S11
    Event.STORAGE_REFUSED: State.FAILED,  # S14
    Event.DELETE: State.DELETING,
}

TRANSITIONS: Mapping[State, Mapping[Event, State]] = {
    State.PENDING: {Event.TAKEN_UP: State.SCHEDULED, Event.PATCHED: State.UPDATING, **_WAITING},  # S2, S6
    # S12: that the channel is stopped has no entry here, the session stays
    State.SCHEDULED: {Event.PATCHED: State.UPDATING, **_WAITING},
    State.LIVE: {
        Event.OVER: State.POST_PROCESSING,  # S5
        Event.CHANNEL_STOPPED: State.STOPPING,  # S11
        Event.AMENDED: State.LIVE,  # S8
        Event.CUT: State.COOLDOWN,  # S7; any other patch is refused (S9)
        Event.STORAGE_REFUSED: State.FAILED,  # S14
        Event.DELETE: State.DELETING,
    },
    State.COOLDOWN: {Event.COOLED: State.UPDATING, Event.DELETE: State.DELETING},  # S7, S13
    State.UPDATING: {Event.TAKEN_UP: State.SCHEDULED, **_WAITING},  # S6, S10: what the new windows ask for
    State.STOPPING: _SEALING,
    State.POST_PROCESSING: _SEALING,
    State.FINISHED: {Event.PATCHED: State.UPDATING, Event.DELETE: State.DELETING},  # S10
    State.FAILED: {Event.DELETE: State.DELETING},
    State.DELETING: {Event.DELETE: State.DELETING},  # asked again, it is waited for
}

TERMINAL = frozenset({State.FINISHED, State.FAILED, State.DELETING})


def advance(state: State, event: Event) -> State:
    """The state that ``event`` leads to, or FAILED_PRECONDITION naming the state and what would be allowed."""
    allowed = TRANSITIONS.get(state, {})
    if event not in allowed:
        names = ", ".join(f"'{e}'" for e in allowed) or "nothing"
        raise FailedPrecondition(f"'{event}' is not possible in state {state}", field="state", hint=f"allowed: {names}")
    return allowed[event]
