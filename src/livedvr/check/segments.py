"""Opens the segments of one media playlist and holds what is in them against what the playlist says.

Times are judged by the reference stream (the first video, else the first audio), as section 3 asks of EXTINF: in the
first segment of a run, MPEG-TS may begin with seconds of audio before the first picture.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from livedvr.check.load import I_FRAME, MediaPlaylist
from livedvr.check.subtitles import Subtitled, read_subtitles, start_dates
from livedvr.fetch import Fetcher, resolve
from livedvr.hls.bitrate import BitrateMeter
from livedvr.hls.parsed import MICROSECONDS, Segment, parse_byterange
from livedvr.hls.rules import Finding, Level
from livedvr.hls.rules_model import Rule
from livedvr.media.reader import (
    MediaError,
    MediaSpan,
    StreamInfo,
    StreamSpan,
    read_media_bytes,
    timestamp_difference,
)
from livedvr.resources.errors import SourceError

# Timestamps of 90 kHz and 1/48000 s meet within microseconds; what a decoder and a viewer notice starts far above.
JUMP_LIMIT = 50_000
# EXTINF may be off by this, or by one frame, whichever is more.
DURATION_LIMIT = 100_000
# ... by half a second where it has no decimals; and all of a run together by this and a frame.
INTEGER_LIMIT = 500_000
SUM_LIMIT = 250_000

SEGMENT_UNREACHABLE = Rule(
    "segment-unreachable", Level.MUST, "6.2.1", "keep what is listed available, or mark it with EXT-X-GAP"
)
INIT_UNREACHABLE = Rule("init-unreachable", Level.MUST, "4.4.4.5", "keep the init segment as long as its segments")
SEGMENT_UNREADABLE = Rule(
    "segment-unreadable", Level.MUST, "3.1", "write MPEG-TS, fMP4 with its EXT-X-MAP, Packed Audio or WebVTT"
)
NOT_OPENED = Rule("segment-encrypted", Level.NOTE, "4.4.4.4", "check the stream before encryption, too")
DURATION_DIFFERS = Rule("duration-differs", Level.SHOULD, "4.4.4.1", "write as EXTINF what the segment really lasts")
DURATIONS_DRIFT = Rule("durations-drift", Level.SHOULD, "4.4.4.1", "write EXTINF with six decimals")
LONGER_THAN_TARGET = Rule("segment-longer-than-target", Level.MUST, "6.2.1", "cut shorter, or declare a larger target")
NO_KEYFRAME = Rule("keyframe-missing", Level.SHOULD, "6.2.1", "cut the segments at keyframes")
NOT_INDEPENDENT = Rule(
    "segment-not-independent", Level.MUST, "4.4.2.1", "cut at keyframes, or leave out EXT-X-INDEPENDENT-SEGMENTS"
)
TIMESTAMPS_JUMP = Rule("timestamps-jump", Level.MUST, "3", "write EXT-X-DISCONTINUITY where timestamps do not continue")
TIMESTAMPS_DISORDERED = Rule("timestamps-disordered", Level.SHOULD, "3", "let decoding times rise inside a segment")
CONFIG_MISSING = Rule(
    "audio-config-missing", Level.MUST, "3.1.2", "write the AudioSpecificConfig into the esds of the init segment"
)
ENCODING_CHANGES = Rule(
    "encoding-changes", Level.MUST, "6.2.1", "write EXT-X-DISCONTINUITY where codec, resolution or tracks change"
)


@dataclass(frozen=True, slots=True)
class Opened:
    """A segment and what is in it."""

    segment: Segment
    span: MediaSpan

    @property
    def reference(self) -> StreamSpan:
        """The stream that times are judged by."""
        return self.span.reference


@dataclass(slots=True)
class Measured:
    """What the segments of one media playlist turned out to be.

    Attributes:
        streams: every kind of stream that was seen, once.
        peak, average: bits per second (4.1); 0 when no segment could be read.
        clocks: by discontinuity sequence number, the date at timestamp 0, microseconds since the epoch.
        missing: segments that could not be read, so that `peak` may be too small.
        subtitles: the WebVTT segments.
    """

    streams: list[StreamInfo] = field(default_factory=list)
    peak: int = 0
    average: int = 0
    clocks: dict[int, int] = field(default_factory=dict)
    missing: int = 0
    subtitles: list[Subtitled] = field(default_factory=list)


class SegmentCheck:
    """Goes through the segments of one media playlist, each once, however often the playlist is loaded.

    Args:
        media: the playlist.
        fetcher: reads the segments.
        independent: EXT-X-INDEPENDENT-SEGMENTS holds for it, in its multivariant playlist or in itself.

    Attributes:
        findings, measured: complete after `finish`.
    """

    def __init__(self, media: MediaPlaylist, fetcher: Fetcher, *, independent: bool) -> None:
        self.findings: list[Finding] = []
        self.measured = Measured()
        self._media = media
        self._name = media.playlist.name
        self._fetcher = fetcher
        self._independent = independent or "EXT-X-INDEPENDENT-SEGMENTS" in media.playlist.tags
        self._meter = BitrateMeter((media.playlist.target or 0) * MICROSECONDS)
        self._init: tuple[tuple[str, str], bytes] | None = None
        self._encrypted_reported = False
        self._next: int | None = None  # the media sequence number of the first segment that was not taken yet
        self._before: Opened | None = None
        self._dates: dict[int, int] = {}
        self._drift = 0  # microseconds by which EXTINF was too small so far in this run

    def take(self, media: MediaPlaylist, stopped: Callable[[], bool] = lambda: False) -> None:
        """Open what the playlist lists, and was not listed when it was taken before; leave off when `stopped`."""
        self._media = media
        self._dates = start_dates(media.playlist) if media.rendition.kind == "SUBTITLES" else {}
        for segment in media.playlist.segments:
            if self._next is not None and segment.number < self._next:
                continue
            if stopped():
                self.measured.missing += 1
                return
            if segment.number != self._next:
                self._judge(None)  # what came and went between two reloads
            self._next = segment.number + 1
            self._judge(self._opened(segment))

    def finish(self) -> None:
        """There is no segment to come."""
        self._judge(None)

    def _judge(self, opened: Opened | None) -> None:
        """Hold a segment against the one before; None where nothing can be said of one."""
        before, self._before = self._before, opened
        following = opened if before and opened and not opened.segment.discontinuity else None
        if before:
            self._drift += self._check_duration(before, _lasted(before, following))
            if following is None:
                self._check_drift(before, self._drift)
                self._drift = 0
        if opened:
            self._check_content(opened)
        if before and following:
            self._check_continuity(before, following)

    def _opened(self, segment: Segment) -> Opened | None:
        """What is in a segment; None for one that is a gap, cannot be read, or is no audio or video."""
        data = None if segment.gap else self._fetch(segment)
        if data is None:
            return None
        self._meter.add([len(data)], [segment.micros])
        self.measured.peak, self.measured.average = self._meter.peak, self._meter.average
        return self._open(segment, data)

    def _fetch(self, segment: Segment) -> bytes | None:
        try:
            return self._fetcher.read(resolve(self._media.url, segment.uri), byterange=segment.byterange).data
        except SourceError as error:
            self._report(SEGMENT_UNREACHABLE, segment.line, f"{segment.uri}: {error.message}")
            self.measured.missing += 1
            return None

    def _open(self, segment: Segment, data: bytes) -> Opened | None:
        if any((key.attributes.get("METHOD") or "").startswith("AES-") for key in segment.keys):
            if not self._encrypted_reported:
                self._report(NOT_OPENED, segment.line, "encrypted as a whole from here: what is inside was not checked")
            self._encrypted_reported = True
            return None
        init = self._init_of(segment)
        if init is None or self._media.rendition.kind == I_FRAME:  # a part of a segment ends after its I-frame
            return None
        if self._media.rendition.kind == "SUBTITLES":
            self._check_subtitles(segment, init + data)
            return None
        try:
            return Opened(segment, read_media_bytes(data, init, name=segment.uri))
        except MediaError as error:
            self._report(SEGMENT_UNREADABLE, segment.line, str(error))
            return None

    def _init_of(self, segment: Segment) -> bytes | None:
        """The init segment that applies; empty when none does, None when it cannot be read."""
        tag = segment.map
        uri = tag.attributes.text("URI") if tag else None
        if tag is None or uri is None:
            return b""
        url, part = resolve(self._media.url, uri), tag.attributes.text("BYTERANGE") or ""
        if self._init and self._init[0] == (url, part):
            return self._init[1]
        try:
            data = self._fetcher.read(url, byterange=parse_byterange(part)).data
        except SourceError as error:
            self._report(INIT_UNREACHABLE, tag.line, f"{uri}: {error.message}")
            return None
        self._init = ((url, part), data)
        return data

    def _check_subtitles(self, segment: Segment, data: bytes) -> None:
        """WebVTT begins with its header (3.1.4); IMSC comes as fMP4 (3.1.5)."""
        if data[4:8] in (b"ftyp", b"styp", b"moof"):
            return
        try:
            subtitled, wrong = read_subtitles(segment, self._dates.get(segment.number), data)
        except ValueError:
            self._report(SEGMENT_UNREADABLE, segment.line, f"{segment.uri} begins with no WebVTT header and is no fMP4")
            return
        self.measured.subtitles.append(subtitled)
        for rule, message in wrong:
            self._report(rule, segment.line, message)

    def _check_content(self, opened: Opened) -> None:
        segment = opened.segment
        for stream in opened.span.streams:
            if stream.info not in self.measured.streams:
                self.measured.streams.append(stream.info)
                if stream.info.codec == "aac" and stream.info.codec_string is None:
                    message = f"{segment.uri}: its init segment does not say how the AAC is made; browsers refuse it"
                    self._report(CONFIG_MISSING, segment.line, message)
            if stream.info.kind == "video" and not stream.starts_with_key:
                rule = NOT_INDEPENDENT if self._independent else NO_KEYFRAME
                self._report(rule, segment.line, f"{segment.uri} does not begin with a keyframe")
            if not stream.dts_monotonic:
                self._report(
                    TIMESTAMPS_DISORDERED, segment.line, f"{segment.uri}: decoding times of {stream.info.kind} go back"
                )
        if segment.date is not None:
            clock = segment.date - opened.reference.first_pts
            self.measured.clocks.setdefault(segment.discontinuity_number, clock)

    def _check_duration(self, opened: Opened, lasted: int) -> int:
        """EXTINF and the target duration against what the segment really lasts; returns the error nobody need see."""
        segment, info = opened.segment, opened.reference.info
        limit = max(DURATION_LIMIT, _frame(info), 0 if _has_decimals(segment) else INTEGER_LIMIT)
        off = lasted - segment.micros if segment.duration is not None else 0
        if abs(off) > limit:
            said = f"EXTINF is {_seconds(segment.micros)} s, its {info.kind} lasts {_seconds(lasted)} s"
            self._report(DURATION_DIFFERS, segment.line, f"{segment.uri}: {said}")
        target = self._media.playlist.target
        if target and lasted >= target * MICROSECONDS + MICROSECONDS // 2 + limit:
            said = f"{segment.uri} lasts {_seconds(lasted)} s, the target duration is {target} s"
            self._report(LONGER_THAN_TARGET, segment.line, said)
        return off if abs(off) <= limit else 0

    def _check_drift(self, last: Opened, drift: int) -> None:
        """Errors that are too small to see add up over a run."""
        if abs(drift) > SUM_LIMIT + _frame(last.reference.info) and _has_decimals(last.segment):
            message = f"since the last discontinuity the media is {_seconds(drift)} s longer than EXTINF adds up to"
            self._report(DURATIONS_DRIFT, last.segment.line, message)

    def _check_continuity(self, before: Opened, opened: Opened) -> None:
        """Each stream goes on where it ended, and is the same stream. One may be silent for a segment."""
        segment = opened.segment
        for kind in ("video", "audio"):
            old, new = (_of_kind(one.span, kind) for one in (before, opened))
            formats = [" + ".join(_format(stream.info) for stream in streams) for streams in (old, new)]
            if not old or not new:
                continue
            if formats[0] != formats[1]:
                message = f"at {segment.uri} {formats[0]} becomes {formats[1]}, without EXT-X-DISCONTINUITY"
                self._report(ENCODING_CHANGES, segment.line, message)
                continue
            for ends, starts in zip(old, new, strict=True):
                jump = timestamp_difference(starts.first_pts, ends.end_pts)
                if abs(jump) > _jump_limit(ends.info):
                    how = f"{_seconds(abs(jump))} s {'after' if jump > 0 else 'before'} the end of the segment above"
                    self._report(TIMESTAMPS_JUMP, segment.line, f"{segment.uri}: its {kind} starts {how}")

    def _report(self, rule: Rule, line: int | None, message: str) -> None:
        self.findings.append(rule.at(self._name, line, message))


def _lasted(opened: Opened, following: Opened | None) -> int:
    """Microseconds from this segment's first frame to the next one's if that continues it, else to its own end."""
    stream = opened.reference
    gap = timestamp_difference(following.reference.first_pts, stream.end_pts) if following else 0
    own = stream.end_pts - stream.first_pts
    return own + gap if abs(gap) <= _jump_limit(stream.info) else own


def _has_decimals(segment: Segment) -> bool:
    """Whether EXTINF can be exact; before version 3 it is a whole number (4.4.4.1)."""
    tag = segment.tag("EXTINF")
    return tag is not None and "." in tag.value.partition(",")[0]


def _of_kind(span: MediaSpan, kind: str) -> list[StreamSpan]:
    """The streams of a kind, in an order that does not depend on the container's."""
    return sorted((one for one in span.streams if one.info.kind == kind), key=lambda stream: _format(stream.info))


def _format(info: StreamInfo) -> str:
    """What may not change without a discontinuity (6.2.1)."""
    if info.kind == "video":
        return f"{info.codec} {info.width}x{info.height}"
    return f"{info.codec} {info.sample_rate} Hz"


def _frame(info: StreamInfo) -> int:
    """Microseconds of one video frame; 0 where there is none, or no rate."""
    return round(MICROSECONDS / info.frame_rate) if info.frame_rate else 0


def _jump_limit(info: StreamInfo) -> int:
    return max(JUMP_LIMIT, _frame(info))


def _seconds(micros: int) -> str:
    return f"{micros / MICROSECONDS:.3f}"
