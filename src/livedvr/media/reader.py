"""What is in a media segment: its streams, and the packet times of each.

The one place that imports PyAV, and only when something is read: importing this module costs nothing. Segments come
from strangers too (`livedvr check URL`), so a segment is never opened by name and only as one of the formats HLS
knows (RFC 8216bis section 3.1): libav would follow a playlist or a concat script to other files.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, cast

from livedvr.media.codecs import codec_string

if TYPE_CHECKING:
    from av.audio.codeccontext import AudioCodecContext
    from av.audio.stream import AudioStream
    from av.codec.context import CodecContext
    from av.container import InputContainer
    from av.packet import Packet
    from av.stream import Stream
    from av.video.stream import VideoStream

    AnyPacket = Packet[Stream]

FORMATS = "mov,mpegts,aac,mp3,ac3,eac3"  # fMP4, MPEG-TS and Packed Audio, RFC 8216bis 3.1.1 to 3.1.3
_MICROSECONDS = 1_000_000
_MPEG_CLOCK = 90_000
# MPEG-TS counts 33 bits of 90 kHz: after 26.5 h it begins again at 0.
_ROLLOVER = round(Fraction(_MICROSECONDS << 33, _MPEG_CLOCK))
_TS_PACKET = 188  # bytes, ISO/IEC 13818-1 2.4.3.2

# RFC 8216bis 3.1.3: Packed Audio carries the time of its first sample in an ID3 PRIV frame with this owner.
_PACKED_AUDIO_TIME = b"com.apple.streaming.transportStreamTimestamp\0"


class MediaError(ValueError):
    """There is no audio or video to be read in a file; the message names it."""


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """What a stream is.

    Attributes:
        kind: ``video`` or ``audio``.
        codec: ffmpeg's name, e.g. ``h264``, ``aac``.
        codec_string: RFC 6381, e.g. ``avc1.64001f``; None when it cannot be told or no HLS player knows the codec.
        width, height: coded picture size in pixels; None for audio.
        frame_rate: frames per second; None for audio, or when the stream does not tell.
        sample_rate: Hz; None for video.
        channels: of audio; None for video.
    """

    kind: str
    codec: str
    codec_string: str | None
    width: int | None = None
    height: int | None = None
    frame_rate: Fraction | None = None
    sample_rate: int | None = None
    channels: int | None = None


@dataclass(frozen=True, slots=True)
class StreamSpan:
    """The packet times of one stream in one file, in microseconds of the container's own timeline.

    Attributes:
        first_pts: the smallest presentation time.
        end_pts: the largest presentation time plus duration.
        starts_with_key: the first packet in the file is a keyframe.
        keyframes: presentation times of all keyframes, sorted. (Each audio packet is one.)
        dts_monotonic: decoding times rise from packet to packet.
        packets: how many there are, at least 1.
    """

    info: StreamInfo
    first_pts: int
    end_pts: int
    starts_with_key: bool
    keyframes: tuple[int, ...]
    dts_monotonic: bool
    packets: int


@dataclass(frozen=True, slots=True)
class MediaSpan:
    """All audio and video streams of one file that have packets, in the container's order; at least one."""

    streams: tuple[StreamSpan, ...]

    @property
    def reference(self) -> StreamSpan:
        """The stream that times are judged by: the first video, else the first audio."""
        return next((stream for stream in self.streams if stream.info.kind == "video"), self.streams[0])


def read_media(path: Path, init: Path | None = None) -> MediaSpan:
    """Read a segment file, and before it the init segment that fMP4 needs.

    The file is read into memory (a segment is a few MB). One that is still being written is read as far as it is
    whole: to its last complete moof + mdat pair (fMP4) or transport packet (MPEG-TS).

    Raises:
        MediaError: no audio or video packet can be read; names the file.
        OSError: a file cannot be read at all.
    """
    return read_media_bytes(path.read_bytes(), init.read_bytes() if init else b"", name=str(path))


def read_media_bytes(data: bytes, init: bytes = b"", *, name: str) -> MediaSpan:
    """As `read_media`, for bytes that were fetched; `name` is what errors call them."""
    import av

    try:
        options = {"format_whitelist": FORMATS}
        with av.open(io.BytesIO(whole_media(data, init)), "r", metadata_errors="replace", options=options) as container:
            spans = _read_streams(container, _packed_audio_start(data))
    except av.FFmpegError as error:
        raise MediaError(f"{name}: no readable media ({error.strerror})") from error
    if not spans:
        raise MediaError(f"{name}: no audio or video packet in it")
    return MediaSpan(tuple(spans))


