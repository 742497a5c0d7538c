"""A page of a collection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from livedvr.api.call import Call


def page(call: Call, field: str, messages: Sequence[Any]) -> Any:
    """The response with what is asked for of ``messages``."""
    answer = call.method.response()
    getattr(answer, field).extend(messages)
    return answer
