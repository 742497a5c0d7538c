"""The states of a recording: every cell of the table."""

from __future__ import annotations

import pytest

from livedvr.recordings.states import ENDED, TRANSITIONS, Event, State, advance
from livedvr.resources.errors import FailedPrecondition

# MEDIA, PAUSE, RESUME, END, RENDERED, SILENT, REFUSED, CANCEL
TABLE = {
    "IDLE": ("RECORDING", "PAUSED", None, "FINALIZING", None, None, "FAILED", "CANCELED"),
    "RECORDING": (None, "PAUSED", None, "FINALIZING", None, None, "FAILED", "CANCELED"),
    "PAUSED": (None, None, "RECORDING", "FINALIZING", None, None, "FAILED", "CANCELED"),
    "FINALIZING": (None, None, None, None, "SUCCEEDED", "EMPTY", "FAILED", "CANCELED"),
    "SUCCEEDED": (None,) * 8,
    "EMPTY": (None,) * 8,
    "FAILED": (None,) * 8,
    "CANCELED": (None,) * 8,
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


def test_what_has_ended_is_what_nothing_leads_from() -> None:
    assert {state for state in State if not TRANSITIONS[state]} == ENDED
