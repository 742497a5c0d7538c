from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from google.cloud.video.live_stream_v1 import types
from google.longrunning import operations_pb2
from google.protobuf import empty_pb2, json_format
from google.rpc import code_pb2

from builders import T0, FakeClock
from livedvr.api.call import Call
from livedvr.api.dispatch import Dispatcher, InternalError
from livedvr.api.methods import METHODS
from livedvr.api.operations import ANSWERS_KEPT, OPERATIONS_KEPT, Operations
from livedvr.catalog import api_rows
from livedvr.catalog.catalog import Catalog
from livedvr.resources.errors import FailedPrecondition, InvalidArgument, NotFound
from livedvr.resources.times import SECOND

BY_NAME = {method.handler: method for method in METHODS}
CHANNEL = "projects/p/locations/l/channels/c"
UUID = "6f1c8d5e-0b0c-4f3f-9f5e-1f2d3c4b5a69"


@pytest.fixture
async def catalog(tmp_path: Path) -> AsyncIterator[Catalog]:
    catalog = Catalog(tmp_path / "catalog.sqlite3")
    yield catalog
    catalog.close()


def start(request_id: str = "") -> Call:
    return Call(BY_NAME["start_channel"], types.StartChannelRequest.pb()(name=CHANNEL, request_id=request_id), T0)


def asked(handler: str, **fields: Any) -> Call:
    method = BY_NAME[handler]
    return Call(method, method.request(**fields), T0)


class Controller:
    """Operations as a controller has them; ``works`` are told what to carry out."""

    def __init__(self, catalog: Catalog, tasks: asyncio.TaskGroup) -> None:
        self.clock = FakeClock()
        self.operations = Operations(catalog, self.clock, tasks)
        self.carried_out: list[str] = []
        self.may_end = asyncio.Event()
        self.error: Exception | None = None
        self.operations.register({"channels.start": self._start})

    async def _start(self, name: str) -> Any:
        await self.may_end.wait()
        self.carried_out.append(name)
        if self.error is not None:
            raise self.error
        return types.ChannelOperationResponse.pb()()

    async def ended(self, name: str) -> Any:
        """The operation, when the tasks that carry operations out have ended."""
        while running := self.operations.running:
            await asyncio.wait(running)
        return await self.operations.get_operation(asked("get_operation", name=name))


def parsed_strictly(message: Any) -> Any:
    """As the client's poller does: an unknown field or type is an error."""
    text = json_format.MessageToJson(message)
    return json_format.Parse(text, operations_pb2.Operation(), ignore_unknown_fields=False)


async def test_what_is_begun_is_carried_out(catalog: Catalog) -> None:
    async with asyncio.TaskGroup() as tasks:
        controller = Controller(catalog, tasks)
        begun = await controller.operations.begin(start(), CHANNEL, "start")
        assert not begun.done and begun.name.startswith("projects/p/locations/l/operations/operation-")
        controller.may_end.set()
        ended = parsed_strictly(await controller.ended(begun.name))
    assert ended.response.Is(types.ChannelOperationResponse.pb().DESCRIPTOR)
    metadata = types.OperationMetadata.pb()()
    assert ended.metadata.Unpack(metadata)
    assert (metadata.target, metadata.verb, metadata.api_version) == (CHANNEL, "start", "v1")
    assert metadata.HasField("end_time")


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (
            FailedPrecondition("away", field="channel", hint="wait"),
            code_pb2.FAILED_PRECONDITION,
            "away (wait)",
        ),
        (ZeroDivisionError("a defect"), code_pb2.INTERNAL, "internal error, see the server's log"),
    ],
)
async def test_what_goes_wrong_is_its_error(catalog: Catalog, error: Exception, code: int, text: str) -> None:
    async with asyncio.TaskGroup() as tasks:
        controller = Controller(catalog, tasks)
        controller.error = error
        controller.may_end.set()
        begun = await controller.operations.begin(start(), CHANNEL, "start")
        ended = parsed_strictly(await controller.ended(begun.name))
    assert (ended.error.code, ended.error.message) == (code, text)
    assert not ended.error.details  # a type that the client does not know would end its poller


