"""Times, windows and labels as commands take them. Pure; INVALID_ARGUMENT names the option."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from livedvr.resources.errors import InvalidArgument
from livedvr.resources.models import TimeInterval, to_datetime
from livedvr.resources.times import format_time, parse_duration, parse_time


def moment(text: str | None, now: int, field: str) -> datetime | None:
    """RFC 3339, ``now``, ``-10m``, ``+1h``."""
    return None if text is None else to_datetime(parse_time(text, now, field=field))


def length(text: str | None) -> timedelta | None:
    """What `--duration` says."""
    return None if text is None else timedelta(microseconds=parse_duration(text, field="--duration"))


def window(text: str, now: int, field: str) -> TimeInterval:
    """``START/END``, either of them ``..`` or nothing."""
    start, slash, end = text.partition("/")
    if not slash:
        raise InvalidArgument(f"'{text}' is not a window", field=field, hint="write START/END, START/.. or ../END")
    return TimeInterval(
        start_time=moment(None if start in ("", "..") else start, now, field),
        end_time=moment(None if end in ("", "..") else end, now, field),
    )


def windows_of(given: Mapping[str, Any], now: int, field: str = "--window") -> list[TimeInterval]:
    """The windows of something new: ``--window``, repeatable, else ``--start`` with ``--end`` or ``--duration``."""
    one_by_one(given, field)
    if given["windows"]:
        return [window(text, now, field) for text in given["windows"]]
    duration = length(given["duration"])
    start, end = moment(given["start"], now, "--start"), moment(given["end"], now, "--end")
    if duration is not None:
        start = start or to_datetime(now)
        try:
            end = start + duration
        except OverflowError:
            raise InvalidArgument("it would end after the year 9999", field="--duration") from None
    return [TimeInterval(start_time=start, end_time=end)]


def one_by_one(given: Mapping[str, Any], field: str = "--window") -> None:
    """INVALID_ARGUMENT for options that say the same in two ways."""
    named = [name for name in ("start", "end", "duration") if given[name] is not None]
    if given["windows"] and named:
        raise InvalidArgument(f"{field} says it all", field=f"--{named[0]}", hint="give one or the other")
    if {"end", "duration"} <= set(named):
        raise InvalidArgument("--end and --duration exclude each other", field="--duration", hint="give one of them")


def label(text: str) -> tuple[str, str | None]:
    """``K=V``; None for the value of ``K=``."""
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise InvalidArgument(f"'{text}' is not a label", field="--label", hint="write K=V, or K= to remove it")
    return key, value or None


def new_labels(texts: Sequence[str]) -> dict[str, str]:
    """The labels of something new."""
    return {key: value or "" for key, value in map(label, texts)}


def in_json(interval: TimeInterval) -> dict[str, str]:
    """``startTime`` and ``endTime``, those that there are."""
    shown: dict[str, str] = interval.model_dump(mode="json", by_alias=True, exclude_none=True)
    return shown


def as_written(interval: Mapping[str, str | None]) -> str:
    """A window of the API's JSON as `--window` takes it."""
    return f"{time_of(interval.get('startTime'))}/{time_of(interval.get('endTime'))}"


def time_of(text: str | None) -> str:
    """A time of the API's JSON with milliseconds; ``..`` for none."""
    return ".." if text is None else format_time(parse_time(text, 0, field="time"))
