"""A page of a list, the newest first (AIP-158). Only so much is read of the catalog as the page needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from livedvr.api.aip.paging import page_size, read_token, write_token

DEFAULT_SIZE, LARGEST_SIZE = 10, 100  # recordings.proto, calls.proto
MOST_LOOKED_AT = 1000  # for one page: one that finds little is short, and has a token
_BATCH = 100
_NEWEST = 2**63 - 1

Rows = Sequence[tuple[int, Any]]
"""Places, which fall, and what stands there: a message, or None where there is nothing to be seen."""


def page(request: Any, read: Callable[[int, int], Rows]) -> tuple[list[Any], str]:
    """The page that a List request asks for, and the token of the next one (empty on the last).

    Args:
        read: the newest below a place, so many.

    Raises:
        InvalidArgument: naming page_size or page_token.
    """
    size = page_size(request, DEFAULT_SIZE, LARGEST_SIZE)
    before = read_token(request, _is_place)[0] if request.page_token else _NEWEST
    found: list[Any] = []
    for _ in range(MOST_LOOKED_AT // _BATCH):
        rows = read(before, _BATCH)
        for place, message in rows:
            if message is not None and len(found) == size:
                return found, write_token(request, [before])
            if message is not None:
                found.append(message)
            before = place
        if len(rows) < _BATCH:
            return found, ""
    return found, write_token(request, [before])


def _is_place(key: Any) -> bool:
    return isinstance(key, list) and len(key) == 1 and type(key[0]) is int and 0 <= key[0] < _NEWEST
