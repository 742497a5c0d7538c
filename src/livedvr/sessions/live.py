"""A channel's own live manifest: the newest segments of each rendition, for ever (SEMANTICS O5).

What was published last is read back from the store: it is the only truth about what players have seen. So the target
duration stays the one that the list began with (RFC 8216bis 6.2.1), and no list ever goes back.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field

from livedvr.catalog import channel_rows
from livedvr.hls.bitrate import BitrateMeter
from livedvr.hls.live_playlist import live_window, render_live
from livedvr.hls.parsed import Playlist, parse_playlist
from livedvr.resources.errors import Aborted, LiveDvrError, NotFound, StorageError
from livedvr.resources.layout import Container, live_playlist_name
from livedvr.resources.models import Channel, Manifest
from livedvr.resources.streams import MuxStream
from livedvr.resources.times import SECOND
from livedvr.sessions.back_off import BackOff
from livedvr.sessions.held_channel import HeldChannel
from livedvr.sessions.presentation import listed_media, multivariant
from livedvr.storage.base import ask
from livedvr.timeline.segment import RunMedia, Segment, Window


def live_names(channel: Channel) -> list[str]:
    """The objects of the channel's live manifests: those that point at others first."""
    muxes = dict.fromkeys(mux for manifest in channel.manifests for mux in manifest.mux_streams)
    return [manifest.file_name for manifest in channel.manifests] + [live_playlist_name(mux) for mux in muxes]


@dataclass(slots=True)
class LiveList:
    """The live playlist of one mux stream.

    ``count``: how many segments it lists at least, the largest number of all manifests that name it. ``segments`` and
    ``text``: what the store has. ``longest``: microseconds, the longest it has been.
    """

    mux: str
    container: Container
    count: int
    segments: tuple[Segment, ...] = ()
    text: bytes = b""
    longest: int = 0
    meter: BitrateMeter = field(default_factory=lambda: BitrateMeter(0))
    metered: int = -1  # the number of the newest segment that the meter has

    @property
    def newest(self) -> Segment | None:
        """The newest listed segment that is media."""
        return next((segment for segment in reversed(self.segments) if not segment.is_gap), None)

    @property
    def runs(self) -> list[str]:
        """The runs whose media is listed."""
        return list(dict.fromkeys(segment.run for segment in self.segments if not segment.is_gap))

    @property
    def bandwidth(self) -> int:
        """What BANDWIDTH has to say: see `RenditionPlaylist.bandwidth`."""
        return max(self.meter.peak, self.meter.average)

    def stored(self, segments: tuple[Segment, ...], text: bytes) -> list[Segment]:
        """The store has this now. What has slid out."""
        slid = [segment for segment in self.segments if segment.number < segments[0].number]
        if new := [segment for segment in segments if segment.number > self.metered and not segment.is_gap]:
            self.meter.add([segment.size for segment in new], [segment.duration for segment in new])
            self.metered = new[-1].number
        self.segments, self.text = segments, text
        self.longest = max(self.longest, sum(segment.duration for segment in segments))
        return slid


