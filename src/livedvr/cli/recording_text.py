"""What `livedvr recording` prints for people. Pure; a recording is the JSON of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from pydantic import TypeAdapter

from livedvr.cli.arguments import as_written, time_of
from livedvr.cli.columns import columns, labels

_HEADER = ("RECORDING", "STATE", "ENDED BY", "DURATION", "CREATED", "LABELS")
_DURATION = TypeAdapter(timedelta)

Shown = Mapping[str, Any]


def table(recordings: Sequence[Shown]) -> Iterator[str]:
    """A line per recording below a header; ``-`` for what is not there, or not yet."""
    return columns(_HEADER, [_row(one) for one in recordings])


def _row(recording: Shown) -> tuple[str, ...]:
    return (
        recording["recordingId"],
        recording["state"],
        recording["endReason"] or "-",
        _length(recording["duration"]) if recording["files"] else "-",
        time_of(recording["createTime"]),
        labels(recording["spec"]["labels"]) or "-",
    )


def details(recording: Shown) -> Iterator[str]:
    """What has become of it: spans while it records, files when they are made."""
    reason = f" ({recording['endReason']})" if recording["endReason"] else ""
    yield f"{recording['recordingId']}: {recording['state']}{reason} {recording['spec']['outputUri']}"
    if recording["state"] == "EMPTY":
        has_media = _DURATION.validate_python(recording["duration"]) > timedelta(0)
        yield f"  empty     {'it is silent throughout' if has_media else 'no media came'}"
    if recording["error"]:
        yield f"  error     {recording['error']}"
    for span in recording["spans"]:
        yield f"  span      {as_written(span)}"
    for file in recording["files"]:
        yield f"  file      {file['uri']}: {file['format']}, {_length(file['duration'])}, {file['sizeBytes']} bytes"
    for key, value in sorted(recording["spec"]["labels"].items()):
        yield f"  label     {key}={value}"
    yield f"  created   {time_of(recording['createTime'])}"
    yield f"  updated   {time_of(recording['updateTime'])}"


def _length(duration: str) -> str:
    """Of ``PT1M2.5S``."""
    return f"{_DURATION.validate_python(duration).total_seconds():.3f} s"
