"""The states of a recording: every cell of the table."""

from __future__ import annotations

import pytest

from livedvr.recordings.states import ENDED, TRANSITIONS, Event, State, advance
from livedvr.resources.errors import FailedPrecondition

# CALLED, PLAYED, MEDIA, PAUSE, RESUME, END, RENDERED, SILENT, REFUSED, CANCEL
TABLE = {
    "QUEUED": ("PROMPTING", None, None, None, None, "FINALIZING", None, None, "FAILED", "CANCELED"),
    "PROMPTING": (None, "IDLE", None, None, None, "FINALIZING", "SUCCEEDED", None, "FAILED", "CANCELED"),
    "IDLE": (None, None, "RECORDING", "PAUSED", None, "FINALIZING", None, None, "FAILED", "CANCELED"),
    "RECORDING": (None, None, "RECORDING", "PAUSED", None, "FINALIZING", None, None, "FAILED", "CANCELED"),
    "PAUSED": (None, None, "PAUSED", None, "RECORDING", "FINALIZING", None, None, "FAILED", "CANCELED"),
    "FINALIZING": (None, None, None, None, None, None, "SUCCEEDED", "EMPTY", "FAILED", "CANCELED"),
    "SUCCEEDED": (None,) * 10,
    "EMPTY": (None,) * 10,
    "FAILED": (None,) * 10,
    "CANCELED": (None,) * 10,
}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", Event)
def test_every_cell(state: State, event: Event) -> None:
    wanted = TABLE[state][list(Event).index(event)]
    if wanted is None:
        with pytest.raises(FailedPrecondition, match=f"not possible in state {state}"):
            advance(state, event)
    else:
        assert advance(state, event) == wanted


@pytest.mark.parametrize(
    ("state", "allowed"),
    [
        (State.IDLE, "'pause', 'stop', 'cancel'"),
        (State.FINALIZING, "'cancel'"),
        (State.SUCCEEDED, "'delete' alone"),
    ],
)
def test_who_is_refused_is_told_what_may_be_asked(state: State, allowed: str) -> None:
    with pytest.raises(FailedPrecondition) as told:
        advance(state, Event.RESUME)
    assert told.value.hint == f"allowed: {allowed}"


def test_what_has_ended_is_what_nothing_leads_from() -> None:
    assert {state for state in State if not TRANSITIONS[state]} == ENDED
