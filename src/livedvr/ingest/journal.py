"""ffmpeg's journal: ``name,start,end`` a line, appended when a segment is closed. The truth about a run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_LINE = re.compile(rb"segment-(\d{6,})\.(?:m4s|ts|vtt),(-?)(\d+)\.(\d{6}),(-?)(\d+)\.(\d{6})\r?")


@dataclass(frozen=True, slots=True)
class JournalRow:
    """A closed segment: its index in the run and its edges on the run's media timeline, in microseconds."""

    index: int
    start: int
    end: int


def parse_rows(data: bytes) -> tuple[list[JournalRow], int]:
    """The complete rows at the head of ``data`` and how many bytes they take; a torn last line waits.

    A complete line that is no row (a crash of the machine may leave one) is passed over.
    """
    complete = data.rfind(b"\n") + 1
    rows = []
    for line in data[:complete].split(b"\n"):
        match = _LINE.fullmatch(line)
        if match:
            index, *edges = match.groups()
            rows.append(JournalRow(int(index), _micros(*edges[:3]), _micros(*edges[3:])))
    return rows, complete


def _micros(sign: bytes, whole: bytes, fraction: bytes) -> int:
    micros = int(whole) * 1_000_000 + int(fraction)
    return -micros if sign else micros


def format_row(row: JournalRow, name: str) -> bytes:
    """The line that ffmpeg writes for a closed segment."""
    return f"{name},{_seconds(row.start)},{_seconds(row.end)}\n".encode()


def _seconds(micros: int) -> str:
    return f"{'-' * (micros < 0)}{abs(micros) // 1_000_000}.{abs(micros) % 1_000_000:06d}"


class JournalReader:
    """Reads what is new in a journal file since the last call."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._offset = 0

    def new_rows(self) -> list[JournalRow]:
        """The rows that have become complete; none while the file does not exist."""
        try:
            if self.path.stat().st_size == self._offset:
                return []  # as mostly: it is looked at each second
            with self.path.open("rb") as file:
                file.seek(self._offset)
                rows, taken = parse_rows(file.read())
        except FileNotFoundError:
            return []
        self._offset += taken
        return rows
