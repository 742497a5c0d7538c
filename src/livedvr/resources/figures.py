"""What can be read of a channel at work: what comes in, and how well it goes. Frozen, camelCase on the wire."""

from __future__ import annotations

from datetime import timedelta

from pydantic import AwareDatetime

from livedvr.resources.base import Resource


class VideoFormat(Resource):
    """A video as it comes. ``codec``: ffmpeg's name; None where the source does not say."""

    codec: str
    width_pixels: int | None = None
    height_pixels: int | None = None
    frame_rate: float | None = None


class AudioFormat(Resource):
    """An audio as it comes. ``channel_layout``: ffmpeg's name of it, e.g. ``stereo``."""

    codec: str
    sample_rate_hertz: int | None = None
    channel_count: int | None = None
    channel_layout: str | None = None


class InputStream(Resource):
    """A stream of an input that is taken: a video or an audio. ``index``: the source's count of its streams, from 0."""

    index: int
    video: VideoFormat | None = None
    audio: AudioFormat | None = None


class InputStreams(Resource):
    """What an input brings, or brought last. ``established``: when its media began to come; None: it has not yet."""

    established: AwareDatetime | None = None
    streams: tuple[InputStream, ...] = ()


class ChannelFigures(Resource):
    """How well a channel goes, for somebody who asks each second.

    Attributes:
        segments: kept ones, of all renditions; ``size_bytes`` is theirs.
        segments_ever: all that there have ever been; it only rises.
        taken_bytes: what has come since this controller took the channel; it only rises.
        waiting_bytes: what is recorded and not in the store yet.
        lag: how long ago the newest segment ended; None: there is none.
        clock_error: by how much media comes later than it is dated (C1); None: no run is open that is dated.
        drift_ppm: how fast dates are being bent towards it (C3), over the last segments of the present epoch; None:
            they are too few.
        gaps: holes in the timeline, and ``gap_duration`` their length: those in what was kept when this controller took
            the channel, and all since.
        runs: ffmpegs started since the channel was.
    """

    segments: int
    segments_ever: int
    size_bytes: int
    taken_bytes: int
    waiting_bytes: int
    lag: timedelta | None
    clock_error: timedelta | None
    drift_ppm: float | None
    gaps: int
    gap_duration: timedelta
    runs: int
