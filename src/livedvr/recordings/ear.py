"""Hears a channel's stored sound: decoded by libav, stamped by its PTS. Bytes are read to be judged, never written."""

from __future__ import annotations

import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from livedvr.ingest.command import CONTAINER_OFFSET
from livedvr.media.reader import FORMATS, MediaError, readable_packets, timestamp_difference, whole_media
from livedvr.recordings.dtmf import KeyDetector
from livedvr.recordings.end_point import Sounds, Tone
from livedvr.recordings.silence import VoiceDetector
from livedvr.timeline.segment import Segment

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame

RATE = 8000  # of a telephone's tones, and enough for how loud it is
JUMP = 100_000  # microseconds: what is farther from the end of what came before does not follow on it

Block = tuple[int, bytes]
"""When its first sample sounds, UTC microseconds, and samples: s16, mono."""


class Ear:
    """Listens to segments one after another. Decoder and detectors go on from segment to segment of a run: a tone may
    begin in one and end in the next. Holds one segment at a time."""

    def __init__(self, rate: int = RATE) -> None:
        self._rate = rate
        self._run = ""
        self._end: int | None = None
        self._keys, self._voices = KeyDetector(rate), VoiceDetector(rate)
        self._decoder: Any = None
        self._resampler: Any = None

    @property
    def has_heard(self) -> bool:
        """Whether it has listened to anything yet."""
        return self._run != ""

    def hear(self, segment: Segment, path: Path, init: Path | None) -> Sounds:
        """Blocking. What is heard in the segment; OSError, or MediaError: it cannot be read."""
        import av

        data = whole_media(path.read_bytes(), init.read_bytes() if init else b"")
        if segment.run != self._run:
            self._run, self._decoder, self._resampler = segment.run, None, None
        voices: list[tuple[int, int]] = []
        keys: list[Tone] = []
        audible: list[tuple[int, int]] = []
        try:
            for start, samples in self._blocks(segment, data):
                if self._end is None or abs(start - self._end) > JUMP:
                    self._keys, self._voices = KeyDetector(self._rate), VoiceDetector(self._rate)
                keys += self._keys.feed(start, samples)
                voices += self._voices.feed(start, samples)
                audible += self._voices.take_audible()
                self._end = start + len(samples) // 2 * 1_000_000 // self._rate
        except (av.FFmpegError, IndexError) as error:
            raise MediaError(f"{path}: no sound can be read") from error
        return Sounds(segment.end, tuple(voices), tuple(keys), tuple(audible))

    def _blocks(self, segment: Segment, data: bytes) -> Iterator[Block]:
        import av

        options = {"format_whitelist": FORMATS}
        with av.open(io.BytesIO(data), "r", metadata_errors="replace", options=options) as container:
            stream = container.streams.audio[0]
            base = stream.time_base or Fraction(1, 90_000)
            if self._decoder is None:
                self._decoder = _decoder_of(stream)
                self._resampler = av.AudioResampler(format="s16", layout="mono", rate=self._rate)
            packets = [one for one in readable_packets(container) if one.pts is not None]
            if not packets:  # a head without media opens well
                raise MediaError("nothing can be read behind its head")
            for packet in packets:
                if packet.stream_index != stream.index:
                    continue
                for frame in self._decoder.decode(packet):
                    frame.time_base = base
                    for block in self._resampler.resample(frame):
                        yield self._stamped(segment, block)

    def _stamped(self, segment: Segment, block: AudioFrame) -> Block:
        """By its PTS, as the segment is dated."""
        said = round(Fraction(block.pts or 0) * (block.time_base or Fraction(1)) * 1_000_000)
        later = timestamp_difference(said, segment.media_start + CONTAINER_OFFSET)
        return segment.start + later, bytes(block.planes[0])[: 2 * block.samples]


def _decoder_of(stream: Any) -> Any:
    import av

    context = stream.codec_context
    decoder = av.CodecContext.create(context.codec.canonical_name, "r")
    if context.extradata:
        decoder.extradata = context.extradata
    decoder.sample_rate, decoder.layout = context.sample_rate, context.layout
    decoder.open()
    return decoder
