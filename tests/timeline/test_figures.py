from __future__ import annotations

from dataclasses import replace

import pytest

from builders import at, chain, segment
from livedvr.resources.times import SECOND
from livedvr.timeline.figures import GapCount, drift_ppm
from livedvr.timeline.segment import Segment
from livedvr.timeline.timeline import Timeline


def timeline(*segments: Segment) -> Timeline:
    made = Timeline(["av", "low"])
    made.restore("av", segments)
    return made


@pytest.mark.semantics("P8")
def test_holes_are_counted_once_however_often_somebody_looks() -> None:
    known = timeline(*chain([2 * SECOND] * 3), segment(3, start=at(10)))
    gaps = GapCount(known)
    for _ in range(2):
        gaps.look()
        assert (gaps.count, gaps.micros) == (1, 4 * SECOND)
    known.append("av", segment(4, start=at(12.04)))  # a frame late is no hole
    known.append("av", segment(5, start=at(20)))
    gaps.look()
    assert (gaps.count, gaps.micros) == (2, 4 * SECOND + 5_960_000)
    known.forget("av", {0, 1, 2, 3, 4, 5})
    gaps.look()
    known.append("av", segment(6, start=at(22)))
    gaps.look()
    assert gaps.count == 2, "what retention has let go was media, and what it was is not forgotten"


def test_what_retention_has_let_go_between_sessions_is_no_hole() -> None:
    gaps = GapCount(timeline(segment(0), segment(9), segment(10)))
    gaps.look()
    assert (gaps.count, gaps.micros) == (0, 0)


@pytest.mark.semantics("C3")
def test_drift_is_that_of_the_present_epoch() -> None:
    steady = chain([2 * SECOND] * 40)
    assert drift_ppm(steady) == 0
    bent = [replace(one, epoch=1, start=one.start + one.number * 1000) for one in steady]  # 1 ms in 2 s
    assert drift_ppm(bent) == pytest.approx(500)
    assert drift_ppm([*bent, *(replace(one, epoch=2) for one in steady[:31])]) == 0
    assert drift_ppm([*bent, *(replace(one, epoch=2) for one in steady[:30])]) is None, "not a minute yet"
    assert drift_ppm([]) is None


@pytest.mark.semantics("R1")
def test_the_timeline_knows_how_much_it_keeps() -> None:
    known = timeline(segment(0, size=5), segment(1, size=7))
    known.append("av", segment(2, size=11))
    known.append("low", segment(0, size=100))
    assert known.size == 123
    known.forget("av", {0, 2, 77})
    assert known.size == 107
    known.restore("low", [])
    assert known.size == 7
