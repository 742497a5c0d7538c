"""Each request that was answered or refused: one line in the log, one more in the metrics."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Histogram

from livedvr.api.watch.log import fields
from livedvr.wallclock import WallClock

_log = logging.getLogger("livedvr.request")
_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


@dataclass(frozen=True, slots=True)
class Answered:
    """``rpc`` is ``-`` where no method was meant. ``code``: HTTP's over REST, the name of google.rpc.Code over gRPC.

    ``door``: ``rest``, ``grpc`` or a facade's name. ``began``: when it came, UTC microseconds.
    """

    door: str
    rpc: str
    resource: str
    code: str
    began: int
    client: str


class Requests:
    """Tells of requests. Labels are of small sets: methods, codes and doors, never clients or resources."""

    def __init__(self, registry: CollectorRegistry, clock: WallClock) -> None:
        self._clock = clock
        labels = ("method", "door")
        self._count = Counter(
            "livedvr_requests", "Requests, by method and answer.", (*labels, "code"), registry=registry
        )
        self._seconds = Histogram(
            "livedvr_request_seconds", "Until the answer.", labels, registry=registry, buckets=_BUCKETS
        )

    def now(self) -> int:
        """When a request comes that comes now."""
        return self._clock.now()

    def tell(self, one: Answered) -> None:
        """It has been answered just now."""
        micros = self._clock.now() - one.began
        self._count.labels(one.rpc, one.door, one.code).inc()
        self._seconds.labels(one.rpc, one.door).observe(micros / 1e6)
        _log.info(
            "request",
            extra=fields(
                door=one.door,
                method=one.rpc,
                resource=one.resource,
                code=one.code,
                ms=round(micros / 1000, 1),
                client=one.client,
            ),
        )
