from __future__ import annotations

import pytest

from livedvr.resources.addresses import split_address
from livedvr.resources.errors import InvalidArgument
from livedvr.resources.gateway import Gateway


def test_an_address_and_its_port() -> None:
    assert split_address("127.0.0.1:1935") == ("127.0.0.1", 1935)
    assert split_address("[::1]:80") == ("::1", 80)


@pytest.mark.parametrize(
    "bad",
    ["", ":1935", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:\u0661",
     "::1:1935", "[127.0.0.1]:1935", "[::1:1935", "host:1935", "127.0.0.1:1935;", "127.0.0.1 :1935", "[::1%lo]:1"],
)  # fmt: skip
@pytest.mark.parametrize("field", ["rtmp", "controller"])
def test_what_is_none_is_refused(field: str, bad: str) -> None:
    with pytest.raises(InvalidArgument, match="is no address of a port") as refused:
        Gateway(**{field: bad})
    assert refused.value.field == field


@pytest.mark.semantics("I6")
def test_keys_are_sent_over_loopback_only() -> None:
    assert Gateway(controller="[::1]:8935").rtmp_port == 1935
    with pytest.raises(InvalidArgument, match=r"controller: .* is not on loopback"):
        Gateway(controller="0.0.0.0:8935")
