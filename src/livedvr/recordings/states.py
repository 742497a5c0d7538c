"""The states of a recording and the table of what leads from one to another. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from livedvr.resources.errors import FailedPrecondition


class State(StrEnum):
    """What a recording is doing."""

    QUEUED = "QUEUED"
    PROMPTING = "PROMPTING"
    IDLE = "IDLE"
    RECORDING = "RECORDING"
    PAUSED = "PAUSED"
    FINALIZING = "FINALIZING"
    SUCCEEDED = "SUCCEEDED"
    EMPTY = "EMPTY"
    FAILED = "FAILED"
    CANCELED = "CANCELED"


class Event(StrEnum):
    """What happens to a recording."""

    CALLED = "its turn has come"
    PLAYED = "its prompts have been played"
    MEDIA = "its first media has come"
    PAUSE = "pause"
    RESUME = "resume"
    END = "stop"
    RENDERED = "its files are there"
    SILENT = "there is nothing in it to be heard or seen"
    REFUSED = "it cannot be recorded or made"
    CANCEL = "cancel"


class Notice(StrEnum):
    """What is told of a recording though it changes nothing in it."""

    ABSENT = "no media comes"


_ENDS: Mapping[Event, State] = {
    Event.END: State.FINALIZING,
    Event.REFUSED: State.FAILED,
    Event.CANCEL: State.CANCELED,
}
_RUNNING: Mapping[Event, State] = {Event.PAUSE: State.PAUSED, **_ENDS}
TRANSITIONS: Mapping[State, Mapping[Event, State]] = {
    State.QUEUED: {Event.CALLED: State.PROMPTING, **_ENDS},
    # What is nothing but prompts ends with them.
    State.PROMPTING: {Event.PLAYED: State.IDLE, Event.RENDERED: State.SUCCEEDED, **_ENDS},
    State.IDLE: {Event.MEDIA: State.RECORDING, **_RUNNING},
    State.RECORDING: {Event.MEDIA: State.RECORDING, **_RUNNING},  # it was paused before there was any
    State.PAUSED: {Event.MEDIA: State.PAUSED, Event.RESUME: State.RECORDING, **_ENDS},  # of before the pause, and late
    # Its last media may still be on its way, then its files are made.
    State.FINALIZING: {
        Event.RENDERED: State.SUCCEEDED,
        Event.SILENT: State.EMPTY,
        Event.REFUSED: State.FAILED,
        Event.CANCEL: State.CANCELED,
    },
    State.SUCCEEDED: {},
    State.EMPTY: {},
    State.FAILED: {},
    State.CANCELED: {},
}

_ASKED = frozenset({Event.PAUSE, Event.RESUME, Event.END, Event.CANCEL})
WAITING = frozenset({State.QUEUED, State.PROMPTING})
RUNNING = frozenset({State.IDLE, State.RECORDING, State.PAUSED})
ENDED = frozenset({State.SUCCEEDED, State.EMPTY, State.FAILED, State.CANCELED})


def advance(state: State, event: Event) -> State:
    """The state that ``event`` leads to, or FAILED_PRECONDITION naming the state and what would be allowed."""
    if event not in TRANSITIONS[state]:
        names = ", ".join(f"'{one}'" for one in TRANSITIONS[state] if one in _ASKED) or "'delete' alone"
        raise FailedPrecondition(f"'{event}' is not possible in state {state}", field="state", hint=f"allowed: {names}")
    return TRANSITIONS[state][event]
