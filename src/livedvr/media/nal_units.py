"""The NAL units of an access unit of H.264 or H.265. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

_START_CODE = re.compile(b"\0\0\1")


def units_of(packet: bytes, *, in_mp4: bool) -> Iterator[bytes]:
    """Each, none of them empty; of a byte stream (annex B), or as MP4 has them."""
    if in_mp4:  # behind its length (ISO/IEC 14496-15 5.3.4.2), of four bytes as ffmpeg writes it
        at = 0
        while at + 4 < len(packet):
            length = int.from_bytes(packet[at : at + 4], "big")
            if length:
                yield packet[at + 4 : at + 4 + length]
            at += 4 + length
        return
    starts = [found.end() for found in _START_CODE.finditer(packet)]
    for start, end in zip(starts, [*(one - 3 for one in starts[1:]), len(packet)], strict=False):
        if start < end:
            yield packet[start:end]
