"""What a recording from a script can be asked for, as users write it, and what it means."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from livedvr.ingest.source import parse_source
from livedvr.resources.errors import InvalidArgument
from livedvr.resources.layout import Container
from livedvr.resources.models import Channel, Input, Manifest, Output, SecurityRule, TimeInterval, to_datetime
from livedvr.resources.streams import (
    AudioStream,
    ElementaryStream,
    MuxStream,
    TextStream,
    VideoCodec,
    VideoStream,
    video_and_audio,
)
from livedvr.resources.times import format_time, parse_duration, parse_offset, parse_time


@dataclass(frozen=True, slots=True)
class RecordOptions:
    """What to record. Times as users write them: RFC 3339, ``now``, ``-10m``, ``+1h``; durations ``30s``, ``1h30m``.

    ``start`` None: from the first media that comes. ``end`` and ``duration`` None: until stopped.
    ``video`` None: ``h264`` for testsrc and a ladder, else ``copy``. ``ladder``: heights, e.g. ``1080p,720p``, None: a
    single rendition. ``data_dir`` None: ``{output}/.livedvr``, for ``gs://`` ``$XDG_STATE_HOME/livedvr``.
    ``gzip``: playlists in a bucket are compressed.
    ``subtitles``: ``auto``, a track's number or ``cc1`` to ``cc4``, with ``:en`` for its language; None: none.
    ``backup``: a source that is on air while the first is lost.
    ``session`` None: made from the time. ``start_offset``: where players begin, from the window's start, negative from
    its end; None: their own way. ``allow_ip``: addresses and networks from which may be published; empty: from
    everywhere. ``source_dates``: the dates of an HLS source win over arrival.
    """

    source: str
    output: str
    backup: str | None = None
    session: str | None = None
    channel: str = "live"
    start: str | None = None
    end: str | None = None
    duration: str | None = None
    segment_duration: str = "2s"
    container: Container = "fmp4"
    video: VideoCodec | None = None
    ladder: str | None = None
    subtitles: str | None = None
    retention: str = "24h"
    data_dir: str | None = None
    gzip: bool = False
    target_duration: int | None = None
    start_offset: str | None = None
    loop: bool = False
    source_dates: bool = False
    allow_ip: tuple[str, ...] = ()
    resume: bool = False


def channel_of(options: RecordOptions) -> Channel:
    """The channel that the options ask for; INVALID_ARGUMENT names the option."""
    if not options.output:
        raise InvalidArgument("it is empty", field="--output", hint="name a directory")
    offset = None if options.start_offset is None else parse_offset(options.start_offset, field="--start-offset")
    streams, muxes = streams_of(options)
    keys = tuple(mux.key for mux in muxes)
    return Channel(
        channel_id=options.channel,
        input=Input(
            uri=options.source, loop=options.loop, security_rules=SecurityRule(ip_ranges=tuple(options.allow_ip))
        ),
        backup_input=_backup(options),
        output=Output(
            uri=options.output if "://" in options.output else str(Path(options.output).absolute()), gzip=options.gzip
        ),
        elementary_streams=streams,
        mux_streams=muxes,
        manifests=(
            Manifest(mux_streams=keys, start_offset=None if offset is None else timedelta(microseconds=offset)),
        ),
        retention_window=timedelta(microseconds=parse_duration(options.retention, field="--retention")),
        target_duration=options.target_duration,
        source_dates=options.source_dates,
    )


def streams_of(options: RecordOptions) -> tuple[tuple[ElementaryStream, ...], tuple[MuxStream, ...]]:
    """What the input is cut into; INVALID_ARGUMENT names the option."""
    segment = parse_duration(options.segment_duration, field="--segment-duration")
    streams, muxes = _renditions(options, timedelta(microseconds=segment))
    if options.subtitles is None:
        return streams, muxes
    text = ElementaryStream(key="text", text_stream=_text_of(options.subtitles))
    mux = MuxStream(
        key="text", container="vtt", elementary_streams=("text",), segment_duration=muxes[0].segment_duration
    )
    return (*streams, text), (*muxes, mux)


def _backup(options: RecordOptions) -> Input | None:
    """A file that stands by is a slate: it starts again as often as it is needed."""
    if options.backup is None:
        return None
    given = Input(uri=options.backup)
    return given.model_copy(update={"loop": parse_source(given).kind == "file"})


_SUBTITLES = re.compile(r"(auto|cc[1-4]|\d{1,2})(?::([A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*))?", re.IGNORECASE)


def _text_of(subtitles: str) -> TextStream:
    """``auto`` is the first subtitle track, of a source without one its CEA-608 captions."""
    match = _SUBTITLES.fullmatch(subtitles)
    if match is None:
        raise InvalidArgument(
            f"'{subtitles}' are no subtitles it knows",
            field="--subtitles",
            hint="auto, a track as 0, or cc1 to cc4; auto:en",
        )
    what, language = match[1].upper(), match[2]
    track = int(what) if what.isdigit() else 0 if what == "AUTO" else None
    captions = "CC1" if what == "AUTO" else None if what.isdigit() else what
    given = {"input_track": track, "input_cea_channel": captions, "language_code": language}
    return TextStream.model_validate(given)


# Height -> the encoder's cap in bits per second.
LADDER = {
    2160: 16_000_000,
    1440: 9_000_000,
    1080: 5_000_000,
    720: 2_800_000,
    540: 1_800_000,
    480: 1_400_000,
    360: 800_000,
    240: 400_000,
}


def _renditions(
    options: RecordOptions, segment: timedelta
) -> tuple[tuple[ElementaryStream, ...], tuple[MuxStream, ...]]:
    """One rendition with video and audio; of a ladder, one for each height and the audio as one of its own.

    MPEG-TS carries the audio in each, as the Live Stream API has it.
    """
    if options.ladder is None:
        video = options.video or ("h264" if options.source == "testsrc" else "copy")
        return video_and_audio(video), (MuxStream(container=options.container, segment_duration=segment),)
    codec = options.video or "h264"
    if codec == "copy":
        raise InvalidArgument("a ladder is encoded", field="--video", hint="use h264 or h265, or no --ladder")
    streams = [
        ElementaryStream(
            key=f"video-{height}p",
            video_stream=VideoStream(codec=codec, height_pixels=height, bitrate_bps=LADDER[height]),
        )
        for height in _heights(options.ladder)
    ]
    audio = ElementaryStream(key="audio", audio_stream=AudioStream(codec="aac"))
    with_audio = ("audio",) if options.container == "ts" else ()
    muxes = [
        MuxStream(
            key=stream.key.replace("video-", "v"),
            container=options.container,
            elementary_streams=(stream.key, *with_audio),
            segment_duration=segment,
        )
        for stream in streams
    ]
    if not with_audio:
        muxes.append(MuxStream(key="audio", elementary_streams=("audio",), segment_duration=segment))
    return (*streams, audio), tuple(muxes)


def _heights(ladder: str) -> list[int]:
    known = {f"{height}p": height for height in LADDER}
    names = [name.strip() for name in ladder.split(",")]
    wrong = next((name for name in names if name not in known), None)
    if wrong is not None:
        raise InvalidArgument(f"'{wrong}' is no rendition", field="--ladder", hint=f"it has {', '.join(known)}")
    if len(set(names)) < len(names):
        raise InvalidArgument("it names a rendition twice", field="--ladder")
    return [known[name] for name in names]


@dataclass(frozen=True, slots=True)
class Interval:
    """The window asked for, microseconds. ``start`` None: from the first media; ``length`` counts from the start."""

    start: int | None
    end: int | None
    length: int | None

    @property
    def window_end(self) -> int | None:
        """The window's end if it is known before any media has come."""
        if self.length is not None:
            return None if self.start is None else self.start + self.length
        return self.end

    def window(self, first: int) -> TimeInterval:
        """The window, now that the first media is dated ``first`` (UTC microseconds)."""
        start = first if self.start is None else self.start
        end = start + self.length if self.length is not None else self.end
        return TimeInterval(start_time=to_datetime(start), end_time=None if end is None else to_datetime(end))


def interval_of(options: RecordOptions, now: int) -> Interval:
    """The window that the options ask for at the instant ``now``; INVALID_ARGUMENT names the option."""
    if options.end is not None and options.duration is not None:
        raise InvalidArgument("--end and --duration exclude each other", field="--duration", hint="give one of them")
    start = None if options.start is None else parse_time(options.start, now, field="--start")
    end = None if options.end is None else parse_time(options.end, now, field="--end")
    length = None if options.duration is None else parse_duration(options.duration, field="--duration")
    if end is not None and end <= (now if start is None else start):
        raise InvalidArgument(
            f"the end {format_time(end)} is not after the start {format_time(now if start is None else start)}",
            field="--end",
        )
    return Interval(start, end, length)
