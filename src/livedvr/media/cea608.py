"""CEA-608 captions: pairs of bytes in, texts out (ANSI/CTA-608-E; 47 CFR 79.101). Pure.

ffmpeg's decoder is no help here: fed by PyAV it has no time base, and then shows nothing of roll-up captions; and what
is said in CC2 it shows in CC1 (measured, ffmpeg 8).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Literal

from livedvr.resources.streams import CeaChannel
from livedvr.resources.times import MINUTE, SECOND
from livedvr.timeline.cues import Cue

REMEMBERED = MINUTE  # a caption of which nothing has come for so long is over
_DOUBLED = SECOND // 10  # control codes are sent twice, in successive frames
_SETTLES = SECOND * 3 // 10  # letters that come one by one are shown this often
_ROWS, _COLUMNS = 15, 32


@dataclass(frozen=True, slots=True)
class Pair:
    """Two bytes of a field (1 or 2), parity stripped, and when they are shown (microseconds)."""

    time: int
    field: Literal[1, 2]
    first: int
    second: int


_BASIC = dict(zip(b"'*\\^_`{|}~\x7f", "’áéíóúç÷Ññ█", strict=True))
_SPECIAL = "®°½¿™¢£♪à èâêîôû"
_EXTENDED = {
    0x12: "ÁÉÓÚÜü‘¡*'—©℠•“”ÀÂÇÈÊËëÎÏïÔÙùÛ«»",
    0x13: "ÃãÍÌìÒòÕõ{}\\^_|~ÄäÖöß¥¤│ÅåØø┌┐└┘",
}
# The first row that a preamble address code means, by its first byte; the second is the one below (0x10 has one).
_ROW = {0x11: 0, 0x12: 2, 0x15: 4, 0x16: 6, 0x17: 8, 0x10: 10, 0x13: 11, 0x14: 13}

_Memory = dict[tuple[int, int], str]  # (row, column) -> a character
_Screen = tuple[tuple[int, int, str], ...]  # of each block of rows: the first row, its first column, the text


@dataclass(slots=True)
class Decoder:
    """The captions of one channel.

    ``mode``: how what comes is written, None before anything has said it, and while it is no caption. ``shown`` and
    ``hidden``: the two memories. ``depth``: how many rows roll up.
    """

    mode: Literal["pop-on", "paint-on", "roll-up"] | None = None
    shown: _Memory = field(default_factory=dict)
    hidden: _Memory = field(default_factory=dict)
    depth: int = 0
    row: int = _ROWS - 1
    column: int = 0

    @property
    def _written(self) -> _Memory:
        return self.hidden if self.mode == "pop-on" else self.shown

    def write(self, text: str) -> None:
        """Characters at the cursor; in the last column they overwrite each other."""
        if self.mode is None:
            return
        for character in text:
            self._written[self.row, self.column] = character
            self.column = min(self.column + 1, _COLUMNS - 1)

    def control(self, first: int, second: int) -> None:
        """A control code of this channel, as the first channel of the first field has it."""
        match first, second:
            case (0x14 | 0x15, second) if 0x20 <= second < 0x30:
                self._command(second)
            case (0x11, second) if 0x20 <= second < 0x30:  # a mid-row code takes a column
                self.write(" ")
            case (0x11, second) if 0x30 <= second < 0x40:
                self.write(_SPECIAL[second - 0x30])
            case (0x12 | 0x13, second) if 0x20 <= second < 0x40:  # it replaces the plain letter that came before it
                self._back()
                self.write(_EXTENDED[first][second - 0x20])
            case (0x17, 0x21 | 0x22 | 0x23):  # tab offset
                self.column = min(self.column + second - 0x20, _COLUMNS - 1)
            case (_, second) if second >= 0x40:
                self._address(first, second)

    def _command(self, second: int) -> None:
        match second:  # 0x28, flashing, is not shown
            case 0x20:  # resume caption loading
                self.mode = "pop-on"
            case 0x21:
                self._back()
            case 0x24:  # delete to the end of the row
                for column in range(self.column, _COLUMNS):
                    self._written.pop((self.row, column), None)
            case 0x25 | 0x26 | 0x27:
                self._roll_up(second - 0x23)
            case 0x29:  # resume direct captioning
                self.mode = "paint-on"
            case 0x2A | 0x2B:  # what follows is text mode, no caption
                self.mode = None
            case _:
                self._change_memory(second)

    def _change_memory(self, second: int) -> None:
        match second:
            case 0x2C:  # erase displayed memory
                self.shown = {}
            case 0x2D:
                self._carriage_return()
            case 0x2E:  # erase non-displayed memory
                self.hidden = {}
            case 0x2F:  # end of caption: what was loaded appears
                self.mode, self.shown, self.hidden = "pop-on", self.hidden, self.shown

    def _roll_up(self, depth: int) -> None:
        if self.mode != "roll-up":
            self.shown, self.hidden, self.row, self.column = {}, {}, _ROWS - 1, 0
        self.mode, self.depth = "roll-up", depth
        self._keep_window()

    def _back(self) -> None:
        if self.mode is not None:
            self.column = max(0, self.column - 1)
            self._written.pop((self.row, self.column), None)

    def _carriage_return(self) -> None:
        if self.mode == "roll-up":
            self.shown = {(row - 1, column): letter for (row, column), letter in self.shown.items()}
            self.column = 0
            self._keep_window()

    def _keep_window(self) -> None:
        window = range(max(0, self.row - self.depth + 1), self.row + 1)
        self.shown = {place: letter for place, letter in self.shown.items() if place[0] in window}

    def _address(self, first: int, second: int) -> None:
        """Preamble address code: row, and indent if it names no colour."""
        row = _ROW[first] + (1 if second & 0x20 and first != 0x10 else 0)
        if self.mode == "roll-up" and row != self.row:  # the rows move with their base
            self.shown = {(at + row - self.row, column): letter for (at, column), letter in self.shown.items()}
        self.row, self.column = row, (second & 0x0E) * 2 if second & 0x10 else 0
        if self.mode == "roll-up":
            self._keep_window()

    def screen(self) -> _Screen:
        """What is shown: first row, first column and text of each block of rows."""
        blocks: list[tuple[int, int, list[str]]] = []
        for row in range(_ROWS):
            columns = [column for at, column in self.shown if at == row]
            line = "".join(self.shown.get((row, column), " ") for column in range(max(columns, default=-1) + 1))
            if not line.strip():
                continue
            indent = len(line) - len(line.lstrip())
            if blocks and blocks[-1][0] + len(blocks[-1][2]) == row:
                first, column, lines = blocks[-1]
                blocks[-1] = (first, min(column, indent), [*lines, line.strip()])
            else:
                blocks.append((row, indent, [line.strip()]))
        return tuple((row, column, "\n".join(lines)) for row, column, lines in blocks)


def captions(pairs: Iterable[Pair], channel: CeaChannel, start: int, end: int) -> list[Cue]:
    """What the channel shows in [start, end): ``pairs`` are those of about a minute before it, and its own.

    A caption that is still shown at the end ends there; the next segment's goes on with it. (Nobody knows yet how long
    it will be shown, and a cue that stood there again with another end would be shown twice.)
    """
    cues: list[Cue] = []
    since, screen = start, _Screen()
    for time, after in _screens(pairs, channel, end):
        if after != screen:
            cues += _cues(screen, since, min(max(time, start), end))
            since, screen = max(time, start), after
    return [*cues, *_cues(screen, since, end)]


def _screens(pairs: Iterable[Pair], channel: CeaChannel, end: int) -> Iterator[tuple[int, _Screen]]:
    """What is shown, and from when on. Letters that come one by one are gathered for a moment."""
    decoder, due = Decoder(), None
    for time, first, second in _of_channel(pairs, channel):
        if due is not None and due <= time:
            yield due, decoder.screen()
            due = None
        if first >= 0x20:
            decoder.write("".join(_BASIC.get(byte, chr(byte)) for byte in (first, second) if byte >= 0x20))
            if decoder.mode != "pop-on":
                due = time + _SETTLES if due is None else due
            continue
        if due is not None and first != 0x11:  # what has gathered was there before this; but accents belong to words
            yield due - _SETTLES, decoder.screen()
            due = None
        decoder.control(first, second)
        yield time, decoder.screen()
    if due is not None and due < end:
        yield due, decoder.screen()


def _of_channel(pairs: Iterable[Pair], channel: CeaChannel) -> Iterator[tuple[int, int, int]]:
    """The channel's own pairs, each control code once and as the first channel has it."""
    wanted_field, wanted_second = (1, 2)[channel in ("CC3", "CC4")], channel in ("CC2", "CC4")
    is_ours, last, last_time = False, (0, 0), 0
    for pair in pairs:
        if pair.field != wanted_field:
            continue
        if pair.first >= 0x20:
            last = (0, 0)
            if is_ours:
                yield pair.time, pair.first, pair.second
        elif pair.first >= 0x10:
            code = (pair.first, pair.second)
            if code == last and pair.time - last_time <= _DOUBLED:
                last = (0, 0)
                continue
            last, last_time = code, pair.time
            is_ours = bool(pair.first & 0x08) == wanted_second
            if is_ours:
                yield pair.time, pair.first & 0x17, pair.second
        else:
            is_ours = False  # extended data services: no caption until the next control code


def _cues(screen: _Screen, start: int, end: int) -> Sequence[Cue]:
    if start >= end:
        return []
    return [
        # The 15 rows and 32 columns are the middle 80 % of the picture.
        Cue(
            start,
            end,
            escape(text, quote=False),
            f"position:{10 + 2.5 * column:g}% line:{10 + 16 * row // 3}% align:start",
        )
        for row, column, text in screen
    ]
