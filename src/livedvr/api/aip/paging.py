"""A page of a collection (AIP-158), filtered (AIP-160) and ordered (AIP-132).

A token says after which item the next page begins, by that item's place in the order: whatever is added or removed
meanwhile, each item that stays is listed once.
"""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable
from typing import Any

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from livedvr.api.aip.filter_match import compile_filter
from livedvr.api.aip.order import parse_order
from livedvr.resources.errors import InvalidArgument

DEFAULT_SIZE = 100
LARGEST_SIZE = 1000
_LONGEST_TOKEN = 8192
_DIGEST = 16  # characters, half of them bytes: against damage and mix-ups, not against forgery, which gains nothing


def list_page(messages: Iterable[Any], request: Message, item: Descriptor) -> tuple[list[Any], str]:
    """The page that a List request asks for, and the token of the next one (empty on the last).

    Args:
        messages: the whole collection, each with a ``name`` that no other has.
        request: any message with ``page_size`` and ``page_token``; ``filter`` and ``order_by`` where it has them.
        item: the descriptor of what is listed.

    Raises:
        InvalidArgument: naming page_size, page_token, filter or order_by.
    """
    size = page_size(request)
    matches = compile_filter(getattr(request, "filter", ""), item)
    order = parse_order(getattr(request, "order_by", ""), item)
    after = read_token(request, order.fits) if request.page_token else None
    keyed = [(order.key(message), message) for message in messages if matches(message)]
    if after is not None:
        keyed = [(key, message) for key, message in keyed if order.compare(key, after) > 0]
    place = order.sort_key()
    keyed.sort(key=lambda one: place(one[0]))
    page = keyed[:size]
    token = write_token(request, page[-1][0]) if len(keyed) > size else ""
    return [message for _, message in page], token


def reach(request: Message, item: Descriptor) -> tuple[str, int]:
    """What of a collection in the order of its names `list_page` needs: (after this name, so many). -1: all of it.

    Raises:
        InvalidArgument: as `list_page`.
    """
    if getattr(request, "filter", "") or getattr(request, "order_by", ""):
        return "", -1
    (name,) = read_token(request, parse_order("", item).fits) if request.page_token else ([],)
    return (name[0] if name else ""), page_size(request) + 1


def page_size(request: Message, default: int = DEFAULT_SIZE, largest: int = LARGEST_SIZE) -> int:
    """How many items a page has; more than ``largest`` are not refused (AIP-158). InvalidArgument: negative."""
    if request.page_size < 0:
        raise InvalidArgument("it is negative", field="page_size", hint=f"1 to {largest}, 0 for {default}")
    return min(request.page_size or default, largest)


def _digest(request: Message, position: str) -> str:
    """Of the list (all that the request says but for its page) and of the position in it."""
    same = type(request)()
    same.CopyFrom(request)
    same.ClearField("page_size")
    same.ClearField("page_token")
    digest = hashlib.sha256(request.DESCRIPTOR.full_name.encode() + b"\0")
    digest.update(same.SerializeToString(deterministic=True))
    digest.update(hashlib.sha256(position.encode()).digest())
    return digest.hexdigest()[:_DIGEST]


def write_token(request: Message, key: Any) -> str:
    """The token of the page behind ``key``, which JSON can carry; of no other list."""
    position = json.dumps(key, separators=(",", ":"))
    return _encode(_digest(request, position) + position)


def _encode(text: str) -> str:
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_token(request: Message, fits: Callable[[Any], bool]) -> Any:
    """The key in the request's token. ``fits``: whether it is one; InvalidArgument otherwise."""
    token: str = request.page_token
    try:
        if len(token) > _LONGEST_TOKEN:
            raise ValueError("too long")
        text = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4)).decode("ascii")
        key = json.loads(text[_DIGEST:])
        if _encode(text) == token and text[:_DIGEST] == _digest(request, text[_DIGEST:]) and fits(key):
            return key
    except (ValueError, RecursionError):
        pass
    raise InvalidArgument(
        "it is damaged, or of a list with another parent, filter or order", field="page_token", hint="begin without one"
    )
