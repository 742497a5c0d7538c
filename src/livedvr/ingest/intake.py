"""A segment's way, steps 2 to 5: journal row -> object -> place on the timeline -> catalog.

Read `Intake.read` from top to bottom. A crash anywhere leaves the row in the journal and the file in the spool:
the next controller reads it again, and putting the same bytes again is success.
"""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from livedvr.catalog import channel_rows, segment_rows
from livedvr.catalog.catalog import Catalog, Owner
from livedvr.ingest.command import HEAD_NAME
from livedvr.ingest.journal import JournalReader
from livedvr.ingest.log import LogReader
from livedvr.ingest.run import Run
from livedvr.media.audio_config import complete_init
from livedvr.media.reader import MediaError, MediaSpan, read_media
from livedvr.resources.errors import SourceError
from livedvr.resources.layout import INIT_NAME, init_name, segment_name
from livedvr.resources.models import Channel
from livedvr.resources.times import SECOND, format_seconds, round_half_up
from livedvr.storage.base import ObjectStore
from livedvr.timeline.clock import RunClock, Sample
from livedvr.timeline.placing import is_resent, observed, place, target_seconds
from livedvr.timeline.segment import ClosedSegment, RunMedia, Segment
from livedvr.timeline.timeline import ChannelTimeline


@dataclass(slots=True)
class OpenRun:
    """A run that is being read.

    ``next_index``: the first segment that is not in the catalog yet. ``marks``: the segments before which ffmpeg's log
    tells of a jump. ``unlisted``: those since ``next_index`` that will never be listed. ``head``: what the first
    segment is.
    """

    run: Run
    journal: JournalReader
    log: LogReader
    clock: RunClock = field(default_factory=RunClock)
    media: RunMedia | None = None
    next_index: int = 0
    pending: list[ClosedSegment] = field(default_factory=list)
    marks: set[int] = field(default_factory=set)
    unlisted: list[int] = field(default_factory=list)
    head: MediaSpan | None = None
    init_stored: bool = False

    @property
    def open_index(self) -> int:
        """The index of the segment that ffmpeg is writing."""
        return self.next_index + len(self.pending) + len(self.unlisted)


