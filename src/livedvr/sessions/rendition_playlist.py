"""One rendition of a session that is being written: its media playlist and what it measures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from livedvr.hls.bitrate import BitrateMeter
from livedvr.hls.media_playlist import MediaPlaylist
from livedvr.resources.layout import UP_TO_OUTPUT, Container
from livedvr.resources.times import SECOND
from livedvr.timeline.ranges import RangeTag
from livedvr.timeline.segment import Segment
from livedvr.timeline.timeline import Passage


@dataclass(slots=True)
class RenditionPlaylist:
    """A session's playlist of one mux stream, or (``vod``) a clip's.

    ``gap_entries``: whether gaps are listed (P7). ``last``: the newest segment that was taken, listed or not;
    ``newest``: the newest that is media; ``runs``: those whose media it lists; ``count``: how many were taken;
    ``written``: the store has it as it is. ``up``: the way from it to the channel's output.
    ``listed_tags``: the serials of the tags of date ranges that are listed, ``waiting``: those that a segment has yet
    to follow.
    """

    mux: str
    container: Container
    target: int
    start_offset: int | None = None
    gap_entries: bool = True
    vod: bool = False
    up: str = UP_TO_OUTPUT
    playlist: MediaPlaylist = field(init=False)
    meter: BitrateMeter = field(init=False)
    last: Segment | None = None
    newest: Segment | None = None
    runs: list[str] = field(default_factory=list)
    count: int = 0
    written: bool = False
    listed_tags: set[int] = field(default_factory=set)
    waiting: list[RangeTag] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.playlist = MediaPlaylist(
            self.mux, self.container, self.target, self.start_offset, vod=self.vod, up=self.up
        )
        self.meter = BitrateMeter(self.target * SECOND)

    def append(self, passage: Passage, tags: Sequence[RangeTag] = ()) -> None:
        """List more segments, and before the first those of the ``tags`` that are not listed yet."""
        last = self.last = passage.last
        self.count += passage.count
        new = [tag for tag in tags if tag.serial not in self.listed_tags]
        self.listed_tags.update(tag.serial for tag in new)
        self.waiting += new
        if not last.is_gap:
            self.newest = last
            if last.run not in self.runs[-1:]:
                self.runs.append(last.run)
            self.meter.add(passage.segments.column("size"), passage.segments.column("duration"))
        if self.gap_entries or not last.is_gap:
            self.playlist.append(passage, self.waiting)
            self.waiting = []
            self.written = False

    def seal(self) -> None:
        """ENDLIST: nothing more will be listed (P2)."""
        self.playlist.seal()
        self.written = False

    @property
    def bandwidth(self) -> int:
        """What BANDWIDTH has to say: the peak; never below the average, which a segment too long for any set lifts."""
        return max(self.meter.peak, self.meter.average)
