"""Times and durations as users write them, and as the product counts them.

A time is an integer of microseconds since the Unix epoch (UTC), a duration an integer of microseconds:
no float ever decides anything.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from livedvr.resources.errors import InvalidArgument

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 3600 * SECOND

_UNITS = {"ms": 1_000, "s": SECOND, "m": MINUTE, "h": HOUR, "d": 24 * HOUR}
_PART = re.compile(r"(\d+)(?:\.(\d{1,6}))?(ms|s|m|h|d)")
_LONGEST = 100 * 365 * 24 * HOUR
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_YEAR_9999 = (datetime(9999, 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)


def parse_duration(text: str, *, field: str) -> int:
    """``30s``, ``1h30m``, ``2.5s``, ``500ms`` or a plain number of seconds -> microseconds (> 0)."""
    total = 0
    rest = text.strip()
    if re.fullmatch(r"\d+(\.\d+)?", rest):
        rest += "s"
    while rest:
        part = _PART.match(rest)
        if part is None:
            raise InvalidArgument(f"'{text}' is not a duration", field=field, hint="write 30s, 10m, 1h30m or 2.5s")
        whole, fraction, unit = part.groups()
        total += int(whole) * _UNITS[unit] + int((fraction or "0").ljust(6, "0")) * _UNITS[unit] // SECOND
        rest = rest[part.end() :]
    if total > _LONGEST:
        raise InvalidArgument(f"'{text}' is too long", field=field, hint="a hundred years at most")
    if total <= 0:
        raise InvalidArgument(f"'{text}' is no time at all", field=field, hint="a duration is longer than zero")
    return total


def parse_offset(text: str, *, field: str) -> int:
    """``0``, a duration, or a negative one (``-30s``) -> microseconds."""
    stripped = text.strip()
    if re.fullmatch(r"-?0+(ms|s|m|h|d)?", stripped):
        return 0
    negative = stripped.startswith("-")
    offset = parse_duration(stripped[1:] if negative else stripped, field=field)
    return -offset if negative else offset


def parse_time(text: str, now: int, *, field: str) -> int:
    """RFC 3339, ``now``, ``-10m`` or ``+1h`` -> microseconds since the epoch."""
    stripped = text.strip()
    if stripped == "now":
        return now
    if stripped[:1] in ("-", "+"):
        offset = parse_duration(stripped[1:], field=field)
        moved = now - offset if stripped[0] == "-" else now + offset
        if not 0 <= moved < _YEAR_9999:
            raise InvalidArgument(f"'{text}' is no time of this era", field=field, hint="1970 to 9998")
        return moved
    try:
        moment = datetime.fromisoformat(stripped)
        if moment.tzinfo is None:
            raise ValueError("no zone")
        return (moment - _EPOCH) // timedelta(microseconds=1)
    except (ValueError, OverflowError) as error:
        raise InvalidArgument(
            f"'{text}' is not a time", field=field, hint="write 2026-11-21T14:00:00Z, now, -10m or +1h"
        ) from error


def format_time(micros: int) -> str:
    """UTC with milliseconds and ``Z``, the form of EXT-X-PROGRAM-DATE-TIME (SEMANTICS P5); rounds half up."""
    moment = _EPOCH + timedelta(milliseconds=(micros + 500) // 1000)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def format_seconds(micros: int) -> str:
    """Seconds with six decimals, exactly (EXTINF)."""
    return f"{micros // SECOND}.{micros % SECOND:06d}"


def round_half_up(micros: int) -> int:
    """Whole seconds the way HLS clients round an EXTINF (RFC 8216bis 4.4.3.1): 6.5 s is 7, never 6."""
    return (2 * micros + SECOND) // (2 * SECOND)
