"""The caption bytes in the pictures of a segment: read from their SEI messages, no picture is decoded."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from livedvr.media.cea608 import Pair
from livedvr.media.reader import FORMATS, MediaError, readable_packets, whole_media

# A registered user data message (payload type 4) of the United States (0xB5), provider 0x0031, "GA94", type 3: cc_data.
# ANSI/SCTE 128-1, 8.1 and 8.2.
_CC_DATA = b"\xb5\x00\x31GA94\x03"
_REGISTERED = 4
_SEI = {"h264": 6, "hevc": 39}


@dataclass(frozen=True, slots=True)
class CaptionData:
    """The caption bytes of a segment. Times in microseconds of its container's timeline.

    ``pairs``: CEA-608, in the order in which they are shown, without those that say nothing. ``has_708``: there is
    CEA-708 as well.
    """

    pairs: tuple[Pair, ...] = ()
    has_708: bool = False


def read_captions(path: Path, init: Path | None = None) -> CaptionData:
    """The captions of a segment file; MediaError when it cannot be read."""
    import av

    data = whole_media(path.read_bytes(), init.read_bytes() if init else b"")
    pairs: list[Pair] = []
    has_708 = False
    try:
        with av.open(
            io.BytesIO(data), "r", metadata_errors="replace", options={"format_whitelist": FORMATS}
        ) as container:
            stream = next(iter(container.streams.video), None)
            if stream is None or stream.codec_context is None or stream.codec_context.name not in _SEI:
                return CaptionData()
            codec, extradata = stream.codec_context.name, stream.codec_context.extradata or b""
            for packet in readable_packets(container):
                if packet.stream_index != stream.index or packet.pts is None or packet.time_base is None:
                    continue
                time = round(packet.pts * packet.time_base * 1_000_000)
                for kind, first, second in _triplets(bytes(packet), codec, extradata):
                    has_708 = has_708 or kind >= 2
                    if kind < 2 and (first & 0x7F or second & 0x7F):
                        pairs.append(Pair(time, 1 if kind == 0 else 2, first & 0x7F, second & 0x7F))
    except av.FFmpegError as error:
        raise MediaError(f"{path}: no readable media ({error.strerror})") from error
    return CaptionData(tuple(sorted(pairs, key=lambda pair: pair.time)), has_708)


def _triplets(packet: bytes, codec: str, extradata: bytes) -> Iterator[tuple[int, int, int]]:
    """The valid cc_data of one picture: type (0 and 1: CEA-608 of field 1 and 2; 2 and 3: CEA-708), two bytes."""
    for unit in _units(packet, codec, extradata):
        header = unit[0] & 0x1F if codec == "h264" else unit[0] >> 1 & 0x3F
        if header != _SEI[codec]:
            continue
        for message in _messages(unit[1 if codec == "h264" else 2 :].replace(b"\0\0\3", b"\0\0")):
            if not message.startswith(_CC_DATA) or len(message) < len(_CC_DATA) + 2:
                continue
            flags, body = message[len(_CC_DATA)], message[len(_CC_DATA) + 2 :]
            count = flags & 0x1F if flags & 0x40 else 0
            for at in range(0, min(3 * count, len(body) - 2), 3):
                if body[at] & 0x04:  # cc_valid
                    yield body[at] & 0x03, body[at + 1], body[at + 2]


def _units(packet: bytes, codec: str, extradata: bytes) -> Iterator[bytes]:
    """The NAL units of a picture: each behind its length (ISO/IEC 14496-15), or behind a start code (MPEG-TS)."""
    if extradata[:1] != b"\x01":
        yield from (unit for unit in packet.split(b"\0\0\1")[1:] if unit)
        return
    size, at = (extradata[4 if codec == "h264" else 21] & 3) + 1, 0
    while at + size < len(packet):
        end = at + size + int.from_bytes(packet[at : at + size], "big")
        yield packet[at + size : end]
        at = end


def _messages(payload: bytes) -> Iterator[bytes]:
    """The registered user data of an SEI unit (ITU-T H.264 and H.265, 7.3.2.3.1 and 7.3.5)."""
    at = 0
    while at + 2 < len(payload):
        kind, at = _varied(payload, at)
        size, at = _varied(payload, at)
        if kind == _REGISTERED:
            yield payload[at : at + size]
        at += size


def _varied(payload: bytes, at: int) -> tuple[int, int]:
    """A number as a run of 255s and a last byte; and where it ends."""
    total = 0
    while at < len(payload) and payload[at] == 0xFF:
        total, at = total + 255, at + 1
    return (total + payload[at], at + 1) if at < len(payload) else (total, at)
