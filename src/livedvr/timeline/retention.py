"""What may go, and when (SEMANTICS R1-R5). Pure: instants and windows come in, segments come out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from livedvr.timeline.segment import Segment, Window
from livedvr.timeline.timeline import Timeline


def expiry(first_end: int | None, ended: int, retention: int) -> int:
    """When a session that has ended goes (R3): with its first segment, or a retention window after its own end.

    All in microseconds; ``first_end`` is where the first segment it lists ends, None when it lists none.
    """
    if first_end is not None and first_end + retention > ended:
        return first_end + retention
    return ended + retention


def may_go(timeline: Timeline, mux: str, until: int, holds: Iterable[Window]) -> list[Segment]:
    """The rendition's segments that ended by ``until`` and that nothing holds, by number (R1, R2)."""
    segments = timeline.segments(mux)
    expired = segments.first_beyond(until)
    return [s for free in unheld(timeline, mux, holds) for s in segments[free.start : min(free.stop, expired)]]


def unheld(timeline: Timeline, mux: str, holds: Iterable[Window]) -> list[range]:
    """Positions of the rendition's segments that no window holds, in order.

    The newest is always held: it carries the count of numbers and the epoch.
    """
    count = len(timeline.segments(mux))
    free: list[range] = []
    start = 0
    for low, high in sorted([*_held(timeline, mux, holds), (max(0, count - 1), count)]):
        if start < low:
            free.append(range(start, low))
        start = max(start, high)
    return free


def _held(timeline: Timeline, mux: str, holds: Iterable[Window]) -> Iterator[tuple[int, int]]:
    for window in holds:
        # What it lists; and what meets it, of which it may not be decided yet whether it will be listed (W5).
        for low, high in {timeline.span(mux, window), timeline.meeting(mux, window)}:
            yield max(0, low - 1), high  # and the one before, which tells why there is a hole before it (P8)


@dataclass(frozen=True, slots=True)
class Offer:
    """A session that may go whole under disk pressure, and the windows whose segments it holds."""

    session: str
    windows: tuple[Window, ...]


@dataclass(slots=True)
class Reclaim:
    """What goes under disk pressure (R5).

    ``segments``: mux key -> those that go at once. ``sessions``: (id, bytes that go with it). ``missing``: the bytes
    of the deficit that nothing can bring.
    """

    segments: dict[str, list[Segment]] = field(default_factory=dict)
    sessions: list[tuple[str, int]] = field(default_factory=list)
    missing: int = 0


def reclaim(
    timeline: Timeline,
    deficit: int,
    *,
    staying: Sequence[Window],
    ending: Sequence[Window],
    offers: Sequence[Offer],
) -> Reclaim:
    """What has to go for ``deficit`` bytes (R5): first segments that nothing lists, oldest first, then ``offers``.

    Args:
        staying: what is held and may never be touched.
        ending: what is held only for a grace: these bytes go anyway, and count.
        offers: in the order in which they go.
    """
    sizes = _Sizes(timeline)
    offered = [window for offer in offers for window in offer.windows]
    unlisted = sizes.unheld([*staying, *ending, *offered])
    reached = sizes.unheld([*staying, *offered])
    found = Reclaim(_oldest(timeline, [*staying, *ending, *offered], deficit - (reached - unlisted)))
    remaining, untouched = list(offers), sizes.unheld(staying)
    for offer in offers:
        if reached >= deficit:
            break
        if untouched == sizes.unheld([*staying, *offer.windows]):
            continue  # others hold all it has, and stay: it would go for nothing
        remaining.remove(offer)
        freed = sizes.unheld([*staying, *(window for other in remaining for window in other.windows)])
        found.sessions.append((offer.session, freed - reached))
        reached = freed
    found.missing = max(0, deficit - reached)
    return found


def _oldest(timeline: Timeline, holds: Sequence[Window], wanted: int) -> dict[str, list[Segment]]:
    """Segments that nothing holds, oldest first, until their bytes are enough."""
    free = [
        (segment.end, mux, segment)
        for mux in timeline.renditions()
        for positions in unheld(timeline, mux, holds)
        for segment in timeline.segments(mux)[positions.start : positions.stop]
    ]
    taken: dict[str, list[Segment]] = {}
    for _, mux, segment in sorted(free, key=lambda one: one[:2]):
        if wanted <= 0:
            break
        taken.setdefault(mux, []).append(segment)
        wanted -= segment.size
    return taken


class _Sizes:
    """How many bytes nothing holds, for any set of holds: one pass over the segments, then only their edges count."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._sums = {
            mux: list(accumulate(timeline.segments(mux).column("size"), initial=0)) for mux in timeline.renditions()
        }

    def unheld(self, holds: Sequence[Window]) -> int:
        """The bytes of the segments that no window holds."""
        return sum(
            sums[positions.stop] - sums[positions.start]
            for mux, sums in self._sums.items()
            for positions in unheld(self._timeline, mux, holds)
        )
