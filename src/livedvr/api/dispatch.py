"""The handler table: what both doors ask. One request's way: names checked, answered before?, handled."""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import reduce
from typing import Any

from livedvr.api.aip.request_id import check_request_id
from livedvr.api.call import Call
from livedvr.api.methods import METHODS, Method
from livedvr.api.names import check_name
from livedvr.catalog import api_rows
from livedvr.catalog.catalog import Catalog
from livedvr.resources.errors import InvalidArgument, LiveDvrError
from livedvr.wallclock import WallClock

Handler = Callable[[Call], Awaitable[Any]]

_log = logging.getLogger(__name__)


class InternalError(LiveDvrError):
    """A defect of ours: the log has it, the client is told no more than that."""


class Dispatcher:
    """Every method of the API, answered. ``collections``: objects that have the handlers by name."""

    def __init__(self, collections: Sequence[object], catalog: Catalog, clock: WallClock) -> None:
        self._handlers = handlers_of(collections)
        self._catalog = catalog
        self._clock = clock
        self._same: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()
        self._changes: set[asyncio.Task[Any]] = set()

    async def answer(self, method: Method, request: Any) -> Any:
        """The response. Raises LiveDvrError, and nothing else."""
        try:
            field = method.variable
            check_name(reduce(getattr, field.split("."), request), method.pattern, field=field)
            call = Call(method, request, self._clock.now())
            check_request_id(call.request_id)
            return await (self._handle(call) if method.reads else self._whole(call))
        except LiveDvrError as error:
            if error.field == "name":  # in an update it is the resource's (AIP-134)
                error.field = method.variable
            raise
        except Exception:  # noqa: BLE001 - a defect in one answer must not end the server
            _log.exception("%s", method.rpc)
            raise InternalError("internal error, see the server's log") from None

    async def close(self) -> None:
        """Changes that are under way end here: what they have stored is carried on by the next controller."""
        for task in self._changes:
            task.cancel()
        await asyncio.gather(*self._changes, return_exceptions=True)

    async def idle(self) -> None:
        """Return when no change is under way."""
        while self._changes:
            await asyncio.wait(self._changes)

    async def _whole(self, call: Call) -> Any:
        """A change is made to its end also when whoever asked has gone: gRPC cancels the handler then."""
        task = asyncio.create_task(self._handle(call), name=call.method.rpc)
        self._changes.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._changes.discard(task)
        if not task.cancelled():
            task.exception()  # nobody may be left to take it

    async def _handle(self, call: Call) -> Any:
        handler = self._handlers[call.method.handler]
        if not call.request_id:
            return await handler(call)
        async with self._same.setdefault(call.request_id, asyncio.Lock()):
            return self._answered(call) or await handler(call)

    def _answered(self, call: Call) -> Any | None:
        """What the same request was answered (AIP-155)."""
        row = self._catalog.read(lambda db: api_rows.find_answer(db, call.request_id))
        if row is None:
            return None
        if row.digest != call.digest:
            raise InvalidArgument(
                "another request had this id", field="request_id", hint="use a new UUID for each new request"
            )
        return call.method.response.FromString(row.answer)


def handlers_of(collections: Sequence[object]) -> Mapping[str, Handler]:
    """The handler of each method; each has exactly one."""
    table: dict[str, Handler] = {}
    for method in METHODS:
        (owner,) = [one for one in collections if hasattr(one, method.handler)]
        table[method.handler] = getattr(owner, method.handler)
    return table
