"""How a run ended, and what the gap ledger says of it."""

from __future__ import annotations

from dataclasses import dataclass

from livedvr.ingest.run import RunExit
from livedvr.timeline.gaps import (
    CHANNEL_STOPPED,
    INGEST_RESTARTED,
    NO_KEYFRAME,
    PUBLISHER_REFUSED,
    SOURCE_CHANGED,
    SOURCE_LOST,
)


@dataclass(frozen=True, slots=True)
class EndedRun:
    """How a run ended: ffmpeg's exit, its log; the watchdog's verdict, the door's, or how the source changed, if that
    ended it; and whether anything of it is on the timeline.

    ``silence``: nothing came. ``overlong``: media came, but no keyframe, so that the open segment could not end.
    ``orphaned``: it read through a controller that has gone.
    """

    exit: RunExit
    log: list[str]
    silence: str | None
    refusal: str | None
    change: str | None
    listed: bool
    overlong: str | None = None
    orphaned: bool = False

    def reason(self, asked: str | None) -> str:
        """For the gap ledger (P8)."""
        if asked:
            return CHANNEL_STOPPED
        if self.exit.reason == "disk full":
            return "disk full"
        if self.refusal:
            return PUBLISHER_REFUSED
        if self.change:
            return f"{SOURCE_CHANGED}: {self.change}"
        if self.overlong and not self.silence:
            return NO_KEYFRAME
        # Silence alone does not tell whose it was: but a process that is stopped hears no source. (One that hangs in
        # another way cannot be told from one that waits for its source: both sleep. That counts as the source's.)
        was_killed = self.exit.signal and not self.silence
        if self.exit.reason == "lease" or self.exit.stood_still or was_killed or self.orphaned:
            return INGEST_RESTARTED
        return SOURCE_LOST
