from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from builders import peak_and_average
from livedvr.hls.bitrate import BitrateMeter

TARGET = 4_000_000

segments = st.lists(
    st.tuples(st.integers(0, 5_000_000), st.integers(1, 2 * TARGET)),
    min_size=1,
    max_size=25,
)


def by_definition(found: list[tuple[int, int]], target: int) -> Fraction | None:
    """RFC 8216bis 4.1, word for word: try all contiguous sets."""
    rates = []
    for start in range(len(found)):
        for end in range(start + 1, len(found) + 1):
            size = sum(size for size, _ in found[start:end])
            duration = sum(duration for _, duration in found[start:end])
            if Fraction(target, 2) <= duration <= Fraction(3 * target, 2):
                rates.append(Fraction(8_000_000 * size, duration))
    return max(rates, default=None)


@given(segments)
def test_peak_is_the_largest_rate_of_any_contiguous_set(found: list[tuple[int, int]]) -> None:
    expected = by_definition(found, TARGET)
    peak, average = peak_and_average(found, TARGET)
    if expected:
        assert peak - 1 < expected <= peak
    else:
        assert peak >= average


@given(segments, st.lists(st.integers(1, 9)))
def test_it_measures_many_at_once_as_one_by_one(found: list[tuple[int, int]], counts: list[int]) -> None:
    meter, left = BitrateMeter(TARGET), found
    for count in (*counts, len(found)):
        some, left = left[:count], left[count:]
        meter.add([size for size, _ in some], [duration for _, duration in some])
    assert (meter.peak, meter.average) == peak_and_average(found, TARGET)


@given(segments)
def test_average_is_all_bits_over_all_time(found: list[tuple[int, int]]) -> None:
    _, average = peak_and_average(found, TARGET)
    expected = Fraction(8_000_000 * sum(s for s, _ in found), sum(d for _, d in found))
    assert average - 1 < expected <= average


@given(segments)
def test_the_peak_never_falls_while_sets_qualify(found: list[tuple[int, int]]) -> None:
    meter = BitrateMeter(TARGET)
    before = 0
    for count, (size, duration) in enumerate(found, 1):
        meter.add([size], [duration])
        if by_definition(found[: count - 1], TARGET):
            assert meter.peak >= before
        before = meter.peak


def test_short_segments_are_measured_together() -> None:
    # 1 s of 8 Mbit/s between quiet ones: no set of less than 2 s counts.
    found = [(125_000, 1_000_000), (1_000_000, 1_000_000), (125_000, 1_000_000)]
    assert peak_and_average(found, TARGET) == (4_500_000, 3_333_334)


def test_nothing_has_no_rate() -> None:
    assert peak_and_average([], TARGET) == (0, 0)
    assert peak_and_average([(0, 0)], TARGET) == (0, 0)


def test_while_all_is_too_short_the_whole_counts() -> None:
    assert peak_and_average([(1_000, 1_000_000), (3_000, 500_000)], TARGET) == (21_334, 21_334)


def test_while_all_is_too_long_the_fastest_segment_counts() -> None:
    assert peak_and_average([(1_000_000, 8_000_000), (2_000_000, 8_000_000)], TARGET) == (2_000_000, 1_500_000)


def test_an_add_costs_no_more_the_longer_it_runs() -> None:
    meter = BitrateMeter(TARGET)
    for _ in range(10_000):
        meter.add([1_000], [2_000_000])
    assert len(meter._recent) == 3
