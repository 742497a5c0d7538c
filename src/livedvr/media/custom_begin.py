"""A time that a sender has put into its pictures: an SEI message "user data unregistered" with a UUID of ours.

ITU-T H.264 D.1.7, ITU-T H.265 D.2.7: 16 bytes of UUID, then what is agreed on: here milliseconds since the epoch in
decimal digits, up to a zero byte or the end. So ffmpeg writes them:
``-bsf:v h264_metadata=sei_user_data='9d2b1f6e-7c04-4a39-8f51-6c6976656476+1764079200123'``.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

from livedvr.media.nal_units import units_of
from livedvr.media.reader import FORMATS, MediaError

CUSTOM_BEGIN = UUID("9d2b1f6e-7c04-4a39-8f51-6c6976656476")
_UNREGISTERED = 5  # payloadType
_MILLISECONDS = re.compile(rb"([0-9]{1,16})(?:\0|$)")
_FIRST = 8  # packets: it stands at a key picture, and a segment begins with one


def custom_begin(segment: Path, init: Path | None) -> int | None:
    """Blocking; reads the segment. What its first pictures say, milliseconds since the epoch; None: nothing.

    MediaError when it cannot be read.
    """
    import av

    data = (init.read_bytes() if init else b"") + segment.read_bytes()
    options = {"format_whitelist": FORMATS}
    try:
        with av.open(io.BytesIO(data), "r", metadata_errors="replace", options=options) as container:
            stream = container.streams.video[0]
            codec = stream.codec_context.codec.canonical_name
            for packet, _ in zip(container.demux(stream), range(_FIRST), strict=False):
                for unit in units_of(bytes(packet), in_mp4=init is not None):
                    said = said_by(unit, codec)
                    if said is not None:
                        return said
    except (av.FFmpegError, IndexError) as error:
        raise MediaError(f"{segment}: no picture can be read") from error
    return None


def said_by(unit: bytes, codec: str) -> int | None:
    """What a NAL unit says, if it is such a message. Pure."""
    if codec == "h264" and unit[0] & 0x1F == 6:  # ITU-T H.264 table 7-1
        head = 1
    elif codec == "hevc" and unit[0] >> 1 & 0x3F in (39, 40):  # ITU-T H.265 table 7-1, before and behind the picture
        head = 2
    else:
        return None
    for kind, payload in _messages(unit[head:].replace(b"\0\0\3", b"\0\0")):  # without emulation prevention (7.3.1)
        if kind == _UNREGISTERED and payload[:16] == CUSTOM_BEGIN.bytes:
            found = _MILLISECONDS.match(payload[16:])
            return int(found[1]) if found else None
    return None


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and payload of each (7.3.2.3.1): both numbers are sums of bytes, as long as those are 255."""
    at = 0
    while at + 2 < len(data):
        kind, at = _sum(data, at)
        size, at = _sum(data, at)
        yield kind, data[at : at + size]
        at += size


def _sum(data: bytes, at: int) -> tuple[int, int]:
    total = 0
    while data[at : at + 1] == b"\xff":
        total, at = total + 255, at + 1
    return total + int.from_bytes(data[at : at + 1], "big"), at + 1
