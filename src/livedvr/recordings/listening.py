"""Who listens to a channel for its recordings: each segment of sound once, as it comes, whoever wants to know of it."""

from __future__ import annotations

import asyncio
from bisect import bisect_right

from livedvr.media.reader import MediaError
from livedvr.recordings.ear import Ear
from livedvr.recordings.end_point import Heard, Sounds
from livedvr.recordings.place import local_root
from livedvr.recordings.spans import Spans
from livedvr.resources.layout import init_name, segment_name
from livedvr.resources.models import Channel
from livedvr.timeline.segment import Segment
from livedvr.timeline.timeline import ChannelTimeline


class Listening:
    """What is heard on one channel. ``mux``: where; None: it has no sound, and nobody listens.

    What a recording hears is folded as it comes: `Heard` stays small, and the sounds of a segment are kept no longer
    than until the slowest recording has them, at once.
    """

    def __init__(self, channel: Channel, known: ChannelTimeline) -> None:
        self._channel = channel
        self._known = known
        self.mux = next((mux.key for mux in channel.mux_streams if channel.audio_of(mux)), None)
        self._heard: dict[str, Heard] = {}
        self._waiting: dict[str, list[Sounds]] = {}
        self._ear: Ear | None = None
        self._reached = 0  # the end of the last segment listened to

    def begin(self, recording_id: str, start: int, patience: int | None) -> None:
        """Listen for a recording from ``start`` on; ``patience``: see `Heard`."""
        if self.mux is None:
            return
        if self._ear is None:
            self._ear, self._reached = Ear(), start
        elif not self._ear.has_heard:  # taken up after a restart: from the earliest of them
            self._reached = min(self._reached, start)
        self._heard[recording_id], self._waiting[recording_id] = Heard(start, patience), []

    def end(self, recording_id: str) -> None:
        """It need not be listened for any more."""
        self._heard.pop(recording_id, None)
        self._waiting.pop(recording_id, None)
        if not self._heard:
            self._ear = None

    async def listen(self) -> bool:
        """Listen to the next segment, if there is one. It is decoded in a thread."""
        if self.mux is None or self._ear is None:
            return False
        segment = self._next(self.mux)
        if segment is None:
            return False
        sounds = Sounds(segment.end) if segment.is_gap else await asyncio.to_thread(self._hear, self._ear, segment)
        self._reached = segment.end
        for waiting in self._waiting.values():
            waiting.append(sounds)
        return True

    def heard(self, recording_id: str, spans: Spans, arrived: int | None) -> Heard | None:
        """What has been heard of a recording with these spans. ``arrived``: up to where all media is there."""
        if recording_id not in self._heard:
            return None
        heard = self._heard[recording_id]
        for sounds in self._waiting[recording_id]:
            heard = heard.hear(sounds, spans)
        if arrived is not None and self.mux is not None and self._next(self.mux) is None:
            heard = heard.hear(Sounds(arrived), spans)  # there is nothing to be heard up to there
        self._heard[recording_id], self._waiting[recording_id] = heard, []
        return heard

    def _next(self, mux: str) -> Segment | None:
        segments = self._known.timeline.segments(mux)
        position = bisect_right(segments, self._reached, key=lambda one: one.end)
        return segments[position] if position < len(segments) else None

    def _hear(self, ear: Ear, segment: Segment) -> Sounds:
        """Blocking. In a segment that cannot be read nothing is heard, and nobody knows that it is silent."""
        assert self.mux is not None
        container = self._channel.mux_stream(self.mux).container
        root = local_root(self._channel.output.uri)
        path = root / segment_name(self.mux, segment.run, segment.index, container)
        init = root / init_name(self.mux, segment.run) if container == "fmp4" else None
        try:
            return ear.hear(segment, path, init)
        except (MediaError, OSError):
            return Sounds(segment.end, audible=((segment.start, segment.end),))
