from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import T0, at
from livedvr.resources.errors import InvalidArgument
from livedvr.resources.times import (
    HOUR,
    MINUTE,
    SECOND,
    format_seconds,
    format_time,
    parse_duration,
    parse_offset,
    parse_time,
    round_half_up,
)

# 1970 to 2100
INSTANTS = st.integers(0, 4_102_444_800 * SECOND)


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("30s", 30 * SECOND),
        ("1h30m", 90 * MINUTE),
        ("2.5s", 2_500_000),
        ("500ms", 500_000),
        ("45", 45 * SECOND),
        ("1.5", 1_500_000),
        ("1d", 24 * HOUR),
        ("0.5h", 30 * MINUTE),
        ("1d2h3m4s5ms", 26 * HOUR + 3 * MINUTE + 4 * SECOND + 5_000),
        ("0.000001s", 1),
        (" 10m ", 10 * MINUTE),
    ],
)
def test_a_duration_is_read(text: str, micros: int) -> None:
    assert parse_duration(text, field="--duration") == micros


@pytest.mark.parametrize("text", ["", "s", "1x", "-5s", "1 h", "1h30", "1.s", ".5s", "1e3", "10S", "1.1234567s"])
def test_what_is_no_duration_is_refused_naming_the_field(text: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        parse_duration(text, field="--duration")
    assert refused.value.field == "--duration"


@pytest.mark.parametrize("text", ["0", "0s", "0h0m", "0.0"])
def test_a_duration_of_no_time_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match="no time at all"):
        parse_duration(text, field="--duration")


@given(st.integers(1, 10**15))
def test_a_duration_written_exactly_is_read_exactly(micros: int) -> None:
    assert parse_duration(f"{format_seconds(micros)}s", field="x") == micros


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("now", T0),
        ("-10m", T0 - 10 * MINUTE),
        ("+1h", T0 + HOUR),
        ("-1h30m", T0 - 90 * MINUTE),
        ("2026-11-21T02:00:00Z", T0),
        ("2026-11-21T02:00:00.250Z", at(0.25)),
        ("2026-11-21T02:00:00.000001Z", T0 + 1),
        ("2026-11-21T04:00:00+02:00", T0),
        ("2026-11-20T18:30:00-07:30", T0),
    ],
)
def test_a_time_is_read(text: str, moment: int) -> None:
    assert parse_time(text, T0, field="--start") == moment


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-11-21T02:00:00", "2026-11-21", "2026-13-01T00:00:00Z", "-", "+", "12:00", "-0s"]
)
def test_what_is_no_time_is_refused_naming_the_field(text: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        parse_time(text, T0, field="--start")
    assert refused.value.field == "--start"


@pytest.mark.semantics("P5")
@given(INSTANTS)
def test_a_formatted_time_reads_back_to_the_nearest_millisecond(micros: int) -> None:
    text = format_time(micros)
    back = parse_time(text, 0, field="x")
    assert back % 1000 == 0
    assert -500 < back - micros <= 500  # half a millisecond rounds up


@pytest.mark.semantics("P5")
@given(INSTANTS)
def test_a_time_of_whole_milliseconds_survives_the_round_trip(micros: int) -> None:
    assert parse_time(format_time(micros // 1000 * 1000), 0, field="x") == micros // 1000 * 1000


@pytest.mark.semantics("P5")
@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (T0, "2026-11-21T02:00:00.000Z"),
        (T0 + 499, "2026-11-21T02:00:00.000Z"),
        (T0 + 500, "2026-11-21T02:00:00.001Z"),
        (T0 - 500, "2026-11-21T02:00:00.000Z"),
        (T0 - 501, "2026-11-21T01:59:59.999Z"),
        (0, "1970-01-01T00:00:00.000Z"),
    ],
)
def test_a_time_is_written_in_utc_with_milliseconds_and_z(micros: int, text: str) -> None:
    assert format_time(micros) == text


@given(INSTANTS, st.sampled_from([2, -7, 0]))
def test_a_zone_changes_the_writing_and_not_the_instant(micros: int, hours: int) -> None:
    moment = datetime.fromtimestamp(micros // SECOND, UTC)
    local = moment.astimezone(datetime.fromisoformat(f"2000-01-01T00:00{hours:+03d}:00").tzinfo)
    assert parse_time(local.isoformat(), 0, field="x") == micros // SECOND * SECOND


@pytest.mark.semantics("P3")
@given(st.integers(0, 10**12))
def test_seconds_are_written_exactly(micros: int) -> None:
    whole, fraction = format_seconds(micros).split(".")
    assert len(fraction) == 6
    assert int(whole) * SECOND + int(fraction) == micros


@pytest.mark.semantics("P3")
@pytest.mark.parametrize(
    ("micros", "seconds"),
    [(6_500_000, 7), (6_499_999, 6), (5_500_000, 6), (500_000, 1), (499_999, 0), (7_499_999, 7), (2_000_000, 2)],
)
def test_seconds_are_rounded_half_up_and_never_to_even(micros: int, seconds: int) -> None:
    assert round_half_up(micros) == seconds


@pytest.mark.parametrize(
    ("text", "micros"),
    [("0", 0), ("0s", 0), ("-0s", 0), ("10", 10 * SECOND), ("-30s", -30 * SECOND), ("1m30s", 90 * SECOND)],
)
def test_an_offset_is_read(text: str, micros: int) -> None:
    assert parse_offset(text, field="--start-offset") == micros


@pytest.mark.parametrize("text", ["", "-", "--3s", "soon"])
def test_what_is_no_offset_is_refused_naming_the_field(text: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        parse_offset(text, field="--start-offset")
    assert refused.value.field == "--start-offset"
