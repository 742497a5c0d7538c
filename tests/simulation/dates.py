"""EXT-X-PROGRAM-DATE-TIME read again, without the product's help."""

from __future__ import annotations

import calendar
from functools import lru_cache


@lru_cache(maxsize=4096)
def _minute(text: str) -> int:
    year, month, day, hour, minute = (int(text[a:b]) for a, b in ((0, 4), (5, 7), (8, 10), (11, 13), (14, 16)))
    return calendar.timegm((year, month, day, hour, minute, 0))


def parse_date(text: str) -> int:
    """``2026-11-21T02:00:00.000Z`` -> UTC microseconds."""
    assert text.endswith("Z") and len(text) == 24, text
    return (_minute(text[:16]) + int(text[17:19])) * 1_000_000 + int(text[20:23]) * 1_000
