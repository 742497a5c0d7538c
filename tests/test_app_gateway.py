"""`LiveDvr` with a gateway: its door, and which inputs go together."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from builders import channel
from gateway import free_gateway
from livedvr import Channel, Input, LiveDvr
from livedvr.resources.errors import Aborted, FailedPrecondition, InvalidArgument
from livedvr.resources.gateway import Gateway

KEY = "correct-horse"


def fed(name: str, folder: Path, uri: str = f"rtmp://:1935/live/{KEY}", **settings: object) -> Channel:
    return channel(str(folder / name), channel_id=name, input=Input(uri=uri), **settings)


def is_listened_on(gateway: Gateway) -> bool:
    host, _, port = gateway.controller.rpartition(":")
    with socket.socket() as visitor:
        return visitor.connect_ex((host, int(port))) == 0


async def test_the_door_is_open_as_long_as_it_is(tmp_path: Path) -> None:
    gateway = free_gateway()
    async with LiveDvr(tmp_path / "data", gateway=gateway):
        assert is_listened_on(gateway)
        with pytest.raises(Aborted, match=r"gateway\.controller: port \d+/tcp on 127\.0\.0\.1 is taken"):
            async with LiveDvr(tmp_path / "other", gateway=gateway):
                pass
    assert not is_listened_on(gateway)
    async with LiveDvr(tmp_path / "data", gateway=gateway, visiting=True):
        assert not is_listened_on(gateway), "a visitor does not answer for the controller"
    async with LiveDvr(tmp_path / "other", gateway=gateway):
        assert is_listened_on(gateway), "what was refused has left nothing behind"


@pytest.mark.semantics("I4")
async def test_an_input_of_the_gateway_has_a_key_of_its_own(tmp_path: Path) -> None:
    async with LiveDvr(tmp_path / "data", gateway=Gateway(controller=free_gateway().controller)) as dvr:
        await dvr.channels.create(fed("news", tmp_path))
        with pytest.raises(FailedPrecondition, match="another input of the gateway has this stream key") as refused:
            await dvr.channels.create(fed("sport", tmp_path))
        assert KEY not in str(refused.value)
        with pytest.raises(InvalidArgument, match="publishers to the gateway use the app 'live'"):
            await dvr.channels.create(fed("sport", tmp_path, "rtmp://:1935/studio/x"))
        made = await dvr.channels.create(
            fed("sport", tmp_path, "rtmp://:1935/live", backup_input=Input(uri="rtmp://:1935/live"))
        )
        keys = [given.stream_key for given in made.inputs.values()]
        assert None not in keys and len(set(keys)) == 2, "made for both, on one port"
        assert await dvr.channels.update(made) == made


async def test_without_a_gateway_two_inputs_need_two_ports(tmp_path: Path) -> None:
    async with LiveDvr(tmp_path / "data") as dvr:
        with pytest.raises(InvalidArgument, match="both inputs listen on one port"):
            await dvr.channels.create(
                fed("sport", tmp_path, "rtmp://:1935/live", backup_input=Input(uri="rtmp://:1935/live"))
            )