async def test_the_next_controller_carries_on(catalog: Catalog) -> None:
    async with asyncio.TaskGroup() as tasks:
        first = Controller(catalog, tasks)
        begun = await first.operations.begin(start(), CHANNEL, "start")
        first.operations.close()
    async with asyncio.TaskGroup() as tasks:
        second = Controller(catalog, tasks)
        second.operations.resume()
        second.may_end.set()
        assert (await second.ended(begun.name)).done
    assert (first.carried_out, second.carried_out) == ([], [CHANNEL])


async def test_a_cancellation_is_noted_and_a_record_deleted(catalog: Catalog) -> None:
    async with asyncio.TaskGroup() as tasks:
        controller = Controller(catalog, tasks)
        operations = controller.operations
        begun = await operations.begin(start(), CHANNEL, "start")
        assert await operations.cancel_operation(asked("cancel_operation", name=begun.name)) == empty_pb2.Empty()
        metadata = types.OperationMetadata.pb()()
        found = await operations.get_operation(asked("get_operation", name=begun.name))
        assert found.metadata.Unpack(metadata) and metadata.requested_cancellation
        listed = await operations.list_operations(asked("list_operations", name="projects/p/locations/l"))
        assert [one.name for one in listed.operations] == [begun.name]
        await operations.delete_operation(asked("delete_operation", name=begun.name))
        with pytest.raises(NotFound):
            await operations.get_operation(asked("get_operation", name=begun.name))
        controller.may_end.set()  # its end finds no record, and makes none
    assert catalog.read(lambda db: api_rows.list_operations(db, "projects/p/locations/l/operations")) == []


async def test_what_ends_while_it_is_cancelled_has_ended(catalog: Catalog) -> None:
    async with asyncio.TaskGroup() as tasks:
        controller = Controller(catalog, tasks)
        begun = await controller.operations.begin(start(), CHANNEL, "start")
        gate = threading.Event()
        waits = tasks.create_task(catalog.write(lambda _: gate.wait(10)))
        await asyncio.sleep(0)  # from here on nothing is committed
        controller.may_end.set()
        (carried_out,) = controller.operations.running
        for _ in range(5):
            await asyncio.sleep(0)
        assert controller.carried_out and not carried_out.done()
        cancel = controller.operations.cancel_operation(asked("cancel_operation", name=begun.name))
        cancelled = tasks.create_task(cancel)
        await asyncio.sleep(0)  # it has read what it reads
        gate.set()
        await asyncio.wait([waits, carried_out, cancelled])
        assert (await controller.ended(begun.name)).done


@pytest.mark.parametrize("filter_by", ["", "done=true"])
async def test_pages_of_operations_are_the_whole(catalog: Catalog, filter_by: str) -> None:
    async with asyncio.TaskGroup() as tasks:
        controller = Controller(catalog, tasks)
        controller.may_end.set()
        begun = {(await controller.operations.begin(start(), CHANNEL, "start")).name for _ in range(5)}
        await controller.ended(min(begun))
        names, token, sizes = list[str](), "", list[int]()
        while token or not sizes:
            ask = {"name": "projects/p/locations/l", "page_size": 2, "page_token": token, "filter": filter_by}
            listed = await controller.operations.list_operations(asked("list_operations", **ask))
            names += [one.name for one in listed.operations]
            sizes.append(len(listed.operations))
            token = listed.next_page_token
    assert (names, sizes) == (sorted(begun), [2, 2, 1])


async def test_old_records_go(catalog: Catalog) -> None:
    async with asyncio.TaskGroup() as tasks:
        controller = Controller(catalog, tasks)
        controller.may_end.set()
        begun = await controller.operations.begin(start(UUID), CHANNEL, "start")
        await controller.ended(begun.name)
        controller.clock.advance(ANSWERS_KEPT + SECOND)
        await controller.operations.forget_old()
        assert catalog.read(lambda db: api_rows.find_answer(db, UUID)) is None
        assert (await controller.ended(begun.name)).done
        controller.clock.advance(OPERATIONS_KEPT)
        await controller.operations.forget_old()
        with pytest.raises(NotFound):
            await controller.ended(begun.name)


