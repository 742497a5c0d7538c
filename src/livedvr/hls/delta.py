"""Delivery directives: what a playlist offers, and its delta update (RFC 8216bis 4.4.3.8, 6.2.5.1). Pure text.

Works on playlists as `livedvr.hls.media_playlist` writes them: a segment's URI stands right behind its EXTINF.
"""

from __future__ import annotations

import re

from livedvr.resources.times import SECOND

SKIP_TARGETS = 6  # 4.4.3.8: CAN-SKIP-UNTIL is at least that many target durations

_TARGET = re.compile(rb"^#EXT-X-TARGETDURATION:(\d+)\n", re.MULTILINE)
_VERSION = re.compile(rb"^#EXT-X-VERSION:\d+$", re.MULTILINE)
_HEAD = re.compile(
    rb"(?:#(?:EXTM3U|EXT-X-(?:VERSION|TARGETDURATION|MEDIA-SEQUENCE|DISCONTINUITY-SEQUENCE|PLAYLIST-TYPE|START"
    rb"|SERVER-CONTROL))\b.*\n)*"
)
_RANGE = re.compile(rb"^#EXT-X-DATERANGE:.*\n", re.MULTILINE)
_EXTINF = b"\n#EXTINF:"


def offer_delivery(text: bytes) -> bytes:
    """The media playlist with the line that offers delta updates and blocking reload."""
    found = _TARGET.search(text)
    assert found is not None, "a media playlist has a target duration"
    line = b"#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=%d.0\n" % (SKIP_TARGETS * int(found[1]))
    return text[: found.end()] + line + text[found.end() :]


def delta_update(text: bytes) -> bytes:
    """What `offer_delivery` has made, with EXT-X-SKIP for what lies before its skip boundary; whole if nothing does.

    Date ranges are no part of the segments (CAN-SKIP-DATERANGES is not offered), so all of them stay. A playlist that
    has ended is never shortened. Costs what is kept, and a look for date ranges.
    """
    found, head = _TARGET.search(text), _HEAD.match(text)
    if found is None or head is None or text.endswith(b"#EXT-X-ENDLIST\n"):
        return text
    boundary = _boundary(text, SKIP_TARGETS * int(found[1]) * SECOND)
    skipped = text[head.end() - 1 : boundary]
    count = skipped.count(_EXTINF)
    if boundary <= head.end() or not count:
        return text
    begin = _VERSION.sub(b"#EXT-X-VERSION:9", head[0])  # section 8: EXT-X-SKIP
    ranges = b"".join(_RANGE.findall(skipped)) if b"#EXT-X-DATERANGE" in skipped else b""
    return b"%s#EXT-X-SKIP:SKIPPED-SEGMENTS=%d\n%s%s" % (begin, count, ranges, text[boundary:])


def _boundary(text: bytes, kept: int) -> int:
    """Where the oldest segment begins that ends less than ``kept`` microseconds before the end; 0: all of them do."""
    position = len(text)
    while kept > 0 and (position := text.rfind(_EXTINF, 0, position)) > 0:
        kept -= _micros(text[position + len(_EXTINF) : text.index(b",", position)])
    before = text.rfind(_EXTINF, 0, max(0, position))
    if position <= 0 or before < 0:
        return 0
    uri = text.index(b"\n", before + 1) + 1
    return text.index(b"\n", uri) + 1


def _micros(seconds: bytes) -> int:
    """Of an EXTINF with six decimals."""
    return int(seconds.replace(b".", b""))
