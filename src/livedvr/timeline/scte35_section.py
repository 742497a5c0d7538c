"""SCTE-35 messages of our own: splice_insert as a section (ANSI/SCTE 35 9.6.1 and 9.7.3). Pure.

What they are about stands beside them, in EXT-X-DATERANGE; the source's clock, in which they would say a time, is not
that of a playlist. So they speak of now (splice_immediate).
"""

from __future__ import annotations

from livedvr.timeline.scte35 import TICKS, WRAP, crc_32

LARGEST_EVENT = (1 << 32) - 1
LONGEST = (WRAP - 1) * 1_000_000 // TICKS  # microseconds: what a break_duration can say

_SPLICE_INSERT = 0x05
_OUT, _PROGRAM, _HAS_DURATION, _IMMEDIATE, _RESERVED = 0x80, 0x40, 0x20, 0x10, 0x0F  # the flags of 9.7.3
_AUTO_RETURN = 0xFE  # and the reserved bits before a break_duration (9.8.2)


def splice_out(event: int, duration: int) -> bytes:
    """Out of the network for ``duration`` microseconds; the way back comes by itself then."""
    length = round(duration * TICKS / 1_000_000)
    return _splice(event, _OUT | _HAS_DURATION, (_AUTO_RETURN << 32 | length).to_bytes(5))


def splice_in(event: int) -> bytes:
    """Back into the network, before the event's duration is over."""
    return _splice(event, 0, b"")


def _splice(event: int, flags: int, duration: bytes) -> bytes:
    # splice_event_id, not cancelled; then what of it, and no program id and no avails.
    body = event.to_bytes(4) + b"\x7f" + bytes([flags | _PROGRAM | _IMMEDIATE | _RESERVED]) + duration + bytes(4)
    # Protocol version 0, not encrypted, no pts_adjustment, cw_index 0; tier 0xFFF: for everybody (9.6.1).
    rest = bytes(7) + (0xFFF000 | len(body)).to_bytes(3) + bytes([_SPLICE_INSERT]) + body + bytes(2)  # no descriptors
    section = b"\xfc" + (0x3000 | len(rest) + 4).to_bytes(2) + rest
    return section + crc_32(section).to_bytes(4)
