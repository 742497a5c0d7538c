"""Segments in columns are what a list of them is."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import segment
from livedvr.timeline.segment import Segment
from livedvr.timeline.segments import Segments

RUNS = st.sampled_from(["20261121T021500Z-k3f9", "20261121T031500Z-aaaa", "20261121T041500Z-bbbb"])


@st.composite
def chains(draw: st.DrawFn) -> list[Segment]:
    found: list[Segment] = []
    for number in draw(st.lists(st.integers(0, 60), unique=True).map(sorted)):
        start = found[-1].start + draw(st.integers(0, 3_000_000)) if found else draw(st.integers(0, 2**52))
        index, duration = draw(st.integers(-5, 9)), draw(st.integers(1, 2_000_000))
        found.append(replace(segment(number), run=draw(RUNS), index=index, start=start, duration=duration))
    return found


@given(chains(), st.data())
def test_they_are_what_a_list_of_them_is(chain: list[Segment], data: st.DataObject) -> None:
    segments, cut = Segments(chain[: len(chain) // 2]), slice(data.draw(st.integers(-9, 9)), None)
    for one in chain[len(chain) // 2 :]:
        segments.append(one)
    assert list(segments) == chain and len(segments) == len(chain)
    assert [segments[i] for i in range(-len(chain), len(chain))] == chain * 2
    assert list(segments[cut]) == chain[cut]
    for beyond in (len(chain), -len(chain) - 1):
        with pytest.raises(IndexError):
            segments[beyond]
    assert list(segments.column("size")) == [one.size for one in chain]
    number = data.draw(st.integers(0, 61))
    assert segments.position(number) == sum(one.number < number for one in chain)
    time = data.draw(st.sampled_from([one.start for one in chain] or [0])) + data.draw(st.integers(-1, 1))
    assert segments.first_from(time) == sum(one.start < time for one in chain)
    gone = set(data.draw(st.lists(st.sampled_from([one.number for one in chain])))) if chain else set()
    segments.forget(0, len(chain), gone)
    assert list(segments) == [one for one in chain if one.number not in gone]


def test_a_search_by_end_and_by_midpoint() -> None:
    chain = [segment(number) for number in range(5)]
    segments = Segments(chain)
    for time in (chain[0].start, chain[2].end - 1, chain[2].end, chain[4].end):
        assert segments.first_beyond(time) == sum(one.end <= time for one in chain)
        assert segments.first_centred(2 * time) == sum(one.start + one.end < 2 * time for one in chain)


@given(st.lists(st.tuples(st.integers(1, 2), st.integers(0, 1), st.booleans()), min_size=1, max_size=12), st.data())
def test_segments_of_one_kind_are_found_together(steps: list[tuple[int, int, bool]], data: st.DataObject) -> None:
    chain = [segment(0)]
    for number, epoch, is_gap in steps:
        index = -1 if is_gap else 1
        chain.append(segment(chain[-1].number + number, epoch=chain[-1].epoch + epoch, index=index))
    low = data.draw(st.integers(0, len(chain) - 1))
    high = data.draw(st.integers(low + 1, len(chain)))
    one = chain[low]
    kind = [(one.number + step, one.epoch, one.is_gap) for step in range(high - low)]
    found = [(one.number, one.epoch, one.is_gap) for one in chain[low:high]]
    count = next((at for at, pair in enumerate(zip(found, kind, strict=True)) if pair[0] != pair[1]), high - low)
    assert list(Segments(chain).alike(low, high)) == chain[low : low + count]


def taken_by(work: Callable[[], object]) -> int:
    """Bytes, the second time: at first the interpreter keeps what it lets go, to use it again."""
    work()
    tracemalloc.start()
    try:
        kept = work()
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept
    return taken


def test_a_segment_more_takes_72_bytes_and_no_object() -> None:
    """An array grows by a ninth at a time; what a rendition's day takes is what users of small machines ask for."""

    def a_day() -> Segments:
        segments = Segments()
        for number in range(5000):
            name = "".join(["20261121T021500Z", "-k3f9"])  # another object each time, as rows bring them
            segments.append(replace(segment(number), run=name))
        return segments

    assert taken_by(a_day) / 5000 < 80


def test_a_run_whose_segments_have_gone_takes_nothing() -> None:
    """A source that comes and goes makes thousands of runs a day."""

    def come_and_go() -> Segments:
        segments = Segments([segment(0)])
        for number in range(1, 3000):
            segments.append(replace(segment(number), run=f"20261121T021500Z-{number:04d}"))
            segments.forget(0, 1, {number - 1})
        return segments

    assert taken_by(come_and_go) < 20_000
