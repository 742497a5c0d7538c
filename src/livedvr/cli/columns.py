"""Text for people: a table, and everything that is in a resource. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def columns(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A line per row below the header; nothing is cut off."""
    lines = [header, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    for line in lines:
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()


def outline(resource: Mapping[str, Any]) -> Iterator[str]:
    """A line per field, what is in it indented below it; fields of one level stand in a column."""
    width = max((len(key) for key in resource), default=0)
    for key, value in resource.items():
        if isinstance(value, Mapping):
            yield key
            yield from (f"  {line}" for line in outline(value))
        elif isinstance(value, list) and any(isinstance(one, Mapping) for one in value):
            for i, one in enumerate(value):
                yield f"{key}[{i}]"
                yield from (f"  {line}" for line in outline(one))
        else:
            yield f"{key.ljust(width)}  {_scalar(value)}"


def labels(given: Mapping[str, str]) -> str:
    """Labels as `--label` takes them."""
    return " ".join(f"{key}={value}" for key, value in sorted(given.items()))


def _scalar(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(str(one) for one in value)
    return str(value).lower() if isinstance(value, bool) else str(value)
