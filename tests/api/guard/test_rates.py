from __future__ import annotations

import pytest

from builders import T0
from livedvr.api.guard import rates
from livedvr.api.guard.rates import Rate, Rates
from livedvr.resources.errors import ResourceExhausted
from livedvr.resources.times import SECOND

SLOW = Rate(per_second=2, burst=4)


def test_a_burst_then_what_the_rate_allows() -> None:
    buckets = Rates()
    for _ in range(4):
        buckets.take("a", SLOW, T0)
    with pytest.raises(ResourceExhausted, match="more than 2 requests a second") as caught:
        buckets.take("a", SLOW, T0)
    assert caught.value.retry_after == SECOND // 2
    buckets.take("a", SLOW, T0 + SECOND // 2)  # exactly then
    with pytest.raises(ResourceExhausted):
        buckets.take("a", SLOW, T0 + SECOND // 2)


def test_what_was_refused_costs_nothing() -> None:
    buckets = Rates()
    for _ in range(4):
        buckets.take("a", SLOW, T0)
    for _ in range(100):
        with pytest.raises(ResourceExhausted):
            buckets.take("a", SLOW, T0)
    buckets.take("a", SLOW, T0 + SECOND // 2)


def test_each_client_and_each_rate_has_a_bucket() -> None:
    buckets = Rates()
    for client, rate in (("a", SLOW), ("b", SLOW), ("a", Rate(1, 4))):
        for _ in range(4):
            buckets.take(client, rate, T0)


def test_full_buckets_are_forgotten_and_there_are_never_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "MOST_BUCKETS", 10)
    buckets = Rates()
    for i in range(100):
        buckets.take(f"client {i}", SLOW, T0 + i)
    assert len(buckets._full_at) <= 10
    for _ in range(4):
        buckets.take("busy", SLOW, T0 + SECOND)
    for i in range(9):
        buckets.take(f"later {i}", SLOW, T0 + SECOND + 1)
    with pytest.raises(ResourceExhausted):
        buckets.take("busy", SLOW, T0 + SECOND + 1)


def test_a_client_that_looks_at_twenty_sessions_each_second_meets_no_limit() -> None:
    buckets = Rates()
    for second in range(120):
        for _ in range(20):
            buckets.take("poller", rates.READS, T0 + second * SECOND)
