"""Disk pressure (SEMANTICS R5): when the output's disk is so full that something has to go, and what."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from livedvr.catalog.session_rows import RetiredRow, SessionRow
from livedvr.sessions.holding import held_windows, is_ending, may_be_reclaimed, retired_windows, session_expiry
from livedvr.sessions.states import State
from livedvr.timeline.retention import Offer, Reclaim, reclaim
from livedvr.timeline.segment import Window
from livedvr.timeline.timeline import Timeline

GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Disk:
    """The file system of an output, in bytes. ``reserve``: at this ffmpeg is stopped, the catalog needs room."""

    total: int
    free: int
    reserve: int

    @property
    def margin(self) -> int:
        """How far above the reserve pressure begins: 5 % of the file system, at most 1 GiB."""
        return min(GIB, self.total // 20)

    @property
    def deficit(self) -> int:
        """How much has to become free; pressure is when it is positive."""
        return self.reserve + self.margin - self.free

    @property
    def is_dire(self) -> bool:
        """Half of the margin is used up: a grace is worth less now than the recording that would be stopped."""
        return self.free < self.reserve + self.margin // 2

    @property
    def is_calm(self) -> bool:
        """An episode of pressure is over only well above the mark: at the mark it would begin anew each minute."""
        return self.deficit <= -self.margin


def plan_reclaim(
    timeline: Timeline,
    sessions: Iterable[SessionRow],
    editions: Iterable[RetiredRow],
    deficit: int,
    *,
    now: int,
    retention: int,
    dire: bool,
    live: Iterable[Window] = (),
) -> Reclaim:
    """What goes for ``deficit`` bytes. ``dire``: editions that nobody can fetch any more lose their grace.

    ``live``: what the channel's own live manifest holds, which stays.
    """
    sessions, editions = list(sessions), list(editions)
    deleting = [row for row in sessions if row.state == State.DELETING]
    offered = [row for row in sessions if may_be_reclaimed(row)]
    others = [row for row in sessions if row not in deleting and row not in offered]
    # The order in which they would go anyway; without a pin each has an expiry.
    offered.sort(key=lambda row: (session_expiry(row, timeline, retention) or 0, row.id))
    current = [edition for edition in editions if edition.segments_until is None]
    graced = [edition for edition in editions if edition.segments_until is not None]
    if dire:
        graced = [edition for edition in graced if not is_ending(edition)]
    return reclaim(
        timeline,
        deficit,
        staying=[w for row in others for w in held_windows(row)] + [*retired_windows(current, now), *live],
        ending=[w for row in deleting for w in held_windows(row)] + list(retired_windows(graced, now)),
        offers=[Offer(row.id, held_windows(row)) for row in offered],
    )
