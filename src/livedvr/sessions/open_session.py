"""A session that is being written: its playlists, its ledger, its figures, grown segment by segment."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from livedvr.catalog.session_rows import SessionRow
from livedvr.resources.layout import UP_TO_OUTPUT
from livedvr.resources.models import Channel, Manifest
from livedvr.sessions.rendition_playlist import RenditionPlaylist
from livedvr.sessions.states import State
from livedvr.timeline.gaps import GapLedger, Hole
from livedvr.timeline.ranges import RangeTag
from livedvr.timeline.segment import Segment, Window
from livedvr.timeline.timeline import ChannelTimeline, Passage

# Segments of a rendition that are drawn without a pause: 8 ms. Pauses that come before the 5 ms after which CPython
# takes the interpreter away let no thread in, and those that write what others list would wait (measured: 0.2 s more).
AT_ONCE = 8000


@dataclass(slots=True)
class OpenSession:
    """What the manager holds of a session whose playlists may still grow.

    A patch or a restart makes it anew from the row: both draw the same text again (S8, S16).

    ``row`` is the session as the catalog has it. ``reference``: the rendition that the figures count: the channel's
    reference, if the manifest carries it. ``renditions``: its playlists by mux key, in the manifest's order, as
    far as there is something to list. ``published`` says whether the store has what the playlists say, ``declared``
    the bandwidths and how many runs the published multivariant playlist counts with (empty: none is published),
    ``with_main`` whether it is among what is being written. ``vod``: it is drawn once, for a clip; ``up``: the way from
    a media playlist to the channel's output. ``stretches``: where
    the reference's listing begins, and where it goes on behind a hole, UTC microseconds. ``measured``: the newest
    segment whose way into the playlist has been measured.
    """

    row: SessionRow
    channel: Channel
    vod: bool = False
    up: str = UP_TO_OUTPUT
    ledger: GapLedger = field(init=False)
    found_stopping: bool = field(init=False)  # an earlier controller died while it stopped the channel
    reference: str = field(init=False)
    renditions: dict[str, RenditionPlaylist] = field(default_factory=dict)
    failures: list[Hole] = field(default_factory=list)
    published: bool = True
    declared: dict[str, tuple[int, int]] = field(default_factory=dict)
    with_main: bool = False
    sealed: bool = False
    storage_error: str | None = None
    measured: Segment | None = None
    stretches: list[int] = field(default_factory=list)
    segments: int = 0
    duration: int = 0
    size: int = 0
    actual_start: int | None = None
    actual_end: int | None = None

    def __post_init__(self) -> None:
        self.ledger = GapLedger(self.row.edition_windows)
        self.found_stopping = self.row.state == State.STOPPING
        keys, reference = self.manifest.mux_streams, self.channel.reference.key
        self.reference = reference if reference in keys else keys[0]

    @property
    def manifest(self) -> Manifest:
        """The manifest that the session is of."""
        return self.channel.manifest(self.row.manifest_key)

    def grow(self, known: ChannelTimeline, most: int | None = None) -> bool:
        """List what the timeline has new for this session's windows, at most so many segments. Whether that was all.

        One rendition after the other: where a listing of the reference begins tells what stands in the others (P9).
        """
        # The reference first: what becomes of the others is told by its edges (W5).
        for mux in sorted(self.manifest.mux_streams, key=lambda key: key != self.reference):
            have = self.renditions.get(mux)
            # An ENDLIST may be published already: what it closed is in the summary.
            summary = self.row.summary
            count = have.count if have else 0
            left = most if summary is None else summary["listed"].get(mux, 0) - count
            windows, after = self.row.edition_windows, have.last if have else None
            for passage in known.timeline.passages(mux, windows, after, left):
                rendition = self._rendition(mux, known)
                before = rendition.last
                self._append(passage, rendition, known)
                self._count(mux, passage, before, known)
            if most is not None and mux in self.renditions and self.renditions[mux].count >= count + most:
                return False
        return True

    def _append(self, passage: Passage, rendition: RenditionPlaylist, known: ChannelTimeline) -> None:
        """P9: a passage is cut where tags have their place in it."""
        rest, before = passage, list[RangeTag]()
        tags = self._tags_of(passage, rendition, known)
        for place, group in itertools.groupby(tags, lambda tag: tag.place(rendition.mux)):
            if place > rest.first.number:
                part, rest = rest.cut(place - rest.first.number)
                rendition.append(part, before)
                before = []
            before += group
        rendition.append(rest, before)

    def _tags_of(self, passage: Passage, rendition: RenditionPlaylist, known: ChannelTimeline) -> Sequence[RangeTag]:
        """What has its place up to the passage's end; where a listing begins, the tags of all ranges that last."""
        mux, first, last = rendition.mux, passage.first, passage.last.number
        if rendition.last is not None and not passage.joined:
            return known.ranges.placed(mux, rendition.last.number, last)
        if mux == self.reference:
            self.stretches.append(first.start)
        # By the reference's edge (W5): the same in all renditions.
        begun = [start for start in self.stretches if 2 * start <= first.start + first.end]
        lasting = known.ranges.meeting(mux, first.number, begun[-1] if begun else first.start)
        return [*lasting, *known.ranges.placed(mux, first.number, last)]

    def _rendition(self, mux: str, known: ChannelTimeline) -> RenditionPlaylist:
        if mux not in self.renditions:
            target = self.row.target or known.target
            assert target is not None, "a timeline with segments has a target duration"
            self.row = replace(self.row, target=target)
            made = RenditionPlaylist(
                mux,
                self.channel.mux_stream(mux).container,
                target,
                self.manifest.start_offset_micros,
                self.manifest.gap_entries,
                self.vod,
                self.up,
            )
            order = self.manifest.mux_streams
            self.renditions = dict(
                sorted((self.renditions | {mux: made}).items(), key=lambda item: order.index(item[0]))
            )
        return self.renditions[mux]

    def _count(self, mux: str, passage: Passage, before: Segment | None, known: ChannelTimeline) -> None:
        """Take what was listed, behind ``before``, into the figures."""
        segments, first = passage.segments, passage.first
        self.published = False
        self.size += sum(segments.column("size"))
        if first.is_gap:
            for gap in segments:
                self._note_failure(mux, gap)
        if mux != self.reference:
            return
        if before is None or before.number + 1 != first.number:
            before = known.timeline.before(mux, first)  # it is there, and in no window
        self.ledger.extend(segments, before, known.reason_before)
        self.segments += passage.count
        self.duration += sum(segments.column("duration"))
        self.actual_start = first.start if self.actual_start is None else self.actual_start
        self.actual_end = passage.last.end

    def _note_failure(self, mux: str, gap: Segment) -> None:
        """P8: adjacent gaps of a rendition are one."""
        reason = f"rendition {mux} failed"
        last = next((hole for hole in reversed(self.failures) if hole.reason == reason), None)
        if last is not None and last.end == gap.start:
            self.failures.remove(last)
            self.failures.append(Hole(last.start, gap.end, reason))
        else:
            self.failures.append(Hole(gap.start, gap.end, reason))

    def seal(self, reason: str) -> bool:
        """Nothing more will be listed: ENDLIST. What the windows still ask for is missing for ``reason``.

        Whether that was news.
        """
        if not self.renditions or self.sealed_text:
            return False
        for rendition in self.renditions.values():
            rendition.seal()
        self.published = False
        if self.row.summary is None:  # else it was cut off, or sealed before a restart: the ledger is closed
            # An open window asks for no more than there is, a closed one before it for all of its time (P8).
            ends = (self.actual_end, *(window.end for window in self.row.edition_windows))
            self.ledger.close(max((end for end in ends if end is not None), default=0), reason)
        return True

    @property
    def is_complete(self) -> bool:
        """Whether there is something to list of every rendition: before that a player would miss one for good."""
        return len(self.renditions) == len(self.manifest.mux_streams)

    @property
    def needs_multivariant(self) -> bool:
        """Whether main.m3u8 has to be (re)placed: at first, when it declares less than there is, and at the end."""
        playable = [rendition for rendition in self.renditions.values() if rendition.newest]
        declared = [self.declared.get(rendition.mux, (0, 0)) for rendition in playable]
        outgrown = any(
            one.bandwidth > bandwidth or len(one.runs) > runs  # another run may be of another codec or size (P6)
            for one, (bandwidth, runs) in zip(playable, declared, strict=True)
        )
        return outgrown or (self.sealed_text and bool(playable))

    @property
    def sealed_text(self) -> bool:
        """Whether the media playlists have their ENDLIST."""
        return bool(self.renditions) and all(one.playlist.sealed for one in self.renditions.values())

    def stored(self, *, with_multivariant: bool) -> None:
        """The store has what the playlists say now."""
        self.published, self.sealed = True, self.sealed_text
        if with_multivariant:
            self.declared = {one.mux: (one.bandwidth, len(one.runs)) for one in self.renditions.values() if one.newest}

    def has_new_end(self, known: ChannelTimeline) -> bool:
        """Whether its playlist has come up with the channel's timeline since this was last asked."""
        reference = known.timeline.reference
        rendition, newest = self.renditions.get(reference), known.timeline.last(reference)
        if rendition is None or rendition.last != newest or newest == self.measured:
            return False
        self.measured = newest
        return True

    def summary(self) -> dict[str, Any]:
        """What the session holds, as the catalog keeps it."""
        return {
            "segments": self.segments,
            "listed": {mux: rendition.count for mux, rendition in self.renditions.items()},
            "duration": self.duration,
            "size": self.size,
            "actual_start": self.actual_start,
            "actual_end": self.actual_end,
            "gaps": [[hole.start, hole.end, hole.reason] for hole in (*self.ledger.holes, *self.failures)],
        }


def only_drawn(
    channel: str, session: str, manifest_key: str, windows: Sequence[Window], target: int | None = None
) -> SessionRow:
    """A LIVE session that no catalog has: what is drawn of its windows is all there is to it."""
    return SessionRow(
        channel=channel,
        id=session,
        manifest_key=manifest_key,
        windows=tuple(windows),
        edition_windows=tuple(windows),
        labels={},
        state=State.LIVE,
        error=None,
        edition=1,
        target=target,
        summary=None,
        created=0,
        updated=0,
    )
