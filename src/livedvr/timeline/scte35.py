"""SCTE-35 messages, as far as playlists tell of them: splice_info_section -> signals. Pure.

Read are splice_insert (ANSI/SCTE 35 9.7.3) and time_signal with segmentation descriptors (9.7.4, 10.3.3). splice_null
and bandwidth_reservation are heartbeats, splice_schedule and private_command say nothing that a player could follow.
The section itself goes on whole, so what is not read here (components, UPIDs, avails) is not lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

TICKS = 90_000  # a second
WRAP = 1 << 33  # what times count to (26.5 h)

Kind = Literal["out", "in", "start", "end", "mark", "cancel"]

_SPLICE_INSERT, _TIME_SIGNAL = 0x05, 0x06
_SEGMENTATION, _CUEI = 0x02, b"CUEI"
# 10.3.3.1: what begins with the even number ends with the odd one behind it. Here the program is left ...
_OUTS = {0x22, 0x30, 0x32, 0x34, 0x36, 0x38, 0x3A, 0x3C, 0x3E, 0x44, 0x46}
# ... and here it is only divided: program, chapter, credits, unscheduled event, alternate content, network.
_STARTS = {0x10, 0x20, 0x24, 0x26, 0x40, 0x42, 0x50}


class SectionError(ValueError):
    """A section that cannot be used, and why."""


@dataclass(frozen=True, slots=True)
class Signal:
    """What a section says of one event.

    Attributes:
        kind: the way out of the network and back in; start and end of anything else; a point; or that an event is off.
        event: which event, as far as an ID goes: ``splice-7``, ``segmentation-34-7``.
        time: when, in ticks of the source's clock (33 bit, adjusted). None: at once.
        duration: how long it is to be, in ticks.
        returns: its end comes by itself after ``duration``, without another message.
    """

    kind: Kind
    event: str
    time: int | None = None
    duration: int | None = None
    returns: bool = False


def parse_section(data: bytes) -> list[Signal]:
    """The signals of a splice_info_section (9.6), in its order; SectionError."""
    if len(data) < 3 or data[0] != 0xFC:
        raise SectionError("it is no splice_info_section")
    size = 3 + (int.from_bytes(data[1:3]) & 0xFFF)
    section = data[:size]
    if not 20 <= size <= len(data):
        raise SectionError("it is torn")
    if crc_32(section) != 0:
        raise SectionError("its CRC_32 is wrong")
    if section[4] & 0x80:
        raise SectionError("it is encrypted")
    reader = _Reader(section[:-4], at=4)
    try:
        return _signals(reader)
    except IndexError:
        raise SectionError("it ends in the middle of a field") from None


def crc_32(data: bytes) -> int:
    """CRC_32 as MPEG-2 systems have it (ISO/IEC 13818-1 annex A); 0 over data with its own CRC_32 behind it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 & 0xFFFFFFFF) ^ (0x04C11DB7 if crc & 0x80000000 else 0)
    return crc


def _signals(reader: _Reader) -> list[Signal]:
    adjustment = reader.number(5) & (WRAP - 1)
    reader.number(1)  # cw_index
    length = reader.number(3) & 0xFFF
    command = reader.number(1)
    # 0xFFF: an old encoder that does not say; the command's own fields tell how long it is.
    body = reader if length == 0xFFF else _Reader(reader.take(length))
    if command == _SPLICE_INSERT:
        return [_insert(body, adjustment)]
    if command != _TIME_SIGNAL:
        return []
    time = _splice_time(body, adjustment)
    loop = _Reader(reader.take(reader.number(2)))
    found = []
    while not loop.is_empty:
        tag, descriptor = loop.number(1), _Reader(loop.take(loop.number(1)))
        if tag == _SEGMENTATION and descriptor.take(4) == _CUEI:
            found.append(_segmentation(descriptor, time))
    return found or [Signal("mark", "signal", time)]


def _insert(reader: _Reader, adjustment: int) -> Signal:
    event = f"splice-{reader.number(4)}"
    if reader.number(1) & 0x80:
        return Signal("cancel", event)
    flags = reader.number(1)
    is_out, is_program, has_duration, is_immediate = (bool(flags & bit) for bit in (0x80, 0x40, 0x20, 0x10))
    time = None
    if is_program and not is_immediate:
        time = _splice_time(reader, adjustment)
    elif not is_program:  # the streams are spliced one by one: the first one's time counts
        times = []
        for _ in range(reader.number(1)):
            reader.number(1)
            times.append(None if is_immediate else _splice_time(reader, adjustment))
        time = next(iter(times), None)
    if not has_duration:
        return Signal("out" if is_out else "in", event, time)
    duration = reader.number(5)
    returns = bool(duration >> 32 & 0x80)
    return Signal("out" if is_out else "in", event, time, duration & (WRAP - 1), returns and is_out)


def _segmentation(reader: _Reader, time: int | None) -> Signal:
    number = reader.number(4)
    if reader.number(1) & 0x80:
        return Signal("cancel", f"segmentation-{number}", time)
    flags = reader.number(1)
    if not flags & 0x80:  # components
        reader.take(6 * reader.number(1))
    duration = reader.number(5) if flags & 0x40 else None
    reader.number(1)
    reader.take(reader.number(1))  # the UPID
    kind = reader.number(1)
    if kind in _OUTS or kind in _STARTS:
        return Signal("out" if kind in _OUTS else "start", f"segmentation-{kind:02x}-{number}", time, duration)
    if kind - 1 in _OUTS or kind - 1 in _STARTS:
        return Signal("in" if kind - 1 in _OUTS else "end", f"segmentation-{kind - 1:02x}-{number}", time)
    return Signal("mark", f"segmentation-{kind:02x}-{number}", time)


def _splice_time(reader: _Reader, adjustment: int) -> int | None:
    """9.8.1; None: the section says none."""
    first = reader.number(1)
    if not first & 0x80:
        return None
    return (((first & 1) << 32 | reader.number(4)) + adjustment) % WRAP


class _Reader:
    """Fields one behind the other. IndexError where there are none left."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self._data = data
        self._at = at

    @property
    def is_empty(self) -> bool:
        return self._at >= len(self._data)

    def take(self, count: int) -> bytes:
        taken = self._data[self._at : self._at + count]
        if len(taken) < count:
            raise IndexError(count)
        self._at += count
        return taken

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size))
