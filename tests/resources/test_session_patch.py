from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from livedvr.resources.errors import InvalidArgument
from livedvr.resources.models import DvrSession, TimeInterval
from livedvr.resources.session_patch import SessionPatch

T0 = datetime(2026, 11, 21, 2, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def window(start: float, end: float | None) -> TimeInterval:
    return TimeInterval(start_time=at(start), end_time=None if end is None else at(end))


def session(*windows: TimeInterval, **labels: str) -> DvrSession:
    return DvrSession(
        session_id="demo",
        channel_id="live",
        manifest_key="main",
        output_uri="/out/dvr/demo/main.m3u8",
        dvr_windows=windows,
        state="LIVE",
        create_time=T0,
        update_time=T0,
        labels=labels,
    )


TWO = session(window(0, 10), window(20, 30))


@pytest.mark.parametrize(
    ("patch", "windows"),
    [
        (SessionPatch(), None),
        (SessionPatch(labels={"a": "b"}), None),
        (SessionPatch(end_time=at(40)), (window(0, 10), window(20, 40))),
        (SessionPatch(duration=timedelta(seconds=3)), (window(0, 10), window(20, 23))),
        (SessionPatch(open_end=True), (window(0, 10), window(20, None))),
        (SessionPatch(start_time=at(5)), (window(5, 10), window(20, 30))),
        (SessionPatch(start_time=at(5), end_time=at(25)), (window(5, 10), window(20, 25))),
        (SessionPatch(windows=(window(1, 2),)), (window(1, 2),)),
    ],
)
def test_what_is_not_named_stays(patch: SessionPatch, windows: tuple[TimeInterval, ...] | None) -> None:
    assert patch.windows_of(TWO) == windows


def test_a_single_window_is_first_and_last() -> None:
    patch = SessionPatch(start_time=at(5), duration=timedelta(seconds=10))
    assert patch.windows_of(session(window(0, None))) == (window(5, 15),)


def test_a_length_that_leaves_the_calendar_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="year 9999"):
        SessionPatch(duration=timedelta(days=3_000_000)).windows_of(TWO)


def test_labels_are_set_removed_and_kept_one_by_one() -> None:
    labelled = session(window(0, 1), a="1", b="2")
    assert SessionPatch().labels_of(labelled) is None
    patch = SessionPatch(labels={"b": None, "c": "3", "never-there": None})
    assert patch.labels_of(labelled) == {"a": "1", "c": "3"}


def test_it_survives_the_wire() -> None:
    patch = SessionPatch(windows=(window(0, 1), window(2, None)), labels={"a": None})
    assert SessionPatch.model_validate_json(patch.model_dump_json(by_alias=True)) == patch
