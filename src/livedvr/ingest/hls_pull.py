"""An HLS source's own playlist, read beside the ffmpeg that reads its media (SEMANTICS I3, C5)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from livedvr.fetch import PLAYLIST_LIMIT, Fetcher, resolve
from livedvr.hls.mirror import mirrored, original
from livedvr.hls.parsed import Playlist, Uri, parse_playlist
from livedvr.ingest.command import SMOOTHED, SMOOTHED_TS
from livedvr.ingest.log import LogTail
from livedvr.ingest.open_run import OpenRun
from livedvr.ingest.run import Run
from livedvr.ingest.source import NEWEST, Source
from livedvr.resources.errors import SourceError
from livedvr.resources.models import Channel
from livedvr.resources.times import SECOND
from livedvr.timeline.source_dates import SourceDates, SourceSegment
from livedvr.wallclock import WallClock

TIMEOUT = 5  # seconds; whoever serves a live playlist answers faster
USUAL_TARGET = 10 * SECOND  # while the source's is not known
REMEMBERED = 1000  # of the segments that have been opened

_OPENED = re.compile(rb"Opening '([^']+)' for reading")


class HlsPull:
    """What a source's playlist says.

    Args:
        url: of the playlist.
        mirror: below which URL it is read, by us and by ffmpeg, see `livedvr.hls.mirror`; None: where it is. What is
            remembered and told has the source's own URLs all the same: the next mirror is another one.

    Attributes:
        target: its TARGETDURATION, microseconds.
        is_over: it has its ENDLIST.
        segments: those it lists now.
    """

    def __init__(self, url: str, mirror: str | None = None) -> None:
        self.target = USUAL_TARGET
        self.is_over = False
        self.segments: tuple[SourceSegment, ...] = ()
        self._url = url if mirror is None else mirrored(url, mirror)
        self._is_mirrored = mirror is not None
        self._opened: dict[str, None] = {}  # by the runs so far, playlists among them; the newest is the last
        self._again: str | None = None  # the segment that was given back last
        self._fetcher = Fetcher(self._url, timeout=TIMEOUT, proxies=mirror is None)

    @property
    def silence_floor(self) -> int:
        """I3: silence shorter than this is no loss."""
        return 3 * self.target

    def has_read(self, log_lines: Iterable[str], dropped: str | None = None) -> None:
        """A run has ended, and this is its log: the next one begins behind what has been opened.

        ``dropped``: the first file, as the log names it, that is not listed, because the source had changed. What it
        was made of was opened before it, and is read again; but once, should the change lie in the middle of it.
        """
        read: list[str] = []
        for line in log_lines:
            if found := _OPENED.search(line.encode()):
                read.append(original(found[1].decode(errors="replace")))
            elif dropped is not None and f"Opening '{dropped}' for writing" in line:
                listed = {segment.uri for segment in self.segments}
                last = next((at for at in reversed(range(len(read))) if read[at] in listed), len(read))
                again = read[last] if last < len(read) else None
                del read[last + (again == self._again) :]
                self._again = again
                break
        for uri in read:
            self._opened.pop(uri, None)  # the newest is the last
            self._opened[uri] = None
        while len(self._opened) > REMEMBERED:
            del self._opened[next(iter(self._opened))]

    @property
    def fresh(self) -> int:
        """How many of the segments that it lists have not been read; of a list that nobody has read, one at least."""
        uris = [segment.uri for segment in self.segments]
        last = next((uri for uri in reversed(self._opened) if uri in uris), None)
        return max(1, len(uris)) if last is None else len(uris) - 1 - uris.index(last)

    def source_of_next_run(self, source: Source) -> Source:
        """It begins with what has not been read, but no nearer to the beginning than it would at first."""
        newest = min(self.fresh, NEWEST)
        return replace(source, url=self._url, mirrored=self._is_mirrored, paced=self.is_over, newest=newest)

    async def look(self) -> bool:
        """Read the playlist anew. False: it does not come; what is known stays, and ffmpeg says why itself."""
        try:
            playlist, url = await asyncio.to_thread(self._load)
        except SourceError:
            return False
        self.target = (playlist.target or 0) * SECOND or self.target
        self.is_over = playlist.ended
        self.segments = tuple(_segments(playlist, url))
        return True

    def _load(self) -> tuple[Playlist, str]:
        """The media playlist and its address; of a multivariant one the first variant's, as ffmpeg takes it."""
        url = self._url
        for _ in range(2):
            resource = self._fetcher.read(url, limit=PLAYLIST_LIMIT)
            playlist = parse_playlist(resource.data.decode(errors="replace"), url)
            if not playlist.is_multivariant:
                return playlist, resource.url
            url = resolve(resource.url, _first_variant(playlist))
        raise SourceError("a variant is no media playlist")

    def begin(self, opened: OpenRun, channel: Channel, clock: WallClock, *, is_left: bool) -> asyncio.Task[None] | None:
        """C5: follow the playlist beside a run, if its dates are to win. See `end_following`."""
        if not channel.source_dates or (is_left and opened.clock.offset is None):
            return None  # where a run began that was left before it was dated can no longer be told: arrival has to do
        mux = channel.reference
        video = channel.video_of(mux)
        opened.dates = SourceDates(
            anchor=opened.clock.offset,
            follows_cuts=video is None or video.codec == "copy",
            smoothed=SMOOTHED if mux.container == "fmp4" else SMOOTHED_TS,
        )
        return asyncio.create_task(self.follow(opened.run, opened.dates, clock), name="source dates")

    async def follow(self, run: Run, dates: SourceDates, clock: WallClock) -> None:
        """Tell a run's dates what its ffmpeg opens and what the playlist says of it, until cancelled."""
        log = LogTail(run.log_path)
        while True:
            await self.tell(log, dates)
            await clock.wait(asyncio.Event(), max(self.target // 2, SECOND // 2))

    async def tell(self, log: LogTail, dates: SourceDates) -> None:
        """Once: what the log has new, and the playlist as it is after that."""
        lines = [found[1].decode(errors="replace") for line in log.new_lines() if (found := _OPENED.search(line))]
        opened = [original(line) for line in lines]
        await self.look()
        dates.patience = self.silence_floor
        dates.learn(opened, self.segments)


async def end_following(task: asyncio.Task[None] | None) -> None:
    """The task of `HlsPull.begin` ends here; what it died of is raised."""
    if task is not None:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()


def _first_variant(playlist: Playlist) -> str:
    for before, item in zip(playlist.items, playlist.items[1:], strict=False):
        if isinstance(item, Uri) and not isinstance(before, Uri) and before.name == "EXT-X-STREAM-INF":
            return item.text
    raise SourceError("the multivariant playlist has no variant")


def _segments(playlist: Playlist, url: str) -> Iterator[SourceSegment]:
    """A date holds for what follows it, by the durations, up to the next one (RFC 8216bis 4.4.4.6)."""
    listed = playlist.segments
    first = next((i for i, segment in enumerate(listed) if segment.date is not None), None)
    date = None if first is None else (listed[first].date or 0) - sum(s.micros for s in listed[:first])
    for segment in listed:
        date = segment.date if segment.date is not None else date
        yield SourceSegment(segment.number, original(resolve(url, segment.uri)), segment.micros, date)
        if date is not None:
            date += segment.micros
