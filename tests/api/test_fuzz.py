from __future__ import annotations

from collections.abc import Iterator

import pytest

from fuzzing import Fuzzer, furnish, tracebacks
from livedvr.api.methods import METHODS
from serving import Served

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def fuzzer(shared: Served) -> Iterator[Fuzzer]:
    furnish(shared)
    with tracebacks() as found:
        yield Fuzzer(shared)
    assert found == []


@pytest.mark.parametrize("right", [True, False], ids=["right", "wrong"])
@pytest.mark.parametrize("rpc", [method.rpc for method in METHODS])
def test_nothing_that_is_asked_is_too_much(fuzzer: Fuzzer, shared: Served, rpc: str, right: bool) -> None:
    fuzzer.ask(rpc, examples=5, number=1, right=right)
    if rpc.startswith("Delete"):
        furnish(shared)
