from __future__ import annotations

import pytest

from livedvr.resources.errors import FailedPrecondition
from livedvr.sessions.states import TERMINAL, TRANSITIONS, Event, State, advance

# SEMANTICS S, written out by hand. A dot: refused.
TABLE = """
                 TAKEN_UP   MEDIA  OVER             EMPTY   CHANNEL_STOPPED  SEALED    STORAGE_REFUSED  DELETE    PATCHED   AMENDED  CUT       COOLED
PENDING          SCHEDULED  LIVE   POST_PROCESSING  FAILED  .                .         .                DELETING  UPDATING  .        .         .
UPDATING         SCHEDULED  LIVE   POST_PROCESSING  FAILED  .                .         .                DELETING  .         .        .         .
SCHEDULED        .          LIVE   POST_PROCESSING  FAILED  .                .         .                DELETING  UPDATING  .        .         .
LIVE             .          .      POST_PROCESSING  .       STOPPING         .         FAILED           DELETING  .         LIVE     COOLDOWN  .
COOLDOWN         .          .      .                .       .                .         .                DELETING  .         .        .         UPDATING
STOPPING         .          .      .                .       .                FINISHED  FAILED           DELETING  .         .        .         .
POST_PROCESSING  .          .      .                .       .                FINISHED  FAILED           DELETING  .         .        .         .
FINISHED         .          .      .                .       .                .         .                DELETING  UPDATING  .        .         .
FAILED           .          .      .                .       .                .         .                DELETING  .         .        .         .
DELETING         .          .      .                .       .                .         .                DELETING  .         .        .         .
"""  # noqa: E501
_HEAD, *_LINES = (line.split() for line in TABLE.strip().splitlines())
CELLS = [(State[line[0]], Event[event], cell) for line in _LINES for event, cell in zip(_HEAD, line[1:], strict=True)]
STATES = [State[line[0]] for line in _LINES]


def test_the_table_above_has_every_cell() -> None:
    assert len(CELLS) == len(set(CELLS)) == len(STATES) * len(Event)
    assert {event for _, event, _ in CELLS} == set(Event)
    assert set(STATES) == set(State)


@pytest.mark.semantics("S2", "S3", "S5", "S11", "S6", "S7", "S8", "S10", "S12", "S13", "S14", "S15")
@pytest.mark.parametrize(("state", "event", "cell"), CELLS, ids=[f"{state}-{event.name}" for state, event, _ in CELLS])
def test_a_cell_of_the_table(state: State, event: Event, cell: str) -> None:
    if cell != ".":
        assert advance(state, event) is State[cell]
        return
    with pytest.raises(FailedPrecondition) as refused:
        advance(state, event)
    assert f"state {state}" in refused.value.message
    assert event in refused.value.message
    allowed = [e for s, e, c in CELLS if s is state and c != "."]
    assert refused.value.hint is not None
    assert all(f"'{e}'" in refused.value.hint for e in allowed)
    assert not any(f"'{e}'" in refused.value.hint for e in set(Event) - set(allowed))
    assert allowed or "nothing" in refused.value.hint


def test_no_cell_leads_to_a_state_without_a_row() -> None:
    assert {state for row in TRANSITIONS.values() for state in row.values()} <= set(TRANSITIONS)


@pytest.mark.semantics("S15")
@pytest.mark.parametrize("state", STATES)
def test_every_session_can_be_deleted(state: State) -> None:
    assert advance(state, Event.DELETE) is State.DELETING


def test_the_terminal_states_are_those_that_only_a_request_leaves() -> None:
    assert {state for state in STATES if set(TRANSITIONS[state]) <= {Event.DELETE, Event.PATCHED}} == TERMINAL


def test_the_names_are_those_of_the_live_stream_api() -> None:
    assert {state.value for state in State} == {
        "PENDING", "UPDATING", "SCHEDULED", "LIVE", "FINISHED",
        "FAILED", "DELETING", "POST_PROCESSING", "COOLDOWN", "STOPPING",
    }  # fmt: skip
