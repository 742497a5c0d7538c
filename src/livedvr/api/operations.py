"""Long-running operations (AIP-151): durable rows. What can be accepted at once is done in its resource's transaction;
the rest is carried out by a task, and by the next controller when this one dies in the middle."""

from __future__ import annotations

import asyncio
import logging
import secrets
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Generic, TypeVar

from google.cloud.video.live_stream_v1 import types
from google.longrunning import operations_pb2
from google.protobuf import any_pb2, json_format
from google.rpc import code_pb2, status_pb2

from livedvr.api.aip.paging import reach
from livedvr.api.call import Call
from livedvr.api.insisting import insist
from livedvr.api.listing import page
from livedvr.api.messages import set_time
from livedvr.api.names import location_of
from livedvr.api.status import to_status
from livedvr.catalog import api_rows
from livedvr.catalog.api_rows import OperationRow
from livedvr.catalog.catalog import Catalog
from livedvr.resources.errors import LiveDvrError, NotFound
from livedvr.resources.times import HOUR
from livedvr.wallclock import WallClock

OPERATIONS_KEPT = 30 * 24 * HOUR  # after they have ended, as the original does
ANSWERS_KEPT = 24 * HOUR  # the API's minimum is an hour

T = TypeVar("T")
Work = Callable[[str], Awaitable[Any]]
"""Carries a verb out on the resource of this name and returns the operation's response; the same again is success."""

_log = logging.getLogger(__name__)


class Acceptance(Generic[T]):
    """An operation that is done in its resource's transaction: hand it to the domain as ``also``, then take ``answer``.

    ``store``: from the connection and the resource as it is accepted to the operation's response.
    """

    def __init__(
        self, operations: Operations, call: Call, target: str, verb: str, store: Callable[[sqlite3.Connection, T], Any]
    ) -> None:
        self._operations = operations
        self._call = call
        self._target = target
        self._verb = verb
        self._store = store
        self.answer: Any = None

    def __call__(self, db: sqlite3.Connection, resource: T) -> None:
        """In the transaction that stores the resource."""
        response = self._store(db, resource)
        self.answer = self._operations.accept(db, self._call, self._target, self._verb, response)


class Promise:
    """An operation that is to be carried out, see `Operations.promise`: store it, then have it carried out."""

    def __init__(self, call: Call, row: OperationRow) -> None:
        self._call = call
        self.row = row
        self.answer = to_message(row)

    def __call__(self, db: sqlite3.Connection) -> None:
        """In the transaction from which on there is no way back."""
        api_rows.put_operation(db, self.row)
        self._call.sign(db, self.answer)


