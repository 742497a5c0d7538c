"""Between protobuf's times and durations and ours, and between a message and its row."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import lru_cache
from typing import Any

from google.protobuf import json_format

from livedvr.catalog.api_rows import ResourceRow
from livedvr.resources.times import SECOND


def set_time(target: Any, micros: int) -> None:
    """Fill a google.protobuf.Timestamp with UTC microseconds."""
    target.seconds, target.nanos = micros // SECOND, micros % SECOND * 1000


def micros_of(message: Any) -> int:
    """A Timestamp or Duration as microseconds; nanoseconds are cut off."""
    return int(message.seconds) * SECOND + int(message.nanos) // 1000


def to_timedelta(message: Any) -> timedelta:
    """A google.protobuf.Duration."""
    return timedelta(microseconds=micros_of(message))


def to_row(message: Any, created: int, updated: int, domain: str | None = None) -> ResourceRow:
    """A resource as it is stored."""
    return ResourceRow(message.name, json_format.MessageToJson(message, indent=None), created, updated, domain)


def from_row(row: ResourceRow, kind: Callable[[], Any]) -> Any:
    """The stored resource, with its times. ``kind``: its class."""
    message = kind()
    message.CopyFrom(_parsed(row.resource, kind))
    set_time(message.create_time, row.created)
    set_time(message.update_time, row.updated)
    return message


@lru_cache(maxsize=512)
def _parsed(text: str, kind: Callable[[], Any]) -> Any:
    """The message that a text says; not to be changed. (Reading JSON is half of what a poll costs.)"""
    return json_format.Parse(text, kind())
