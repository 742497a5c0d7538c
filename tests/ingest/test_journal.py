from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from livedvr.ingest.journal import JournalReader, JournalRow, parse_rows

ROWS = st.builds(JournalRow, st.integers(0, 10**7), st.integers(-(10**12), 10**12), st.integers(-(10**12), 10**12))


def seconds(micros: int) -> str:
    """As ffmpeg's CSV list writes them."""
    sign, micros = ("-" if micros < 0 else ""), abs(micros)
    return f"{sign}{micros // 1_000_000}.{micros % 1_000_000:06d}"


def line(row: JournalRow, suffix: str = "m4s") -> bytes:
    return f"segment-{row.index:06d}.{suffix},{seconds(row.start)},{seconds(row.end)}\n".encode()


def journal_bytes(draw: st.DrawFn) -> bytes:
    """Rows, half rows and rubbish, in any order."""
    whole = ROWS.flatmap(lambda row: st.sampled_from([line(row), line(row, "ts"), line(row).replace(b"\n", b"\r\n")]))
    torn = st.tuples(ROWS, st.integers(0, 30)).map(lambda pair: line(pair[0])[: pair[1]])
    return b"".join(draw(st.lists(st.one_of(whole, whole, torn, st.binary(max_size=20)), max_size=12)))


JOURNALS = st.composite(journal_bytes)()


@pytest.mark.parametrize(
    ("text", "row"),
    [
        (b"segment-000000.m4s,0.000000,2.000000\n", JournalRow(0, 0, 2_000_000)),
        (b"segment-000007.ts,14.014000,16.016000\n", JournalRow(7, 14_014_000, 16_016_000)),
        (b"segment-1234567.m4s,95443.717689,95445.717689\n", JournalRow(1_234_567, 95_443_717_689, 95_445_717_689)),
        (b"segment-000000.m4s,-0.021333,1.980000\n", JournalRow(0, -21_333, 1_980_000)),
        (b"segment-000000.m4s,0.000000,2.000000\r\n", JournalRow(0, 0, 2_000_000)),
    ],
)
def test_a_row_is_read_exactly(text: bytes, row: JournalRow) -> None:
    assert parse_rows(text) == ([row], len(text))


@given(st.lists(ROWS, max_size=20))
def test_what_ffmpeg_writes_is_what_is_read(rows: list[JournalRow]) -> None:
    text = b"".join(line(row) for row in rows)
    assert parse_rows(text) == (rows, len(text))


@given(ROWS, st.integers(0, 100))
def test_a_torn_last_line_waits(row: JournalRow, cut: int) -> None:
    whole, torn = line(JournalRow(0, 0, 1)), line(row)
    cut = min(cut, len(torn) - 1)
    assert parse_rows(whole + torn[:cut]) == ([JournalRow(0, 0, 1)], len(whole))
    assert parse_rows(torn[:cut]) == ([], 0)


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"garbage",
        b"segment-000001.m4s,2.000000",
        b"segment-000001.m4s,2.000000,4.000000,6.000000",
        b"segment-000001.m4s,2.0,4.0",
        b"segment-001.m4s,2.000000,4.000000",
        b"segment-000001.mp4,2.000000,4.000000",
        b"../segment-000001.m4s,2.000000,4.000000",
        b"segment-000001.m4s,nan,4.000000",
        b"\0" * 40,
        "segment-00000١.m4s,2.000000,4.000000".encode(),
    ],
)
def test_a_complete_line_that_is_no_row_is_passed_over(bad: bytes) -> None:
    before, after = line(JournalRow(0, 0, 1)), line(JournalRow(2, 4, 6))
    text = before + bad + b"\n" + after
    assert parse_rows(text) == ([JournalRow(0, 0, 1), JournalRow(2, 4, 6)], len(text))


@settings(max_examples=200)
@given(JOURNALS, st.lists(st.integers(0, 600), max_size=8))
@example(b"segment-000000.m4s,0.000000,2.000000\r\n", [38])
def test_any_bytes_cut_anywhere_give_the_same_rows(text: bytes, cuts: list[int]) -> None:
    at_once, taken = parse_rows(text)
    rows, rest, start = [], b"", 0
    for cut in [*sorted(min(c, len(text)) for c in cuts), len(text)]:
        rest, start = rest + text[start:cut], cut
        found, used = parse_rows(rest)
        rows += found
        rest = rest[used:]
    assert rows == at_once
    assert rest == text[taken:]


@settings(max_examples=40, deadline=None)
@given(JOURNALS, st.lists(st.integers(0, 300), max_size=5))
def test_a_reader_of_a_growing_file_gives_each_row_once(text: bytes, cuts: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.csv"
        reader, rows, start = JournalReader(path), [], 0
        assert reader.new_rows() == []  # there is none yet
        for cut in [*sorted(min(c, len(text)) for c in cuts), len(text)]:
            with path.open("ab") as file:
                file.write(text[start:cut])
            start = cut
            rows += reader.new_rows()
        assert rows == parse_rows(text)[0]
        assert reader.new_rows() == []
        assert JournalReader(path).new_rows() == rows  # after a restart it is read from the start