class Operations:
    """The operations of all locations. ``running``: the tasks that carry them out."""

    def __init__(self, catalog: Catalog, clock: WallClock, tasks: asyncio.TaskGroup) -> None:
        self._catalog = catalog
        self._clock = clock
        self._tasks = tasks
        self._works: dict[str, Work] = {}
        self.running: set[asyncio.Task[None]] = set()

    def register(self, works: Mapping[str, Work]) -> None:
        """Know how these are carried out: by ``channels.start`` and the like, for what takes its time."""
        self._works |= works

    def accept(self, db: sqlite3.Connection, call: Call, target: str, verb: str, response: Any) -> Any:
        """An operation that is done as soon as it is accepted, in the transaction of its resource."""
        row = OperationRow(_new_name(target, call.now), target, verb, call.now, call.now, outcome=_response(response))
        api_rows.put_operation(db, row)
        answer = to_message(row)
        call.sign(db, answer)
        return answer

    async def begin(self, call: Call, target: str, verb: str) -> Any:
        """An operation that is promised now and carried out from now on."""
        promise = self.promise(call, target, verb)
        await self._catalog.write(promise)
        return self.keep(promise)

    def promise(self, call: Call, target: str, verb: str) -> Promise:
        """An operation that the domain stores in a transaction of its own; `keep` it then."""
        return Promise(call, OperationRow(_new_name(target, call.now), target, verb, call.now))

    def keep(self, promise: Promise) -> Any:
        """Carry out from now on what is promised and stored. Returns the operation."""
        self._carry_on(promise.row)
        return promise.answer

    def resume(self) -> None:
        """Carry on what an earlier controller has promised."""
        for row in self._catalog.read(api_rows.open_operations):
            self._carry_on(row)

    async def keep_house(self) -> None:
        """Old records go, now and each hour, until cancelled."""
        while True:
            await self.forget_old()
            await self._clock.wait(asyncio.Event(), HOUR)

    async def forget_old(self) -> None:
        """Old records go."""
        now = self._clock.now()
        old = (now - OPERATIONS_KEPT, now - ANSWERS_KEPT)
        await insist(self._catalog, self._clock, lambda db: api_rows.forget_old(db, *old))

    def close(self) -> None:
        """Leave what is under way to the next controller."""
        for task in self.running:
            task.cancel()

    def _carry_on(self, row: OperationRow) -> None:
        task = self._tasks.create_task(self._carry_out(row), name=f"{row.verb} {row.target}")
        self.running.add(task)
        task.add_done_callback(self.running.discard)

    async def _carry_out(self, row: OperationRow) -> None:
        work = self._works[f"{row.target.split('/')[-2]}.{row.verb}"]
        try:
            outcome = _response(await work(row.target))
        except LiveDvrError as error:
            outcome = _error(to_status(error))
        except Exception:  # noqa: BLE001 - a defect in one operation must not end the server
            _log.exception("%s of %s", row.verb, row.target)
            outcome = _error(status_pb2.Status(code=code_pb2.INTERNAL, message="internal error, see the server's log"))
        ended = self._clock.now()

        def end(db: sqlite3.Connection) -> None:
            found = api_rows.get_operation(db, row.name)
            if found is not None:  # else its record has been deleted meanwhile
                api_rows.put_operation(db, replace(found, ended=ended, outcome=outcome))

        await insist(self._catalog, self._clock, end)

    # the collection

    def _row(self, name: str) -> OperationRow:
        row = self._catalog.read(lambda db: api_rows.get_operation(db, name))
        if row is None:
            raise NotFound(f"there is no operation '{name}'", field="name")
        return row

    async def get_operation(self, call: Call) -> Any:
        """How it stands."""
        return to_message(self._row(call.request.name))

    async def list_operations(self, call: Call) -> Any:
        """A location's operations."""
        collection = f"{call.request.name}/operations"
        # Tens of thousands in 30 days, each to be parsed: no more than it takes, and not where playlists are published.
        after, most = reach(call.request, operations_pb2.Operation.DESCRIPTOR)
        rows = self._catalog.read(lambda db: api_rows.list_operations(db, collection, after, most))
        return await asyncio.to_thread(lambda: page(call, "operations", [to_message(row) for row in rows]))

    async def cancel_operation(self, call: Call) -> Any:
        """Best effort (AIP-151): that it was asked for is noted; what is begun is carried out all the same."""
        name = self._row(call.request.name).name

        def work(db: sqlite3.Connection) -> None:
            row = api_rows.get_operation(db, name)  # read here: it may be ending just now, and what has ended stays so
            if row is not None and row.ended is None:
                api_rows.put_operation(db, replace(row, cancelled=True))

        await self._catalog.write(work)
        return call.method.response()

    async def delete_operation(self, call: Call) -> Any:
        """Its record goes; the operation itself is not disturbed."""
        row = self._row(call.request.name)
        await self._catalog.write(lambda db: api_rows.delete_operation(db, row.name))
        return call.method.response()


def to_message(row: OperationRow) -> Any:
    """google.longrunning.Operation. It is parsed strictly: nothing in it that the client does not know."""
    metadata = types.OperationMetadata.pb()(
        target=row.target, verb=row.verb, requested_cancellation=row.cancelled, api_version="v1"
    )
    set_time(metadata.create_time, row.created)
    if row.ended is not None:
        set_time(metadata.end_time, row.ended)
    message = operations_pb2.Operation(name=row.name, done=row.ended is not None)
    if row.outcome is not None:
        json_format.Parse(row.outcome, message)
    message.metadata.Pack(metadata)
    return message


def _response(message: Any) -> str:
    packed = any_pb2.Any()
    packed.Pack(message)
    return str(json_format.MessageToJson(operations_pb2.Operation(response=packed), indent=None))


def _error(status: status_pb2.Status) -> str:
    # Only the code and the text: a polled operation with an unknown detail type crashes the client.
    bare = status_pb2.Status(code=status.code, message=status.message)
    return str(json_format.MessageToJson(operations_pb2.Operation(error=bare), indent=None))


def _new_name(target: str, now: int) -> str:
    return f"{location_of(target)}/operations/operation-{now // 1000}-{secrets.token_hex(6)}"
