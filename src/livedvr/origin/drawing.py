"""Draws a window of a channel's timeline, a session's or nobody's, and its live end with a delay. No I/O, no clock.

The same code draws the stored sessions (`OpenSession`) and the channel's own live manifest (`live_window`), so the
lines are the same. A window holds nothing: retention takes its segments as if it were not there. Where that has taken
what the window began with, or left a hole in it, it is NOT_FOUND from then on: a published line never changes (P1).
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace

from livedvr.catalog.session_rows import SessionRow
from livedvr.hls.bitrate import BitrateMeter
from livedvr.hls.live_playlist import live_window, render_live
from livedvr.origin.asked import Asked
from livedvr.origin.versions import Version
from livedvr.resources.errors import InvalidArgument, NotFound
from livedvr.resources.models import Channel, Manifest
from livedvr.resources.times import SECOND
from livedvr.sessions.live import LiveList
from livedvr.sessions.open_session import AT_ONCE, OpenSession, only_drawn
from livedvr.sessions.plan import is_over
from livedvr.sessions.presentation import multivariant
from livedvr.timeline.gaps import SOURCE_LOST
from livedvr.timeline.segment import Segment, Window
from livedvr.timeline.timeline import ChannelTimeline

_NO_MEDIA = "reload in a moment, or ask for another window"


def begins_with(known: ChannelTimeline, window: Window) -> Window:
    """The window from the first segment on that can be listed: behind what retention has taken (W4).

    NOT_FOUND: nothing of it is there.
    """
    timeline = known.timeline
    segments = timeline.segments(timeline.reference)
    low, high = timeline.meeting(timeline.reference, window)
    if low == high:
        raise NotFound("there is no media in the window", field="start", hint=_NO_MEDIA)
    first = high - 1
    while first > low and segments[first].number - 1 == segments[first - 1].number:
        first -= 1
    return replace(window, start=segments[first].start)


class Drawn:
    """A session's playlists as they are drawn from its row, grown as the session's own are.

    Args:
        row: the session, or what stands for one.
        up: the way from a media playlist to the channel's output.
    """

    def __init__(self, channel: Channel, row: SessionRow, up: str) -> None:
        self._session = OpenSession(row, channel, up=up)
        self._versions: dict[str, tuple[int, bool, Version]] = {}

    def grow(self, known: ChannelTimeline, *, over: bool) -> bool:
        """Draw some of what the timeline has by now; ``over``: nothing more can come, so the end has its ENDLIST (S5).

        Whether that was all: a day takes a second, in which others want something, too.
        """
        if not self._session.sealed_text:
            if not self._session.grow(known, AT_ONCE):
                return False
            if over:
                self._session.seal(SOURCE_LOST)
        return True

    def version(self, mux: str) -> Version:
        """The media playlist of a mux stream. NOT_FOUND: it lists nothing yet."""
        rendition = self._session.renditions.get(mux)
        if rendition is None or rendition.last is None:
            raise NotFound(f"there is no media of '{mux}' yet", field="start", hint=_NO_MEDIA)
        state = (rendition.count, rendition.playlist.sealed)
        known = self._versions.get(mux)
        if known is None or known[:2] != state:
            known = (*state, Version(rendition.playlist.render(), 0))
            self._versions[mux] = known
        return known[2]

    def main(self, known: ChannelTimeline, query: str = "") -> bytes:
        """The multivariant playlist. NOT_FOUND: a player would miss a rendition for good."""
        session = self._session
        if not session.is_complete:
            raise NotFound("not every rendition has media yet", field="start", hint=_NO_MEDIA)
        return multivariant(session.channel, session.renditions.values(), session.row.edition, known, query)

    @property
    def size(self) -> int:
        """About the bytes it takes."""
        return sum(3 * len(version.whole.data) for _, _, version in self._versions.values()) + 4096


class DrawnWindow(Drawn):
    """A window without a session: nothing holds what it lists."""

    def __init__(self, channel: Channel, manifest: Manifest, window: Window, target: int, up: str) -> None:
        assert manifest.key is not None  # who asked has named it
        super().__init__(channel, only_drawn(channel.channel_id, "window", manifest.key, [window], target), up)
        self.window = window

    def grow_until(self, known: ChannelTimeline, frontier: int | None) -> bool:
        """`grow`, over when nothing that is still to come starts before its end. NOT_FOUND: a part of it has gone."""
        whole = self.grow(known, over=is_over([self.window], frontier))
        if whole:
            self._check_whole(known)
        return whole

    def _check_whole(self, known: ChannelTimeline) -> None:
        timeline = known.timeline
        for mux, rendition in self._session.renditions.items():
            segments = timeline.segments(mux)
            low, high = timeline.span(mux, self.window)
            is_whole = (
                low < high
                and rendition.count <= high - low
                and segments[high - 1].number - segments[low].number == high - low - 1
            )
            if is_whole and mux == timeline.reference and segments[low].start > self.window.start:
                is_whole = segments[low].number == 0 or timeline.before(mux, segments[low]) is not None
            if not is_whole:
                hint = "load main.m3u8 again, or make a session"
                raise NotFound("part of the window is not kept any more", field="start", hint=hint)


@dataclass(frozen=True, slots=True)
class DelayedLists:
    """The live end of a channel, ``delay`` microseconds behind, at the instant ``now``; slides as its live manifest."""

    channel: Channel
    manifest: Manifest
    delay: int
    target: int
    up: str
    known: ChannelTimeline
    now: int

    def check(self) -> None:
        """INVALID_ARGUMENT: what slides out would not stay as long as it must (RFC 8216bis 6.2.2)."""
        longest = max(self.manifest.max_segment_count, 3) * self.target * SECOND
        most = self.channel.retention_micros - 3 * longest
        if self.delay > max(0, most):
            raise InvalidArgument(
                "the channel does not keep so much", field="delay", hint=f"at most {max(0, most) // SECOND}s"
            )

    def segments(self, mux: str) -> tuple[Segment, ...]:
        """What is listed of a mux stream. NOT_FOUND: nothing yet."""
        every = self.known.timeline.segments(mux)
        shown = every[: self._position(mux)]
        found = live_window(shown, self.manifest.max_segment_count, 3 * self.target * SECOND)
        if not found:
            raise NotFound(f"'{mux}' has no media yet", field="delay", hint=_NO_MEDIA)
        return found

    def draw(self, mux: str) -> bytes:
        """The media playlist of a mux stream."""
        listed = self.segments(mux)
        tags = self.known.ranges.meeting(mux, listed[-1].number, listed[0].start)
        container = self.channel.mux_stream(mux).container
        return render_live(mux, container, self.target, listed, tags, self.up)

    def main(self, query: str) -> bytes:
        """The multivariant playlist."""
        lists = []
        for mux in self.manifest.mux_streams:
            meter = BitrateMeter(self.target * SECOND)
            one = LiveList(mux, self.channel.mux_stream(mux).container, self.manifest.max_segment_count, meter=meter)
            one.stored(self.segments(mux), b"")
            lists.append(one)
        return multivariant(self.channel, lists, 1, self.known, query)

    def due(self, mux: str) -> int | None:
        """When the next segment is to be listed, UTC microseconds; None: it has yet to come."""
        every, position = self.known.timeline.segments(mux), self._position(mux)
        return every[position].end + self.delay if position < len(every) else None

    def _position(self, mux: str) -> int:
        every = self.known.timeline.segments(mux)
        return bisect_right(every, self.now - self.delay, key=lambda s: s.end) if self.delay else len(every)


def wanted_manifest(channel: Channel, asked: Asked, file: str | None, mux: str | None) -> Manifest:
    """The manifest of that file name, or of the key that main.m3u8 has named. NOT_FOUND: the channel has none."""
    for manifest in channel.manifests:
        if manifest.key is None or (asked.manifest or manifest.key) != manifest.key:
            continue
        if file == manifest.file_name or mux in manifest.mux_streams:
            return manifest
    raise NotFound(f"channel '{channel.channel_id}' has no such manifest", field=mux or file)
