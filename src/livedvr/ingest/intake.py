"""A segment's way, steps 2 to 5: journal row -> object -> place on the timeline -> catalog.

Read `Intake.read`, `Intake.take` and the methods behind them from top to bottom. A crash anywhere leaves the row in
the journal and the file in the spool: the next controller reads it again, and putting the same bytes again is success.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from livedvr.catalog import channel_rows, segment_rows, session_rows
from livedvr.catalog.catalog import Catalog, Owner
from livedvr.ingest import admission, cue_intake
from livedvr.ingest.command import CONTAINER_OFFSET, HEAD_NAME
from livedvr.ingest.describe import WEBVTT, describe, longest_keyframe_distance
from livedvr.ingest.giving_up import MARGIN, SPOOL_BYTES, choose, drop, stretches, waiting_bytes
from livedvr.ingest.log import taken_streams
from livedvr.ingest.news import read_news
from livedvr.ingest.open_run import OpenRun, Track
from livedvr.media.audio_config import complete_init
from livedvr.media.reader import MediaError, MediaSpan, read_media
from livedvr.resources.errors import SourceError
from livedvr.resources.layout import INIT_NAME, init_name, segment_name
from livedvr.resources.models import Channel
from livedvr.resources.times import SECOND, format_seconds, format_time, round_half_up
from livedvr.sessions.holding import held_windows, is_pinned
from livedvr.storage.base import ObjectStore, ask
from livedvr.timeline.beside import Placed, place_beside, place_text
from livedvr.timeline.clock import RunClock, Sample
from livedvr.timeline.cue_reading import Told
from livedvr.timeline.placing import observed, place, target_seconds
from livedvr.timeline.segment import RunMedia, Segment
from livedvr.timeline.timeline import ChannelTimeline

AT_ONCE = 4  # uploads
BATCH = 16  # segments of the reference that are stored and committed together
GAP_AFTER = 3  # target durations that a rendition may lag before it counts as failed (P7)


class Intake:
    """Takes the segments of a channel's runs into its timeline.

    Args:
        channel: the channel's settings.
        known: its timeline in memory; appended to after each commit.
        on_append: called after each commit.
        spool_bytes: how much may wait for the store.

    Attributes:
        behind: by how much the source's dates were before their arrival, microseconds (C5).
    """

    def __init__(
        self,
        channel: Channel,
        known: ChannelTimeline,
        store: ObjectStore,
        catalog: Catalog,
        owner: Owner,
        on_append: Callable[[], None],
        spool_bytes: int = SPOOL_BYTES,
    ) -> None:
        self._channel = channel
        self._known = known
        self._store = store
        self._catalog = catalog
        self._owner = owner
        self._on_append = on_append
        self._spool_bytes = spool_bytes
        self._waiting: dict[str, OpenRun] = {}  # the runs of which something may be in the spool
        self.behind = 0

    async def take(self, open_run: OpenRun, *, final: bool, on_air: bool = True, comes_next: bool = False) -> bool:
        """Take what `read` has brought. ``final``: the run is over, there is nothing more to wait for.

        Whether there is more than it takes at once: then it has to be asked again.
        Of a run that is not ``on_air`` nothing is placed: what it brought last waits, in case that it is asked for;
        everything of one that ``comes_next``.
        """
        if final:
            self._date(open_run, final)
        open_run.standby = open_run.standby or not on_air
        if not on_air and final:
            return False
        if open_run.clock.offset is None and not await self._settle(open_run, final):
            return False
        if not on_air:
            if not comes_next:
                admission.stand_by(open_run)
            return False
        if open_run.standby:
            admission.take_over(open_run, self._known.timeline)
        await self._pass_over_resent(open_run)
        more = len(open_run.reference.pending) > BATCH
        await self._place_and_commit(open_run, final and not more)
        return more

    def forget(self, run: str) -> None:
        """The run is over and read."""
        self._waiting.pop(run, None)

    @property
    def waiting_bytes(self) -> int:
        """What is recorded and not in the store yet."""
        return sum(waiting_bytes(one) for one in self._waiting.values())

    async def give_up(self, open_run: OpenRun) -> None:
        """P8: the store is away, and the spool holds more than it may: the oldest goes, said aloud."""
        excess = self.waiting_bytes - self._spool_bytes
        if excess <= 0 or open_run.clock.offset is None:
            return
        channel = self._channel.channel_id
        sessions = self._catalog.read(lambda db: session_rows.list_sessions(db, channel))
        pinned = [window for row in sessions if is_pinned(row) for window in held_windows(row)]
        gone = choose(open_run, excess + self._spool_bytes // MARGIN, pinned)
        lost = stretches(open_run, gone)
        for one in lost:
            end = one.end or one.start
            text = (
                f"{format_seconds(end - one.start)} s from {format_time(one.start)} on are given up: more than "
                f"{self._spool_bytes >> 20} MiB wait for {self._channel.output.uri}"
            )
            write = partial(channel_rows.give_up, channel=channel, start=one.start, end=end, time=end, text=text)
            await self._catalog.write(write, self._owner)
        self._known.given_up.extend(lost)
        drop(open_run, gone)

    async def _place_and_commit(self, open_run: OpenRun, final: bool) -> None:
        for track in open_run.others:
            await self._look_at_rendition(open_run, track)
        placed, clock = self._place(open_run, final)  # step 4, which is pure; nothing exists before step 5
        told = cue_intake.read_cues(open_run, self._known, placed, final)
        if told.taken or any(one.segments for one in placed.values()):
            await self._store_objects(open_run, placed)  # step 3
            await self._commit(open_run, placed, clock, told)  # step 5
            cue_intake.take_over(open_run, self._known, told)
            open_run.stored = {name for name in open_run.stored if name.endswith(INIT_NAME)}
            for mux, one in placed.items():
                for segment in one.segments:
                    self._known.timeline.append(mux, segment)
            for closed in open_run.reference.pending[: placed[open_run.reference.mux.key].taken]:
                self._known.closed = closed.arrival
            self._on_append()
        open_run.clock = clock
        for track in open_run.tracks:
            taken = placed[track.mux.key].taken
            for closed in track.pending[:taken]:
                open_run.segment_path(track, closed.index).unlink(missing_ok=True)
            track.take(taken)

    async def read(self, open_run: OpenRun) -> None:
        """Step 2: what the journals have new waits from here on. Also while `take` waits for the store."""
        self._waiting[open_run.run.id] = open_run
        news = await asyncio.to_thread(read_news, open_run, [track.open_index for track in open_run.tracks])
        for track, new in zip(open_run.tracks, news.tracks, strict=True):
            track.undated += new.closed
            track.unlisted += new.missing
            if new.said is not None and track.undated:
                await self._add_event(track.undated[-1].arrival, "CAPTIONS_ABSENT", f"{track.mux.key}: {new.said}")
        open_run.waiting += [replace(cue, latest=open_run.reference.open_index) for cue in news.cues]
        open_run.marks.update(news.jumps)  # C4: each begins a new epoch
        admission.cut_at_change(open_run, self._known.timeline)
        self._date(open_run, final=False)

    def _date(self, open_run: OpenRun, final: bool) -> None:
        behind = admission.date_rows(open_run, final)
        self.behind = self.behind if behind is None else behind

    async def _settle(self, open_run: OpenRun, final: bool) -> bool:
        """C2: nothing of a run is dated before its clock has settled. Whether it has by now."""
        track = open_run.reference
        if not track.pending:
            return False
        head = await self._read_head(open_run, track)
        if await self._lacks_video(open_run, head):
            admission.drop(open_run, track, 1)
            track.head = None
            return False
        clock = observed(track.pending, None if final else await self._look_at_open_segment(open_run))
        copied = (video := self._channel.video_of(track.mux)) is None or video.codec == "copy"
        target = self._known.target or target_seconds(
            setting=track.mux.segment_micros,
            copied=copied,
            keyframe_distance=longest_keyframe_distance(head, track.pending),
            wanted=self._channel.target_duration,
        )
        if not (final or clock.has_settled(target * SECOND)):
            return False
        if self._known.target is None:
            await self._catalog.write(
                lambda db: channel_rows.set_target(db, self._channel.channel_id, target), self._owner
            )
            self._known.target = target
        self._learn(open_run, track, describe(head, track.mux.container))
        # The journal says 0 although the first picture may come later; the container knows.
        start, first = track.pending[0], head.reference.first_pts - CONTAINER_OFFSET
        if start.media_start < first < start.media_end:
            track.pending[0] = replace(start, media_start=first)
        open_run.clock = clock.anchored()
        return True

    async def _lacks_video(self, open_run: OpenRun, head: MediaSpan) -> bool:
        """Whether a run with video has begun with audio alone: it ended before its first keyframe came."""
        if head.reference.info.kind == "video":
            return False
        taken = taken_streams(await asyncio.to_thread(open_run.run.log_head))
        return self._channel.video_of(open_run.reference.mux) is not None and any("Video:" in one for one in taken)

    def _learn(self, open_run: OpenRun, track: Track, media: RunMedia) -> None:
        open_run.media[track.mux.key] = media
        self._known.media[open_run.run.id] = dict(open_run.media)

    async def _read_head(self, open_run: OpenRun, track: Track) -> MediaSpan:
        """What the rendition's first segment is: read once, and again as long as a codec cannot be told yet."""
        head = track.head
        if head is not None and all(stream.info.codec_string for stream in head.streams):
            return head
        first, init = open_run.segment_path(track, track.pending[0].index), open_run.init_path(track)
        nut = open_run.run.media_folder(track.mux.key) / HEAD_NAME
        if init is not None and nut.exists():
            await asyncio.to_thread(complete_init, init, nut)
        try:
            track.head = await asyncio.to_thread(read_media, first, init)
        except MediaError as error:
            raise SourceError(f"the source brings no media that can be read: {error}", field="SOURCE") from error
        return track.head

    async def _look_at_open_segment(self, open_run: OpenRun) -> tuple[int, Sample] | None:
        """Where the segment that is being written begins, how far it has come, and when its last chunk was."""
        if open_run.dates is not None and not open_run.dates.has_none:
            return None  # its date will be known when it is closed
        track = open_run.reference
        path = open_run.segment_path(track, track.open_index)
        try:
            arrival = path.stat().st_mtime_ns // 1000
            span = await asyncio.to_thread(read_media, path, open_run.init_path(track))
        except (FileNotFoundError, MediaError):  # not begun yet
            return None
        reference = span.reference
        return reference.first_pts - CONTAINER_OFFSET, Sample(reference.end_pts - CONTAINER_OFFSET, arrival)

    async def _pass_over_resent(self, open_run: OpenRun) -> None:
        """What a new run brings again is said aloud."""
        resent = admission.drop_resent(open_run, self._known.timeline)
        if not resent:
            return
        seconds = format_seconds(sum(row.media_end - row.media_start for row in resent))
        text = f"run {open_run.run.id} began with {seconds} s that are listed already; they are not listed again"
        await self._add_event(resent[-1].arrival, "MEDIA_RESENT", text)

    def is_level(self, open_run: OpenRun) -> bool:
        """Whether all renditions of the run have come equally far, to half a segment."""
        reached = [self._known.timeline.last(track.mux.key) for track in open_run.tracks if not track.failed]
        first = reached[0]
        return first is None or all(one is not None and 2 * one.end > first.start + first.end for one in reached)

    async def _look_at_rendition(self, open_run: OpenRun, track: Track) -> None:
        """What a further rendition is, once it has come. One that cannot be played does not stop the others (P7)."""
        if track.failed or not track.pending or track.mux.key in open_run.media:
            return
        if track.text is not None:
            self._learn(open_run, track, WEBVTT)
            return
        try:
            self._learn(open_run, track, describe(await self._read_head(open_run, track), track.mux.container))
        except SourceError as error:
            track.failed = True
            await self._add_event(track.pending[0].arrival, "RENDITION_FAILED", f"{track.mux.key}: {error}")

    def _place(self, open_run: OpenRun, final: bool) -> tuple[dict[str, Placed], RunClock]:
        """Step 4: the reference by the run's clock, the others beside it."""
        assert self._known.target is not None
        track, target = open_run.reference, self._known.target * SECOND
        segments: list[Segment] = []
        clock, previous = open_run.clock, self._known.timeline.last(track.mux.key)
        for closed in track.pending[:BATCH]:
            marked = closed.index in open_run.marks
            previous, clock = place(closed, previous, clock, target=target, marked=marked)
            segments.append(previous)
        placed = {track.mux.key: Placed(segments, len(segments))}
        for other in open_run.others:
            placed[other.mux.key] = self._place_other(open_run, other, segments, final)
        return placed, clock

    def _place_other(self, open_run: OpenRun, track: Track, new: list[Segment], final: bool) -> Placed:
        timeline, reference = self._known.timeline, open_run.reference.mux.key
        last = timeline.last(track.mux.key)
        since = last.start if last and last.run == open_run.run.id else 0
        beside = [*timeline.of_run(reference, open_run.run.id, since), *new]
        until = beside[-1].end if beside else 0
        if track.failed:
            gaps = place_beside([], last, beside, gaps_until=until, final=final)
            return replace(gaps, taken=len(track.pending))
        until -= 0 if final else GAP_AFTER * (self._known.target or 0) * SECOND
        if track.text is not None:
            return place_text(track.pending, last, beside, gaps_until=until)
        return place_beside(track.pending, last, beside, gaps_until=until, final=final)

    async def _store_objects(self, open_run: OpenRun, placed: Mapping[str, Placed]) -> None:
        """Several at once; what was stored when another failed is not sent again."""
        run, waiting = open_run.run.id, {}
        for track in open_run.tracks:
            mux = track.mux
            real = [segment for segment in placed[mux.key].segments if not segment.is_gap]
            init = open_run.init_path(track)
            if init is not None and real:
                waiting[init_name(mux.key, run)] = init
            for segment in real:
                name = segment_name(mux.key, run, segment.index, mux.container)
                waiting[name] = open_run.segment_path(track, segment.index)
        turns = asyncio.Semaphore(AT_ONCE)

        async def store(name: str, path: Path) -> None:
            async with turns:
                await ask(self._store, self._store.put_new, name, path)
            open_run.stored.add(name)

        missing = [store(name, path) for name, path in waiting.items() if name not in open_run.stored]
        outcomes = await asyncio.gather(*missing, return_exceptions=True)
        for error in outcomes:
            if error is not None:
                raise error

    async def _commit(self, open_run: OpenRun, placed: Mapping[str, Placed], clock: RunClock, told: Told) -> None:
        channel, media, target = self._channel.channel_id, open_run.media, self._known.target
        assert target is not None
        segments = {mux: one.segments for mux, one in placed.items()}
        every = [(key, segment) for key, some in segments.items() for segment in some]
        mux, longest = max(every, key=lambda pair: pair[1].duration, default=("", None))
        seconds = round_half_up(longest.duration) if longest else 0  # none: messages came behind the last segment
        last = self._known.timeline.last(self._channel.reference.key)
        reached = every[-1][1].end if every else last.end if last else 0

        def work(db: sqlite3.Connection) -> None:
            segment_rows.commit_segments(db, channel, open_run.run.id, segments, clock, media)
            cue_intake.commit_cues(db, channel, open_run, told, reached)
            if longest and seconds > target:
                # P3: listed truthfully, said aloud; sessions created later declare the larger value.
                name = segment_name(mux, longest.run, longest.index, self._channel.mux_stream(mux).container)
                text = f"{name} lasts {format_seconds(longest.duration)} s, the target duration is {target} s"
                channel_rows.raise_target(db, channel, seconds, longest.start, text)

        await self._catalog.write(work, self._owner)
        self._known.target = max(target, seconds)

    async def _add_event(self, time: int, kind: str, text: str) -> None:
        channel = self._channel.channel_id
        await self._catalog.write(lambda db: channel_rows.add_event(db, channel, time, kind, text), self._owner)
