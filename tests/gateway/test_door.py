from __future__ import annotations

import asyncio
import http.client
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders import FakeClock, channel
from livedvr.catalog import channel_rows
from livedvr.catalog.catalog import Catalog
from livedvr.gateway.door import LONGEST_REQUEST, GatewayDoor, read_form
from livedvr.ingest.gateway import GatewayInputs
from livedvr.resources.errors import Aborted
from livedvr.resources.gateway import Gateway
from livedvr.resources.models import Channel, Input, SecurityRule

pytestmark = pytest.mark.semantics("I4")

KEY = "correct-horse"
FORM = "application/x-www-form-urlencoded"
ASKED = (  # as nginx 1.22 with its RTMP module 1.2.2 asks
    "app=live&flashver=FMLE/3.0%20(compatible%3B%20Lavf63.1.&swfurl=&tcurl=rtmp://127.0.0.1:1935/live&pageurl="
    f"&addr=192.0.2.7&clientid=3&call=publish&name={KEY}&type=live"
)


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    made = Catalog(tmp_path / "catalog.sqlite3")
    yield made
    made.close()


@pytest.fixture
async def tasks() -> AsyncIterator[asyncio.TaskGroup]:
    async with asyncio.TaskGroup() as group:
        yield group


@pytest.fixture
def inputs() -> GatewayInputs:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    return GatewayInputs(Gateway(controller=f"127.0.0.1:{port}"), b"secret")


@pytest.fixture
async def door(inputs: GatewayInputs, catalog: Catalog, tasks: asyncio.TaskGroup) -> AsyncIterator[GatewayDoor]:
    opened = GatewayDoor(inputs, catalog, FakeClock(), tasks)
    opened.open()
    yield opened
    await opened.close()


async def ask(
    inputs: GatewayInputs, body: str = ASKED, method: str = "POST", path: str = "/publish", form: str = FORM
) -> tuple[int, str | None]:
    """The status, and where to: the answers to a request."""

    def work() -> tuple[int, str | None]:
        connection = http.client.HTTPConnection(inputs.gateway.controller, timeout=10)
        connection.request(method, path, body, {"content-type": form})
        answer = connection.getresponse()
        assert KEY.encode() not in answer.read() + str(answer.headers).encode()
        connection.close()
        return answer.status, answer.getheader("location")

    return await asyncio.to_thread(work)


async def stored(catalog: Catalog, *allowed: str, deleting: bool = False) -> Channel:
    given = Input(uri=f"rtmp://:1935/live/{KEY}", security_rules=SecurityRule(ip_ranges=allowed))
    made = channel(input=given)
    await catalog.write(lambda db: channel_rows.put_channel(db, made))
    if deleting:
        await catalog.write(lambda db: channel_rows.set_deleting(db, "live"))
    return made


async def test_a_publisher_with_a_key_is_renamed(door: GatewayDoor, inputs: GatewayInputs, catalog: Catalog) -> None:
    assert await ask(inputs) == (403, None), "nobody has that key"
    made = await stored(catalog)
    expected = dict(inputs.source(made, "primary").options)["rtmp_playpath"]
    assert await ask(inputs) == (302, expected)
    assert await ask(inputs, ASKED.replace(KEY, KEY + "x")) == (403, None)
    assert await ask(inputs, ASKED.replace(KEY, expected)) == (403, None), "the name inside is no key"


async def test_who_is_not_in_the_allow_list_is_refused_and_it_is_said_once_a_minute(
    door: GatewayDoor, inputs: GatewayInputs, catalog: Catalog
) -> None:
    await stored(catalog, "192.0.2.8/31")
    assert await ask(inputs, ASKED.replace("192.0.2.7", "192.0.2.9")) == (302, inputs_name(inputs, catalog))
    assert [await ask(inputs) for _ in range(2)] == [(403, None)] * 2
    events = catalog.read(lambda db: channel_rows.list_events(db, "live"))
    assert [event[1:] for event in events] == [
        ("PUBLISHER_REFUSED", "a publisher was refused: 192.0.2.7 is not in the allow-list")
    ]


def inputs_name(inputs: GatewayInputs, catalog: Catalog) -> str:
    (row,) = catalog.read(channel_rows.list_channels)
    return dict(inputs.source(row.channel, "primary").options)["rtmp_playpath"]


async def test_a_channel_that_is_being_deleted_lets_nobody_in(
    door: GatewayDoor, inputs: GatewayInputs, catalog: Catalog
) -> None:
    await stored(catalog, deleting=True)
    assert await ask(inputs) == (403, None)


async def test_nothing_else_is_answered(door: GatewayDoor, inputs: GatewayInputs, catalog: Catalog) -> None:
    await stored(catalog)
    assert (await ask(inputs, method="GET"))[0] == 405
    assert (await ask(inputs, path="/publishers"))[0] == 404
    assert (await ask(inputs, form="application/json"))[0] == 403
    assert (await ask(inputs, ASKED + "&x=" + "x" * LONGEST_REQUEST))[0] == 413


@pytest.mark.parametrize(
    "body",
    [
        ASKED.replace("call=publish", "call=play"),
        ASKED.replace("app=live", "app=evil"),
        ASKED.replace("addr=192.0.2.7", "addr=unix:"),
        ASKED.replace("&addr=192.0.2.7", ""),
        ASKED.replace(KEY, "other") + f"&name={KEY}",  # rtmp://host/live/other?name=KEY
        ASKED + "&addr=127.0.0.1",
        ASKED + "&call=publish",
        ASKED + "&%6Eame=x",
        f"{ASKED}&x=\u00e9",
        "",
    ],
)
def test_what_does_not_ask_for_one_publisher_is_refused(body: str) -> None:
    assert read_form(body.encode()) is None
    assert read_form(ASKED.encode()) == (KEY, "192.0.2.7")


@given(st.text(), st.ip_addresses(), st.text(st.characters(codec="ascii")))
def test_whatever_a_publisher_says_it_is_asked_for_by_its_name_and_address_or_refused(
    name: str, address: object, behind: str
) -> None:
    said = quote(name.encode(errors="replace"), safe="/:!$'()*,@[]?=;")  # as nginx escapes arguments
    asked = read_form(f"app=live&addr={address}&call=publish&name={said}&type=live&{behind}".encode())
    assert asked in (None, (name.encode(errors="replace").decode(), str(address)))


async def test_a_port_that_is_taken_is_said(
    inputs: GatewayInputs, door: GatewayDoor, catalog: Catalog, tasks: asyncio.TaskGroup
) -> None:
    with pytest.raises(Aborted, match=r"gateway\.controller: port \d+/tcp on 127\.0\.0\.1 is taken"):
        GatewayDoor(inputs, catalog, FakeClock(), tasks).open()


async def test_who_does_not_end_the_request_does_not_stay(
    door: GatewayDoor, inputs: GatewayInputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("livedvr.gateway.door.PATIENCE", 0.05)
    host, _, port = inputs.gateway.controller.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"POST /publish HTTP/1.0\r\nContent-Type: {FORM}\r\nContent-Length: 100\r\n\r\napp=live".encode())
    assert b" 408 " in await reader.readline()
    writer.close()