class Intake:
    """Takes the segments of a channel's runs into its timeline.

    Args:
        channel: the channel's settings.
        known: its timeline in memory; appended to after each commit.
        on_append: called after each commit.
    """

    def __init__(
        self,
        channel: Channel,
        known: ChannelTimeline,
        store: ObjectStore,
        catalog: Catalog,
        owner: Owner,
        on_append: Callable[[], None],
    ) -> None:
        self._channel = channel
        self._mux = channel.mux
        self._known = known
        self._store = store
        self._catalog = catalog
        self._owner = owner
        self._on_append = on_append

    async def read(self, open_run: OpenRun, *, final: bool) -> None:
        """Take what the journal has new. ``final``: the run is over, there is nothing more to wait for."""
        self._read_journal(open_run)  # step 2
        if open_run.clock.offset is None and not await self._settle(open_run, final):
            return
        await self._pass_over_resent(open_run)
        if not open_run.pending:
            return
        await self._store_objects(open_run)  # step 3
        segments, clock = self._place(open_run)  # step 4
        await self._commit(open_run, segments, clock)  # step 5
        for segment in segments:
            self._known.timeline.append(self._mux.key, segment)
        self._on_append()
        for closed in open_run.pending:
            self._spool_path(open_run, closed.index).unlink(missing_ok=True)
        open_run.clock = clock
        open_run.next_index = open_run.open_index
        open_run.pending, open_run.unlisted = [], []

    def _read_journal(self, open_run: OpenRun) -> None:
        for row in open_run.journal.new_rows():
            if row.index < open_run.open_index:
                continue  # it is in the catalog since before a restart
            try:
                facts = self._spool_path(open_run, row.index).stat()
            except FileNotFoundError:
                open_run.unlisted.append(row.index)  # somebody has removed it: there is nothing to list
                continue
            closed = ClosedSegment(
                open_run.run.id, row.index, row.start, row.end, facts.st_size, facts.st_mtime_ns // 1000
            )
            open_run.pending.append(closed)
        # C4: each begins a new epoch. (After the journal: what is said of a segment is said before its row is written.)
        open_run.marks.update(open_run.log.smoothed_jumps())

    async def _settle(self, open_run: OpenRun, final: bool) -> bool:
        """C2: nothing of a run is dated before its clock has settled. Whether it has by now."""
        if not open_run.pending:
            return False
        head = await self._read_head(open_run)
        clock = observed(open_run.pending, None if final else await self._look_at_open_segment(open_run))
        target = self._known.target or target_seconds(
            setting=self._mux.segment_micros,
            copied=self._channel.video == "copy",
            keyframe_distance=_longest_keyframe_distance(head, open_run.pending),
            wanted=self._channel.target_duration,
        )
        if not (final or clock.has_settled(target * SECOND)):
            return False
        if self._known.target is None:
            await self._catalog.write(
                lambda db: channel_rows.set_target(db, self._channel.channel_id, target), self._owner
            )
            self._known.target = target
        open_run.media = describe(head, self._mux.container)
        self._known.media[open_run.run.id] = open_run.media
        # The journal says 0 although the first picture may come later; the container knows.
        start = open_run.pending[0]
        if start.media_start < head.reference.first_pts < start.media_end:
            open_run.pending[0] = replace(start, media_start=head.reference.first_pts)
        open_run.clock = clock.anchored()
        return True

    async def _read_head(self, open_run: OpenRun) -> MediaSpan:
        """What the run's first segment is: read once, and again as long as a codec cannot be told yet."""
        head = open_run.head
        if head is not None and all(stream.info.codec_string for stream in head.streams):
            return head
        first, init = self._spool_path(open_run, open_run.pending[0].index), self._init_path(open_run)
        if init is not None and self._channel.video == "copy":
            await asyncio.to_thread(complete_init, init, open_run.run.media_folder / HEAD_NAME)
        try:
            open_run.head = await asyncio.to_thread(read_media, first, init)
        except MediaError as error:
            raise SourceError(f"the source brings no media that can be read: {error}", field="SOURCE") from error
        return open_run.head

    async def _look_at_open_segment(self, open_run: OpenRun) -> tuple[int, Sample] | None:
        """Where the segment that is being written begins, how far it has come, and when its last chunk was."""
        path = self._spool_path(open_run, open_run.open_index)
        try:
            arrival = path.stat().st_mtime_ns // 1000
            span = await asyncio.to_thread(read_media, path, self._init_path(open_run))
        except (FileNotFoundError, MediaError):  # not begun yet
            return None
        return span.reference.first_pts, Sample(span.reference.end_pts, arrival)

    async def _pass_over_resent(self, open_run: OpenRun) -> None:
        """What a new run brings again is listed already: it is said aloud, and leaves the spool."""
        last = self._known.timeline.last(self._mux.key)
        resent = list(itertools.takewhile(lambda row: is_resent(row, last, open_run.clock), open_run.pending))
        if not resent:
            return
        for row in resent:
            open_run.clock = open_run.clock.observe(Sample(row.media_end, row.arrival))
            self._spool_path(open_run, row.index).unlink(missing_ok=True)
        open_run.pending = open_run.pending[len(resent) :]
        open_run.unlisted += [row.index for row in resent]
        seconds = format_seconds(sum(row.media_end - row.media_start for row in resent))
        text = f"run {open_run.run.id} began with {seconds} s that are listed already; they are not listed again"
        channel, time = self._channel.channel_id, resent[-1].arrival
        await self._catalog.write(
            lambda db: channel_rows.add_event(db, channel, time, "MEDIA_RESENT", text), self._owner
        )

    async def _store_objects(self, open_run: OpenRun) -> None:
        run = open_run.run.id
        init = self._init_path(open_run)
        if init is not None and not open_run.init_stored:
            await asyncio.to_thread(self._store.put_new, init_name(self._mux.key, run), init)
            open_run.init_stored = True
        for closed in open_run.pending:
            name = segment_name(self._mux.key, run, closed.index, self._mux.container)
            await asyncio.to_thread(self._store.put_new, name, self._spool_path(open_run, closed.index))

    def _place(self, open_run: OpenRun) -> tuple[list[Segment], RunClock]:
        assert self._known.target is not None
        segments: list[Segment] = []
        clock, previous = open_run.clock, self._known.timeline.last(self._mux.key)
        for closed in open_run.pending:
            marked = closed.index in open_run.marks
            previous, clock = place(closed, previous, clock, target=self._known.target * SECOND, marked=marked)
            segments.append(previous)
        return segments, clock

    async def _commit(self, open_run: OpenRun, segments: list[Segment], clock: RunClock) -> None:
        channel, mux, media, target = self._channel.channel_id, self._mux, open_run.media, self._known.target
        assert media is not None and target is not None
        longest = max(segments, key=lambda s: s.duration)
        seconds = round_half_up(longest.duration)

        def work(db: sqlite3.Connection) -> None:
            segment_rows.commit_segments(db, channel, mux.key, segments, clock, media)
            if seconds > target:
                # P3: listed truthfully, said aloud; sessions created later declare the larger value.
                name = segment_name(mux.key, longest.run, longest.index, mux.container)
                text = f"{name} lasts {format_seconds(longest.duration)} s, the target duration is {target} s"
                channel_rows.raise_target(db, channel, seconds, longest.start, text)

        await self._catalog.write(work, self._owner)
        self._known.target = max(target, seconds)

    def _spool_path(self, open_run: OpenRun, index: int) -> Path:
        return open_run.run.segment_path(index, self._mux.container)

    def _init_path(self, open_run: OpenRun) -> Path | None:
        return open_run.run.media_folder / INIT_NAME if self._mux.container == "fmp4" else None


def _longest_keyframe_distance(head: MediaSpan, closed: list[ClosedSegment]) -> int:
    """P3's measure while settling, microseconds: within the first segment, and from it to the next."""
    if head.reference.info.kind != "video":
        return 0
    edges = [*head.reference.keyframes, closed[0].media_end]
    return max(later - earlier for earlier, later in itertools.pairwise(edges))


def describe(span: MediaSpan, container: str) -> RunMedia:
    """What a run's media is; SourceError when players of HLS have no way to play it."""
    infos = [stream.info for stream in span.streams]
    for info in infos:
        if info.codec_string is None:
            raise SourceError(
                f"the source's {info.kind} is {info.codec}, which cannot go into {container} for HLS",
                field="SOURCE",
                hint="--video h264 encodes H.264 and AAC instead",
            )
    video = next((info for info in infos if info.kind == "video"), None)
    texts = [
        f"video {i.codec} {i.width}x{i.height}" + (f" {float(i.frame_rate):g} fps" if i.frame_rate else "")
        if i.kind == "video"
        else f"audio {i.codec} {i.sample_rate} Hz {i.channels} ch"
        for i in infos
    ]
    return RunMedia(
        codecs=tuple(i.codec_string for i in infos if i.codec_string),
        resolution=(video.width, video.height) if video and video.width and video.height else None,
        frame_rate=video.frame_rate if video else None,
        text=", ".join(texts),
    )
