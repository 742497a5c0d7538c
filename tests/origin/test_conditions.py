from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from livedvr.origin.conditions import Unsatisfiable, accepts_gzip, asked_range, matches, range_holds


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("bytes=0-0", (0, 1)),
        ("bytes=2-4", (2, 5)),
        ("Bytes=2-", (2, 10)),
        ("bytes=-3", (7, 10)),
        ("bytes=-30", (0, 10)),
        ("bytes=9-99", (9, 10)),
        ("bytes=0-1,4-5", None),  # several: whole
        ("bytes=5-4", None),
        ("bytes=-", None),
        ("lines=0-1", None),
        ("bytes=a-b", None),
        ("bytes=1-2-3", None),
        ("bytes=" + "9" * 40 + "-", None),
    ],
)
def test_what_a_range_asks_for_of_ten_bytes(header: str | None, expected: tuple[int, int] | None) -> None:
    assert asked_range(header, 10) == expected


@pytest.mark.parametrize(
    ("header", "size"), [("bytes=10-", 10), ("bytes=10-20", 10), ("bytes=-0", 10), ("bytes=0-", 0)]
)
def test_a_range_of_which_no_byte_is_there(header: str, size: int) -> None:
    with pytest.raises(Unsatisfiable):
        asked_range(header, size)


@given(st.binary(max_size=40), st.integers(0, 50), st.integers(0, 50))
def test_a_range_is_what_slicing_gives(data: bytes, first: int, count: int) -> None:
    def part(header: str) -> bytes:
        try:
            found = asked_range(header, len(data))
        except Unsatisfiable:
            return b""
        assert found is not None
        return data[slice(*found)]

    assert part(f"bytes={first}-{first + count}") == data[first : first + count + 1]
    assert part(f"bytes={first}-") == data[first:]
    assert part(f"bytes=-{count}") == (data[-count:] if count else b"")


@given(st.text(max_size=30), st.integers(0, 100))
@example("bytes=٣-٤", 10)
def test_whatever_stands_there_is_a_part_or_nothing(header: str, size: int) -> None:
    try:
        part = asked_range(header, size)
    except Unsatisfiable:
        return
    assert part is None or 0 <= part[0] < part[1] <= size


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, False),
        ("*", True),
        ('"a"', True),
        ('W/"a"', True),
        ('"b", "a"', True),
        ('"b"', False),
        ('"a-gzip"', False),
        ("a", False),
    ],
)
def test_if_none_match(header: str | None, expected: bool) -> None:
    assert matches(header, '"a"') is expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [(None, True), ('"a"', True), ('W/"a"', False), ('"b"', False), ("Sat, 21 Nov 2026 02:00:00 GMT", False)],
)
def test_if_range(header: str | None, expected: bool) -> None:
    assert range_holds(header, '"a"') is expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, False),
        ("", False),
        ("gzip", True),
        ("br, GZip;q=0.5", True),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("*", True),
        ("*;q=0", False),
        ("*;q=1, gzip;q=0", False),
        ("identity", False),
    ],
)
def test_accept_encoding(header: str | None, expected: bool) -> None:
    assert accepts_gzip(header) is expected
