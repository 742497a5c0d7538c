"""How often a client may ask: a token bucket for each (time is an argument)."""

from __future__ import annotations

from dataclasses import dataclass, field

from livedvr.resources.errors import ResourceExhausted
from livedvr.resources.times import SECOND, format_seconds

MOST_BUCKETS = 10_000


@dataclass(frozen=True, slots=True)
class Rate:
    """``per_second`` in the long run, ``burst`` at once."""

    per_second: int
    burst: int


# The original's quota is 100 requests a second and 5 changes (reference, section 3); a client that looks at 20
# sessions each second stays far below, and one that sets up a channel with all that belongs to it meets no limit.
READS = Rate(100, 200)
WRITES = Rate(10, 100)
STRANGERS = Rate(5, 20)  # by address: who has no token, or a wrong one


@dataclass(slots=True)
class Rates:
    """The buckets of all clients. One that is full again is forgotten."""

    _full_at: dict[tuple[str, Rate], int] = field(default_factory=dict)  # when it will be full, UTC microseconds

    def take(self, client: str, rate: Rate, now: int) -> None:
        """One request more. RESOURCE_EXHAUSTED, with the time after which it will be answered."""
        each = SECOND // rate.per_second
        full_at = max(now, self._full_at.get((client, rate), now)) + each
        too_early = full_at - now - rate.burst * each
        if too_early > 0:
            raise ResourceExhausted(
                f"more than {rate.per_second} requests a second",
                hint=f"ask again in {format_seconds(too_early)} s",
                retry_after=too_early,
            )
        if len(self._full_at) >= MOST_BUCKETS:
            self._forget(now)
        self._full_at[client, rate] = full_at

    def _forget(self, now: int) -> None:
        self._full_at = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
        if len(self._full_at) >= MOST_BUCKETS:  # so many at once are no clients
            self._full_at.clear()
