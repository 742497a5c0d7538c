"""A session that is being written: its playlists, its ledger, its figures, grown segment by segment."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from typing import Any

from livedvr.catalog.session_rows import SessionRow
from livedvr.hls.bitrate import BitrateMeter
from livedvr.hls.media_playlist import MediaPlaylist
from livedvr.hls.multivariant_playlist import Variant, render_multivariant
from livedvr.resources.layout import Container
from livedvr.resources.times import SECOND
from livedvr.sessions.states import State
from livedvr.timeline.gaps import GapLedger, reason_before
from livedvr.timeline.timeline import ChannelTimeline, Listed


@dataclass(slots=True)
class OpenSession:
    """What the manager holds of a session whose playlists may still grow.

    A patch or a restart makes it anew from the row: both draw the same text again (S8, S16).

    ``row`` is the session as the catalog has it. ``published`` says whether the store has what the playlists say,
    ``declared`` is the BANDWIDTH in the published multivariant playlist (0: none is published).
    """

    row: SessionRow
    mux: str
    container: Container
    start_offset: int | None = None
    ledger: GapLedger = field(init=False)
    found_stopping: bool = field(init=False)  # an earlier controller died while it stopped the channel
    playlist: MediaPlaylist | None = None
    meter: BitrateMeter | None = None
    published: bool = True
    declared: int = 0
    sealed: bool = False
    storage_error: str | None = None
    segments: int = 0
    duration: int = 0
    size: int = 0
    actual_start: int | None = None
    actual_end: int | None = None

    def __post_init__(self) -> None:
        self.ledger = GapLedger(self.row.edition_windows)
        self.found_stopping = self.row.state == State.STOPPING

    def grow(self, known: ChannelTimeline) -> None:
        """List what the timeline has new for this session's windows."""
        after = self.playlist.last if self.playlist else None
        # An ENDLIST may be published already: what it closed is in the summary.
        most = self.row.summary["segments"] - self.segments if self.row.summary else None
        for listed in itertools.islice(known.timeline.listing(self.mux, self.row.edition_windows, after), most):
            if self.playlist is None or self.meter is None:
                target = self.row.target or known.target
                assert target is not None, "a timeline with segments has a target duration"
                self.row = replace(self.row, target=target)
                self.playlist = MediaPlaylist(self.mux, self.container, target, self.start_offset)
                self.meter = BitrateMeter(target * SECOND)
            self.playlist.append(listed)
            self.meter.add(listed.segment.size, listed.segment.duration)
            self._count(listed, known)

    def _count(self, listed: Listed, known: ChannelTimeline) -> None:
        segment = listed.segment
        before = known.timeline.before(self.mux, segment)
        self.ledger.append(segment, reason_before(segment, before, known.run_ends.get(before.run) if before else None))
        self.published = False
        self.segments += 1
        self.duration += segment.duration
        self.size += segment.size
        self.actual_start = segment.start if self.actual_start is None else self.actual_start
        self.actual_end = segment.end

    def seal(self, reason: str) -> bool:
        """Nothing more will be listed: ENDLIST. What the windows still ask for is missing for ``reason``.

        Whether that was news.
        """
        if self.playlist is None or self.playlist.sealed:
            return False
        self.playlist.seal()
        self.published = False
        if self.row.summary is None:  # else it was cut off, or sealed before a restart: the ledger is closed
            # An open window asks for no more than there is, a closed one before it for all of its time (P8).
            ends = (self.actual_end, *(window.end for window in self.row.edition_windows))
            self.ledger.close(max(end for end in ends if end is not None), reason)
        return True

    @property
    def bandwidth(self) -> int:
        """What BANDWIDTH has to say: the peak; never below the average, which a segment too long for any set lifts."""
        return max(self.meter.peak, self.meter.average) if self.meter else 0

    @property
    def needs_multivariant(self) -> bool:
        """Whether main.m3u8 has to be (re)placed: at first, when the peak outgrew what it declares, and at the end."""
        return self.meter is not None and (self.bandwidth > self.declared or self.sealed_text)

    @property
    def sealed_text(self) -> bool:
        """Whether the media playlist has its ENDLIST."""
        return self.playlist is not None and self.playlist.sealed

    def multivariant(self, known: ChannelTimeline) -> bytes:
        """The text of main.m3u8 as of now; codecs and size are those of the newest run listed (P6)."""
        assert self.playlist is not None and self.meter is not None and self.playlist.last is not None
        media = known.media[self.playlist.last.run]
        return render_multivariant(
            [
                Variant(
                    uri=f"{self.mux}/index-{self.row.edition}.m3u8",
                    bandwidth=self.bandwidth,
                    average_bandwidth=self.meter.average,
                    codecs=media.codecs,
                    resolution=media.resolution,
                    frame_rate=media.frame_rate,
                )
            ]
        )

    def stored(self, *, with_multivariant: bool) -> None:
        """The store has what the playlists say now."""
        assert self.playlist is not None and self.meter is not None
        self.published, self.sealed = True, self.playlist.sealed
        if with_multivariant:
            self.declared = self.bandwidth

    def summary(self) -> dict[str, Any]:
        """What the session holds, as the catalog keeps it."""
        return {
            "segments": self.segments,
            "duration": self.duration,
            "size": self.size,
            "actual_start": self.actual_start,
            "actual_end": self.actual_end,
            "gaps": [[hole.start, hole.end, hole.reason] for hole in self.ledger.holes],
        }
