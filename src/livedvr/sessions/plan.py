"""``plan``: what a session's state should be now. Pure, and the only place where a state changes (SEMANTICS S).

Everything else carries out what it returns; a crash between two steps is repaired by calling it again (S16).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from livedvr.sessions.states import Event, State, advance
from livedvr.timeline.segment import Window
from livedvr.timeline.timeline import Timeline


@dataclass(frozen=True, slots=True)
class Facts:
    """What is so, outside the timeline.

    ``frontier``: no segment that is still to come starts before this UTC instant (microseconds); None while that
    cannot be told (a run whose clock has not settled).
    ``channel_stopping``: the channel is being stopped or is stopped. ``drained``: no run is open, all journals are
    read, nothing waits to be stored. ``left_read``: the runs that an earlier controller left have ended and are read
    to their end. ``sealed``: the sealed playlists of the present edition are stored.
    ``cooled``: that was 60 s ago. ``storage_error``: storage refused for good, in its own words (S14).
    """

    frontier: int | None
    channel_stopping: bool = False
    drained: bool = False
    left_read: bool = False
    sealed: bool = False
    cooled: bool = False
    storage_error: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What should be true now. ``seal``: every playlist gets its ENDLIST; ``error``: why the state is FAILED.

    ``new_edition``: the windows are to be drawn anew, and planned again from there (S7).
    """

    state: State
    seal: bool = False
    new_edition: bool = False
    error: str | None = None


NO_MEDIA = "NOT_FOUND: no media in the window"


def plan(state: State, windows: Sequence[Window], timeline: Timeline, facts: Facts) -> Plan:
    """What should be true of a session in ``state`` now."""
    while (event := _event(state, windows, timeline, facts)) is not None:
        state = advance(state, event)
        if state is State.FAILED:
            return Plan(state, error=facts.storage_error or NO_MEDIA)
        if event is Event.COOLED:
            return Plan(state, new_edition=True)
    return Plan(state, seal=state is State.POST_PROCESSING or (state is State.STOPPING and facts.drained))


def _event(state: State, windows: Sequence[Window], timeline: Timeline, facts: Facts) -> Event | None:
    """The event that has happened to a session in this state, if any; the first that holds."""
    if state in (State.LIVE, State.POST_PROCESSING, State.STOPPING) and facts.storage_error:
        return Event.STORAGE_REFUSED
    if state in (State.POST_PROCESSING, State.STOPPING):
        return Event.SEALED if facts.sealed else None
    if state is State.COOLDOWN:
        # A seal that storage refuses for good is nothing to wait for; the new edition will say so (S13, S14).
        never_sealed = facts.storage_error is not None and not facts.sealed
        return Event.COOLED if facts.cooled or never_sealed else None
    if state not in (State.PENDING, State.UPDATING, State.SCHEDULED, State.LIVE):
        return None
    if is_over(windows, facts.frontier):
        return Event.OVER if timeline.has_media(windows) else Event.EMPTY
    if state is State.LIVE:
        return Event.CHANNEL_STOPPED if facts.channel_stopping else None
    if timeline.has_media(windows):
        return Event.MEDIA
    return None if state is State.SCHEDULED else Event.TAKEN_UP


def is_over(windows: Sequence[Window], frontier: int | None) -> bool:
    """S5: nothing that could still meet a window will come. An open window ends by channel stop or delete only."""
    end = windows[-1].end
    return end is not None and frontier is not None and frontier >= end
