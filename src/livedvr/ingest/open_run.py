"""A run that is being read: what its journals have brought and what of it is committed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

from livedvr.ingest.cues import CueReader
from livedvr.ingest.journal import JournalReader
from livedvr.ingest.log import LogReader
from livedvr.ingest.run import Run
from livedvr.ingest.source_change import SourceChange
from livedvr.ingest.text import TextWriter
from livedvr.media.reader import MediaSpan
from livedvr.resources.layout import INIT_NAME
from livedvr.resources.models import Channel
from livedvr.resources.streams import MuxStream
from livedvr.resources.times import MINUTE
from livedvr.timeline.clock import RunClock
from livedvr.timeline.ranges import Cue
from livedvr.timeline.segment import ClosedSegment, RunMedia
from livedvr.timeline.source_dates import SourceDates
from livedvr.timeline.timeline import Timeline


@dataclass(slots=True)
class Track:
    """One rendition of a run that is being read.

    ``next_index``: the first segment that is not in the catalog yet. ``undated``: those closed since then that wait for
    the source's dates, ``pending``: those that are to be placed. ``unlisted``: those since then that will never be
    listed. ``head``: what the first segment is. ``failed``: it brings nothing (any more) that can be listed (P7).
    ``text``: what writes it, where ffmpeg does not.
    ``change``: where its source has become another one. ``has_sound``: the channel wants audio in it.
    """

    mux: MuxStream
    journal: JournalReader
    change: SourceChange
    has_sound: bool
    next_index: int = 0
    pending: list[ClosedSegment] = field(default_factory=list)
    undated: list[ClosedSegment] = field(default_factory=list)
    unlisted: list[int] = field(default_factory=list)
    head: MediaSpan | None = None
    failed: bool = False
    text: TextWriter | None = None

    @property
    def open_index(self) -> int:
        """The index of the segment that ffmpeg is writing."""
        return self.next_index + len(self.pending) + len(self.undated) + len(self.unlisted)

    @property
    def is_silent(self) -> bool:
        """Whether the source had no audio for it when the run began."""
        return self.has_sound and (self.failed or self.change.is_silent)

    def take(self, count: int) -> None:
        """The first ``count`` of what is pending are in the catalog, or will never be."""
        self.next_index += count + len(self.unlisted)
        self.pending, self.unlisted = self.pending[count:], []

    def cut(self, index: float, until: float = math.inf) -> list[int]:
        """Nothing from this segment on will be listed, nor what lies behind ``until`` (media time) by more than half.

        The segments that have gone by that.
        """

        def stays(row: ClosedSegment) -> bool:
            return row.index < index and row.media_start + row.media_end < 2 * until

        gone = [row.index for row in [*self.pending, *self.undated] if not stays(row)]
        self.pending, self.undated = list(filter(stays, self.pending)), list(filter(stays, self.undated))
        self.unlisted += gone
        return gone


@dataclass(slots=True)
class OpenRun:
    """A run that is being read.

    ``reference``: the rendition that is the clock of all, ``others``: those that are placed beside it. ``media``: what
    each is, by mux key. ``stored``: objects that the store has already, of which the catalog may not know yet.
    ``marks``: the reference's segments before which ffmpeg's log or the source's dates tell of a jump. ``dates``: the
    source's, where they win over arrival (C5). ``standby``: it was not on air when it was last read. ``cues``: what it
    says of the program, ``waiting``: of that, what no segment has been placed beside yet; ``refused_cue``: it has been
    said that some are no use.
    """

    run: Run
    log: LogReader
    cues: CueReader
    reference: Track
    others: list[Track]
    clock: RunClock = field(default_factory=RunClock)
    media: dict[str, RunMedia] = field(default_factory=dict)
    stored: set[str] = field(default_factory=set)
    marks: set[int] = field(default_factory=set)
    dates: SourceDates | None = None
    standby: bool = False
    waiting: list[Cue] = field(default_factory=list)
    refused_cue: bool = False

    @property
    def tracks(self) -> list[Track]:
        """All renditions, the reference first."""
        return [self.reference, *self.others]

    def change(self, age: int) -> str | None:
        """How the source has become another one, for people.

        ``age``: of the run, microseconds. Sound that comes later is worth another run, but not one after the other.
        """
        found = next((track.change.text for track in self.tracks if track.change.text), None)
        lacks = any(track.is_silent for track in self.tracks)
        return found or ("audio has come" if lacks and self.log.has_new_audio and age > MINUTE else None)

    @property
    def first_changed(self) -> str | None:
        """The reference's first segment of another source, as ffmpeg's log names it."""
        index = self.reference.change.index
        return None if index is None else str(self.segment_path(self.reference, index).relative_to(self.run.folder))

    def segment_path(self, track: Track, index: int) -> Path:
        """Where ffmpeg writes a segment."""
        return self.run.segment_path(track.mux.key, index, track.mux.container)

    def init_path(self, track: Track) -> Path | None:
        """Where ffmpeg writes the rendition's init segment; MPEG-TS has none."""
        return self.run.media_folder(track.mux.key) / INIT_NAME if track.mux.container == "fmp4" else None


def open_run(run: Run, channel: Channel, timeline: Timeline, cues: int = 0) -> OpenRun:
    """The run as far as the timeline does not have it; a mux stream that it does without has failed.

    ``cues``: how many of its messages have been dealt with.
    """
    tracks = [_track(run, channel, channel.mux_stream(key), timeline) for key in timeline.renditions()]
    log, reader = LogReader(run.log_path, channel.reference.key), CueReader(run.folder, run.log_path, cues)
    return OpenRun(run, log, reader, tracks[0], tracks[1:])


def _track(run: Run, channel: Channel, mux: MuxStream, timeline: Timeline) -> Track:
    committed = [s.index for s in timeline.of_run(mux.key, run.id) if not s.is_gap]
    is_there, text = mux.key in run.muxes, channel.text_of(mux)
    return Track(
        mux,
        JournalReader(run.journal_path(mux.key)),
        SourceChange(run, mux),
        has_sound=channel.audio_of(mux) is not None,
        next_index=committed[-1] + 1 if committed else 0,
        failed=not is_there,
        text=TextWriter(run, mux, channel.reference, text.input_cea_channel) if text and is_there else None,
    )
