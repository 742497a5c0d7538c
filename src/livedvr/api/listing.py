"""A page of a collection (AIP-158), as its response has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from livedvr.api.aip.paging import list_page
from livedvr.api.call import Call


def page(call: Call, field: str, messages: Sequence[Any]) -> Any:
    """The response with what the request asks for of ``messages``. ``field``: the response's that has the items."""
    answer = call.method.response()
    item = answer.DESCRIPTOR.fields_by_name[field].message_type
    items, answer.next_page_token = list_page(messages, call.request, item)
    getattr(answer, field).extend(items)
    return answer