class Door:
    """Handlers that answer with an operation, count, or break."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations
        self.asked = 0
        self.error: Exception | None = None
        self.came = asyncio.Event()
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()

    async def _begin(self, call: Call) -> Any:
        self.asked += 1
        self.came.set()
        await self.may_go_on.wait()
        if self.error is not None:
            raise self.error
        return await self._operations.begin(call, call.request.name, "start")

    def __getattr__(self, name: str) -> Any:
        if name not in BY_NAME:
            raise AttributeError(name)
        return self._begin


async def test_the_same_request_has_the_same_answer(catalog: Catalog) -> None:
    async with asyncio.TaskGroup() as tasks:
        controller = Controller(catalog, tasks)
        door = Door(controller.operations)
        table = Dispatcher([door], catalog, controller.clock)
        method, request = BY_NAME["start_channel"], start(UUID).request
        first, second = await asyncio.gather(table.answer(method, request), table.answer(method, request))
        assert first == second and door.asked == 1
        other = types.StartChannelRequest.pb()(name=f"{CHANNEL}2", request_id=UUID)
        with pytest.raises(InvalidArgument) as refused:
            await table.answer(method, other)
        assert refused.value.field == "request_id"
        controller.may_end.set()


async def test_a_change_is_made_whole_though_nobody_waits_for_it(catalog: Catalog) -> None:
    """gRPC cancels the handler when its client's deadline passes."""
    async with asyncio.TaskGroup() as tasks:
        controller = Controller(catalog, tasks)
        controller.may_end.set()
        door = Door(controller.operations)
        door.may_go_on.clear()
        table = Dispatcher([door], catalog, controller.clock)
        asking = tasks.create_task(table.answer(BY_NAME["start_channel"], start(UUID).request))
        await door.came.wait()
        asking.cancel()
        await asyncio.wait([asking])
        door.may_go_on.set()
        await table.idle()
        assert catalog.read(lambda db: api_rows.find_answer(db, UUID)) is not None
        begun = await table.answer(BY_NAME["start_channel"], start(UUID).request)
        assert door.asked == 1 and (await controller.ended(begun.name)).done


async def test_a_change_ends_with_the_server(catalog: Catalog) -> None:
    async with asyncio.TaskGroup() as tasks:
        door = Door(Controller(catalog, tasks).operations)
        door.may_go_on.clear()
        table = Dispatcher([door], catalog, FakeClock())
        asking = tasks.create_task(table.answer(BY_NAME["start_channel"], start().request))
        await door.came.wait()
        await table.close()
        await asyncio.wait([asking])
        assert asking.cancelled()


async def test_a_defect_is_told_without_its_innards(catalog: Catalog, caplog: pytest.LogCaptureFixture) -> None:
    async with asyncio.TaskGroup() as tasks:
        controller = Controller(catalog, tasks)
        door = Door(controller.operations)
        door.error = KeyError("secret")
        with pytest.raises(InternalError) as told:
            await Dispatcher([door], catalog, controller.clock).answer(BY_NAME["start_channel"], start().request)
    assert "secret" not in str(told.value)
    assert "StartChannel" in caplog.text


@pytest.mark.parametrize("name", ["", "channels/c", f"{CHANNEL}/", f"{CHANNEL}/x", "projects/p/locations/l/inputs/c"])
async def test_a_name_has_its_form(catalog: Catalog, name: str) -> None:
    async with asyncio.TaskGroup() as tasks:
        controller = Controller(catalog, tasks)
        table = Dispatcher([Door(controller.operations)], catalog, controller.clock)
        with pytest.raises(InvalidArgument) as refused:
            await table.answer(BY_NAME["start_channel"], types.StartChannelRequest.pb()(name=name))
    assert refused.value.field == "name"
