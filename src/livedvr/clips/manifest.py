"""A MANIFEST clip: a presentation of its own with all its segments, in the layout of the channel.

It is drawn as a session over the same windows is (`OpenSession`), and then sealed at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from livedvr.resources.layout import LIVE_UP_TO_OUTPUT, init_name, live_playlist_name, segment_name
from livedvr.resources.models import Channel
from livedvr.sessions.open_session import OpenSession, only_drawn
from livedvr.sessions.presentation import multivariant
from livedvr.timeline.gaps import SOURCE_LOST
from livedvr.timeline.segment import Window
from livedvr.timeline.timeline import ChannelTimeline


@dataclass(frozen=True, slots=True)
class Drawn:
    """What a clip consists of.

    ``segments``: the names of segments and init segments, in the channel's output and in the clip's alike.
    ``playlists``: names and texts, those that point at others last. ``duration``: microseconds of the reference's
    media; ``size``: bytes of all segments.
    """

    segments: tuple[str, ...]
    playlists: tuple[tuple[str, bytes], ...]
    duration: int
    size: int

    @property
    def names(self) -> Iterator[str]:
        """All objects: those that point at others first."""
        yield from (name for name, _ in reversed(self.playlists))
        yield from self.segments


def draw(channel: Channel, manifest_key: str, windows: Sequence[Window], known: ChannelTimeline) -> Drawn:
    """The presentation of these windows of the channel's timeline. Costs what their length costs; no I/O."""
    session = OpenSession(
        only_drawn(channel.channel_id, "clip", manifest_key, windows), channel, vod=True, up=LIVE_UP_TO_OUTPUT
    )
    session.grow(known)
    session.seal(SOURCE_LOST)
    renditions = session.renditions
    playlists = [(live_playlist_name(mux), one.playlist.render()) for mux, one in renditions.items()]
    playlists.append((session.manifest.file_name, multivariant(channel, renditions.values(), 1, known)))
    names = [name for mux in renditions for name in _segments(channel, mux, windows, known)]
    return Drawn(tuple(names), tuple(playlists), session.duration, session.size)


def _segments(channel: Channel, mux: str, windows: Sequence[Window], known: ChannelTimeline) -> Iterator[str]:
    container, last_run = channel.mux_stream(mux).container, ""
    for listed in known.timeline.listing(mux, windows):
        segment = listed.segment
        if segment.is_gap:
            continue
        if container == "fmp4" and segment.run != last_run:
            yield init_name(mux, segment.run)
        last_run = segment.run
        yield segment_name(mux, segment.run, segment.index, container)