def timestamp_difference(later: int, earlier: int) -> int:
    """``later`` - ``earlier`` in microseconds, on a clock that begins again after 26.5 h: the value nearest to zero."""
    return (later - earlier + _ROLLOVER // 2) % _ROLLOVER - _ROLLOVER // 2


def whole_media(data: bytes, init: bytes = b"") -> bytes:
    """A segment as far as it is whole, behind its init segment."""
    return init + data[: _whole_boxes(data)] if _is_mp4(data) else init + data


def _read_streams(container: InputContainer, offset: int) -> list[StreamSpan]:
    """Each audio and video stream that has packets; `offset` is added to all times (microseconds)."""
    tracks: dict[int, _Track] = {}
    streams: list[VideoStream | AudioStream] = [*container.streams.video, *container.streams.audio]
    for stream in streams:
        if stream.codec_context is not None:  # libav knows the codec
            frame = _frame_duration(stream)
            tracks[stream.index] = _Track(
                _stream_info(stream, in_mp4="mp4" in container.format.name),
                stream.time_base or Fraction(1, _MPEG_CLOCK),
                frame,
            )
    for packet in readable_packets(container):
        if packet.stream_index in tracks:
            tracks[packet.stream_index].add(packet)
    return [tracks[index].span(offset) for index in sorted(tracks) if tracks[index].packets]


def readable_packets(container: InputContainer) -> Iterator[AnyPacket]:
    """The packets up to the end, or up to what can no longer be read."""
    import av

    while True:
        try:
            yield from container.demux()
        except (
            IndexError
        ):  # a packet of a stream that MPEG-TS announced only after the beginning: PyAV does not know it
            continue
        except av.InvalidDataError:
            pass
        return


@dataclass(slots=True)
class _Track:
    """Gathers the packet times of one stream, in ticks of its time base."""

    info: StreamInfo
    time_base: Fraction
    frame: int  # ticks a packet lasts that does not say so itself
    packets: int = 0
    first: int = 0
    end: int = 0
    last_dts: int | None = None
    monotonic: bool = True
    starts_with_key: bool = False
    keyframes: list[int] = field(default_factory=list)

    def add(self, packet: AnyPacket) -> None:
        pts = packet.pts if packet.pts is not None else packet.dts
        if pts is None:  # the demuxer ends each stream with an empty packet
            return
        end = pts + (packet.duration or self.frame)
        if not self.packets:
            self.first, self.end, self.starts_with_key = pts, end, packet.is_keyframe
        self.packets += 1
        self.first, self.end = min(self.first, pts), max(self.end, end)
        if packet.is_keyframe:
            self.keyframes.append(pts)
        if packet.dts is not None:
            self.monotonic &= self.last_dts is None or packet.dts > self.last_dts
            self.last_dts = packet.dts

    def span(self, offset: int) -> StreamSpan:
        def micros(ticks: int) -> int:
            return round(ticks * self.time_base * _MICROSECONDS) + offset

        return StreamSpan(
            info=self.info,
            first_pts=micros(self.first),
            end_pts=micros(self.end),
            starts_with_key=self.starts_with_key,
            keyframes=tuple(sorted(map(micros, self.keyframes))),
            dts_monotonic=self.monotonic,
            packets=self.packets,
        )


def _stream_info(stream: VideoStream | AudioStream, *, in_mp4: bool) -> StreamInfo:
    context = stream.codec_context
    codec = context.codec.canonical_name
    text = codec_string(codec, context.extradata or b"", tag=_sample_entry(context), profile=context.profile)
    if codec == "aac" and in_mp4 and not context.extradata:
        text = None  # ISO/IEC 14496-14 5.6: without its AudioSpecificConfig nobody can be sure what it is
    if stream.type == "video":
        rate = stream.guessed_rate or stream.average_rate
        return StreamInfo("video", codec, text, stream.width or None, stream.height or None, rate or None)
    audio = cast("AudioCodecContext", context)
    return StreamInfo("audio", codec, text, sample_rate=audio.sample_rate or None, channels=audio.channels or None)


def _sample_entry(context: CodecContext) -> str:
    """The four characters by which the container names the codec; empty when they are none."""
    try:
        return context.codec_tag
    except UnicodeDecodeError:
        return ""


def _frame_duration(stream: VideoStream | AudioStream) -> int:
    """Ticks of one frame at the stream's rate; 0 when it has none. MPEG-TS may leave the last packet without one."""
    rate = stream.guessed_rate if stream.type == "video" else None
    return round(1 / (rate * stream.time_base)) if rate and stream.time_base else 0


def _is_mp4(data: bytes) -> bool:
    """An ISO file starts with a box: four bytes of size, four of a name we expect at the start of a segment."""
    return data[4:8] in (b"ftyp", b"styp", b"moof", b"sidx", b"emsg", b"prft", b"free", b"moov")


def whole_size(data: bytes) -> int:
    """How many bytes of a segment that was being written are whole: boxes of fMP4, packets of MPEG-TS."""
    return _whole_boxes(data) if _is_mp4(data) else len(data) // _TS_PACKET * _TS_PACKET


def _whole_boxes(data: bytes) -> int:
    """How many bytes of an ISO file form whole top-level boxes; a moof counts with its mdat only."""
    whole = 0
    for name, end in _boxes(data):
        if end > len(data):
            break
        if name != b"moof":
            whole = end
    return whole


def _boxes(data: bytes) -> Iterator[tuple[bytes, int]]:
    """Name and end of each top-level box (ISO/IEC 14496-12 section 4.2); the last may end past the data."""
    start = 0
    while start + 8 <= len(data):
        size, name = int.from_bytes(data[start : start + 4], "big"), data[start + 4 : start + 8]
        if size == 1:  # the size follows in 64 bits
            size = int.from_bytes(data[start + 8 : start + 16], "big")
        elif size == 0:  # up to the end of the file
            size = len(data) - start
        if size < 8:
            return
        start += size
        yield name, start


def _packed_audio_start(data: bytes) -> int:
    """Where a Packed Audio segment starts, microseconds, from its ID3 tag (RFC 8216bis 3.1.3); 0 for anything else."""
    found = data.find(_PACKED_AUDIO_TIME, 0, 4096) if data[:3] == b"ID3" else -1
    at = found + len(_PACKED_AUDIO_TIME)
    if found < 0 or len(data) < at + 8:
        return 0
    ticks = int.from_bytes(data[at : at + 8], "big")
    return round(Fraction(ticks * _MICROSECONDS, _MPEG_CLOCK))
