from __future__ import annotations

import socket

import pytest

from livedvr.ingest.listening import is_listened_on
from livedvr.ingest.source import parse_source
from livedvr.resources.models import Input


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_a_port_of_tcp(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host.strip("[]"), 0), family=family) as server:
        port = server.getsockname()[1]
        source = parse_source(Input(uri=f"rtmp://{host}:{port}/live/key?mode=listener"))
        assert is_listened_on(source)
    assert not is_listened_on(source)


def test_a_port_of_udp() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        source = parse_source(Input(uri=f"srt://127.0.0.1:{server.getsockname()[1]}?mode=listener"))
        assert is_listened_on(source)
    assert not is_listened_on(source)


def test_who_waits_on_no_port_of_its_own_is_not_waited_for() -> None:
    assert is_listened_on(parse_source(Input(uri="testsrc")))
