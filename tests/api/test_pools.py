from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from google.cloud.video.live_stream_v1 import types

from builders import T0
from livedvr.api.call import Call
from livedvr.api.messages import from_row, to_row
from livedvr.api.methods import METHODS
from livedvr.api.pools import PoolMessage, Pools

NAME = "projects/p/locations/l/pools/default"
(UPDATE,) = (method for method in METHODS if method.rpc == "UpdatePool")


async def test_what_comes_in_between_is_not_undone() -> None:
    """The pool and the row that it is held against are of one look: another request is done between two."""
    rows = [to_row(PoolMessage(name=NAME, labels=labels), T0, T0) for labels in ({"a": "1"}, {"a": "1", "b": "2"})]
    found = iter(rows)
    kept: list[tuple[Any, Any]] = []

    async def accept(call: Call, verb: str, stored: Any, before: Any) -> None:
        kept.append((stored, before))

    desk: Any = SimpleNamespace(find=lambda name: next(found), accept=accept)
    request = types.UpdatePoolRequest.pb()(pool=PoolMessage(name=NAME, labels={"c": "3"}))
    request.update_mask.paths.append("labels.c")
    await Pools(desk).update_pool(Call(UPDATE, request, T0))
    ((stored, before),) = kept
    assert dict(stored.labels) == dict(from_row(before, PoolMessage).labels) | {"c": "3"}
