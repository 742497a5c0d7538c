"""How a run ended, and what the gap ledger says of it."""

from __future__ import annotations

from dataclasses import dataclass

from livedvr.ingest.run import RunExit
from livedvr.timeline.gaps import CHANNEL_STOPPED, INGEST_RESTARTED, PUBLISHER_REFUSED, SOURCE_CHANGED, SOURCE_LOST


@dataclass(frozen=True, slots=True)
class EndedRun:
    """How a run ended: ffmpeg's exit, its log; the watchdog's verdict, the door's, or how the source changed, if that
    ended it; and whether anything of it is on the timeline.
    """

    exit: RunExit
    log: list[str]
    silence: str | None
    refusal: str | None
    change: str | None
    listed: bool

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
        if self.exit.reason == "lease" or (self.exit.signal and not self.silence):
            return INGEST_RESTARTED
        return SOURCE_LOST
