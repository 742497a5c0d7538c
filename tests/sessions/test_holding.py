from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from builders import T0, at, chain, window
from livedvr.catalog.session_rows import RetiredRow, SessionRow
from livedvr.resources.times import HOUR, SECOND
from livedvr.sessions.holding import held_windows, is_pinned, may_be_reclaimed, retired_windows, session_expiry
from livedvr.timeline.timeline import Timeline


def session(state: str = "FINISHED", **facts: Any) -> SessionRow:
    row = SessionRow(
        channel="live",
        id="match",
        manifest_key="main",
        windows=(window(0, 10),),
        edition_windows=(window(0, 10),),
        labels={},
        state=state,
        error=None,
        edition=1,
        target=2,
        summary=None,
        created=T0,
        updated=at(50),
        ended=at(40) if state in ("FINISHED", "FAILED") else None,
    )
    return replace(row, **facts)


def held(start: float | None, end: float | None) -> dict[str, Any]:
    return {"actual_start": None if start is None else at(start), "actual_end": None if end is None else at(end)}


def made_of(count: int) -> Timeline:
    timeline = Timeline(["av"])
    timeline.restore("av", chain([2 * SECOND] * count))
    return timeline


@pytest.mark.semantics("R2", "R3", "S11")
def test_a_sealed_session_holds_nothing_behind_its_end_however_long_its_windows_are() -> None:
    asked = (window(0, 10), window(20, None), window(50, 60))
    row = session(windows=asked, edition_windows=asked, summary=held(0, 32))
    assert held_windows(row) == (window(0, 10), window(20, 32))
    assert held_windows(replace(row, summary=None, state="LIVE")) == asked
    assert held_windows(replace(row, summary=None, state="DELETING")) == asked


@pytest.mark.semantics("R2", "S7")
def test_while_a_patch_waits_both_what_is_published_and_what_is_asked_for_is_held() -> None:
    row = session("COOLDOWN", edition_windows=(window(0, None),), windows=(window(0, 30),), summary=held(0, 28))
    assert held_windows(row) == (window(0, 28), window(0, 30))


@pytest.mark.semantics("R3")
def test_only_an_ended_session_without_a_pin_expires() -> None:
    timeline = made_of(20)
    assert session_expiry(session(summary=held(2, 10)), timeline, HOUR) == at(4) + HOUR
    assert session_expiry(session("FAILED", summary=held(2, 10)), timeline, HOUR) == at(4) + HOUR
    assert session_expiry(session("FAILED", summary=held(None, None)), timeline, HOUR) == at(40) + HOUR
    assert session_expiry(session("FAILED"), timeline, HOUR) == at(40) + HOUR
    assert session_expiry(session(summary=held(2, 10), ended=None), timeline, 10 * SECOND) == at(60), "by its change"
    for state in ("PENDING", "SCHEDULED", "LIVE", "STOPPING", "POST_PROCESSING", "UPDATING", "COOLDOWN", "DELETING"):
        assert session_expiry(session(state, summary=held(2, 10)), timeline, HOUR) is None
    assert session_expiry(session(summary=held(2, 10), labels={"livedvr-pin": "true"}), timeline, HOUR) is None


@pytest.mark.semantics("R3", "R5")
@pytest.mark.parametrize(("label", "pinned"), [("true", True), ("false", False), ("True", False), ("", False)])
def test_a_pin_is_the_word_true(label: str, pinned: bool) -> None:
    row = session(labels={"livedvr-pin": label})
    assert is_pinned(row) is pinned and may_be_reclaimed(row) is not pinned
    assert not may_be_reclaimed(session("FAILED"))


@pytest.mark.semantics("R4")
def test_a_retired_edition_holds_until_its_instant_and_as_long_as_it_can_be_fetched() -> None:
    edition = RetiredRow("match", 1, (window(0, 10),), 10 * SECOND, None, None)
    assert list(retired_windows([edition], at(1000))), "main.m3u8 points at it"
    gone = replace(edition, segments_until=at(20))
    assert list(retired_windows([gone], at(20) - 1)) == [window(0, 10)]
    assert list(retired_windows([gone], at(20))) == []
    assert list(retired_windows([replace(gone, playlist_until=at(10))], at(20))) == [window(0, 10)]
