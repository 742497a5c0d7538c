from __future__ import annotations

from pathlib import Path

import pytest

from livedvr.api.guard.doors import check_door
from livedvr.resources.errors import InvalidArgument
from livedvr.serving import ServeOptions, Server


@pytest.mark.parametrize("address", ["127.0.0.1:8080", "127.9.9.9:1", "[::1]:8080"])
def test_loopback_needs_nothing(address: str) -> None:
    check_door("--http", address, has_tokens=False, is_encrypted=False)


@pytest.mark.parametrize("address", ["0.0.0.0:8080", "192.0.2.1:8080", "[::]:8080", "[2001:db8::1]:8080"])
def test_elsewhere_needs_tokens_and_tls(address: str) -> None:
    for encrypted in (False, True):
        with pytest.raises(InvalidArgument, match="could do everything") as caught:
            check_door("--grpc", address, has_tokens=False, is_encrypted=encrypted)
        assert caught.value.field == "--grpc"
    with pytest.raises(InvalidArgument, match=r"in the clear.*--tls-by-proxy"):
        check_door("--http", address, has_tokens=True, is_encrypted=False)
    check_door("--http", address, has_tokens=True, is_encrypted=True)


@pytest.mark.parametrize("address", ["localhost:8080", "8080", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:x", "::1:80"])
def test_no_address(address: str) -> None:
    with pytest.raises(InvalidArgument, match="is no address of a port") as caught:
        check_door("--http", address, has_tokens=False, is_encrypted=False)
    assert caught.value.field == "--http"


@pytest.mark.parametrize("option", ["http", "grpc"])
def test_a_server_refuses_to_be_made(tmp_path: Path, option: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        Server(ServeOptions(tmp_path / "data", str(tmp_path / "media"), **{option: "0.0.0.0:8080"}))
    assert caught.value.field == f"--{option}"
    assert not (tmp_path / "data").exists()