class LiveManifests:
    """The live manifests of one channel. `run` is a task; `wake` tells it that there are segments."""

    def __init__(
        self,
        held: HeldChannel,
    ) -> None:
        self._held = held
        self._lists = {mux.key: LiveList(mux.key, mux.container, count) for mux, count in _counts(held.channel)}
        self._target: int | None = None  # seconds; fixed with the first list
        self._read_back = False
        self._graces: list[tuple[int, int]] = []  # (until when, from which stream time) what slid out is kept
        self._declared: dict[str, dict[str, tuple[int, RunMedia]]] = {}  # by file and mux: rate, media
        self._told = False
        self._wake = asyncio.Event()
        self._passed = asyncio.Event()
        self._begun = self._done = 0
        self._writing = asyncio.Lock()

    def wake(self) -> None:
        """There may be something to list."""
        self._wake.set()

    async def run(self) -> None:
        """Keep the manifests as they should be, until cancelled. What storage refuses is tried again."""
        back_off = BackOff()
        while True:
            self._wake.clear()
            self._begun += 1
            async with self._writing:
                refused = await self._publish()
            self._done = self._begun
            self._passed.set()
            self._passed = asyncio.Event()
            if self._held.store.pause:  # no name is written again before
                await self._held.clock.wait(asyncio.Event(), self._held.store.pause)
            if refused:
                await self._held.clock.wait(self._wake, back_off.refused())
            else:
                back_off.accepted()
                await self._held.clock.wait(self._wake, None)

    async def settled(self) -> None:
        """Return when `run` has looked, and written what storage takes, since the call."""
        begun = self._begun
        self.wake()
        while self._done <= begun:
            await self._passed.wait()

    def nothing_changes(self) -> asyncio.Lock:
        """``async with`` it: meanwhile nothing is written."""
        return self._writing

    def held(self, now: int | None) -> list[Window]:
        """The windows whose segments retention may not touch.

        What is listed, and what has slid out, for its own duration and that of the longest list it was in
        (RFC 8216bis 6.2.2); without ``now`` only what is listed (R5: a nearly full disk leaves no grace). As long as
        it is not known what players have seen, everything.
        """
        if not self._read_back:
            return [Window(0, None)]
        self._graces = [grace for grace in self._graces if now is None or grace[0] > now]
        listed = [one.segments or self._drawn(one) for one in self._lists.values()]
        graces = [] if now is None else [start for _, start in self._graces]
        starts = graces + [segments[0].start for segments in listed if segments]
        return [Window(min(starts), None)] if starts else []

    async def _publish(self) -> bool:
        """Step 7: the media playlists, then what points at them. Whether storage has refused something."""
        try:
            if not self._read_back:
                await self._read_all_back()
            self._target = self._target or self._held.known.target
            for one in self._lists.values():
                await self._write_list(one)
            for manifest in self._held.channel.manifests:
                await self._write_main(manifest)
        except StorageError as error:
            await self._tell(error)
            return True
        self._told = False
        return False

    async def _read_all_back(self) -> None:
        now, longest = self._held.clock.now(), 0
        for one in self._lists.values():
            with contextlib.suppress(NotFound):
                text = await ask(self._held.store, self._held.store.get, live_playlist_name(one.mux))
                listed = self._still_known(one.mux, found := parse_playlist(text.decode(errors="replace"), one.mux))
                if listed and found.target:
                    self._target = found.target
                    one.meter = BitrateMeter(found.target * SECOND)
                    one.stored(listed, text)
                    # How long it has been before is not told: no list, and no segment (P3), was longer than this.
                    segment = SECOND * (self._held.known.target or 0) + SECOND // 2
                    count = max(one.count, len(listed))
                    one.longest = max(3 * found.target * SECOND, count * segment) + segment
                    longest = max(longest, one.longest + segment)
        if longest:  # what slid out before is not told any more: nothing goes as long as that might matter
            self._graces.append((now + longest, 0))
        self._read_back = True

    def _still_known(self, mux: str, found: Playlist) -> tuple[Segment, ...]:
        """What a stored list has, as the timeline has it; nothing of a list that is another catalog's."""
        segments = self._held.known.timeline.segments(mux)
        if not segments or found.next_number > segments[-1].number + 1:
            return ()
        since = live_window(segments, len(segments), 0, found.first_number)
        return tuple(segment for segment in since if segment.number < found.next_number)

    def _drawn(self, one: LiveList) -> tuple[Segment, ...]:
        """What is to be listed of the rendition now."""
        target = self._target or self._held.known.target
        if target is None:
            return ()
        since = one.segments[0].number if one.segments else 0
        return live_window(self._held.known.timeline.segments(one.mux), one.count, 3 * target * SECOND, since)

    async def _write_list(self, one: LiveList) -> None:
        segments = self._drawn(one)
        if not segments or self._target is None:
            return
        tags = self._held.known.ranges.meeting(one.mux, segments[-1].number, segments[0].start)
        text = render_live(one.mux, one.container, self._target, segments, tags)
        if text == one.text:
            return
        if one.metered < 0:
            one.meter = BitrateMeter(self._target * SECOND)
        await ask(self._held.store, self._held.store.replace, live_playlist_name(one.mux), text)
        if slid := one.stored(segments, text):
            grace = one.longest + max(segment.duration for segment in slid)
            self._graces.append((self._held.clock.now() + grace, slid[0].start))

    async def _write_main(self, manifest: Manifest) -> None:
        """At first when each rendition lists something; then when it declares too little, or the media is another."""
        lists = [self._lists[mux] for mux in manifest.mux_streams]
        media = {one.mux: (one.bandwidth, listed_media(one, self._held.known)) for one in lists if one.newest}
        if not media or not all(one.segments for one in lists):
            return
        declared = self._declared.get(manifest.file_name, {})
        if declared.keys() == media.keys() and all(
            rate <= declared[mux][0] and what == declared[mux][1] for mux, (rate, what) in media.items()
        ):
            return
        text = multivariant(self._held.channel, lists, 1, self._held.known)
        await ask(self._held.store, self._held.store.replace, manifest.file_name, text)
        self._declared[manifest.file_name] = media

    async def _tell(self, error: StorageError) -> None:
        if self._told:
            return
        channel, now = self._held.channel.channel_id, self._held.clock.now()
        try:
            await self._held.write(
                lambda db: channel_rows.add_event(db, channel, now, "LIVE_MANIFEST_FAILED", str(error))
            )
        except Aborted:  # the channel is somebody else's
            raise
        except LiveDvrError:  # it is told with the next try
            return
        self._told = True


def _counts(channel: Channel) -> list[tuple[MuxStream, int]]:
    """The mux streams that a manifest names, and how many segments the longest of these manifests wants."""
    counts = {
        mux: max((m.max_segment_count for m in channel.manifests if mux.key in m.mux_streams), default=0)
        for mux in channel.mux_streams
    }
    return [(mux, count) for mux, count in counts.items() if count]
