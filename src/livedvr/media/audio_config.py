"""Gives an fMP4 init segment the AAC configuration that ffmpeg leaves out.

AAC in MPEG-TS carries its configuration in each frame's ADTS header; an MP4 sample entry needs it once, as the
AudioSpecificConfig of its esds (ISO/IEC 14496-14 5.6). ffmpeg writes our init segment before it has seen a frame, so
for such sources the configuration is missing, and browsers refuse the audio. The first frame of the run tells it.
"""

from __future__ import annotations

import struct
from pathlib import Path

# Boxes that lead to esds, and how long their own fields are (ISO/IEC 14496-12 8; stsd and mp4a: 8.5.2, 12.2.3).
_FIELDS = {b"moov": 8, b"trak": 8, b"mdia": 8, b"minf": 8, b"stbl": 8, b"stsd": 16, b"mp4a": 36}
_CHANNELS_AT = 24  # channelcount in mp4a
_CHANNELS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 8}  # channelConfiguration -> channels (ISO/IEC 14496-3 1.6.3.4)


def complete_init(init: Path, head: Path) -> None:
    """Put the configuration of the first AAC frame in ``head`` into the init segment, if it lacks one.

    Whole or not at all, and the same bytes each time; nothing happens when the audio is not AAC with ADTS headers.
    """
    frame = _first_audio_packet(head)
    config = audio_specific_config(frame)
    if config is None:
        return
    old = init.read_bytes()
    new = with_audio_config(old, config)
    if new != old:
        temporary = init.with_name(f".{init.name}.tmp")
        temporary.write_bytes(new)
        temporary.rename(init)


def audio_specific_config(frame: bytes) -> bytes | None:
    """The two bytes of AudioSpecificConfig for a frame with an ADTS header (ISO/IEC 14496-3 1.A.2.2, 1.6.2.1).

    None when it is no such frame, or has its channels described in the frame itself (configuration 0).
    """
    if len(frame) < 7 or frame[0] != 0xFF or frame[1] & 0xF6 != 0xF0:
        return None
    object_type = (frame[2] >> 6) + 1
    frequency_index = frame[2] >> 2 & 0xF
    channels = (frame[2] & 1) << 2 | frame[3] >> 6
    if channels == 0 or frequency_index > 12:
        return None
    return struct.pack(">H", object_type << 11 | frequency_index << 7 | channels << 3)


def with_audio_config(init: bytes, config: bytes) -> bytes:
    """The init segment with ``config`` as the DecoderSpecificInfo of its AAC track; unchanged if it has one."""
    rewritten, position = b"", 0
    while position + 8 <= len(init):
        size, kind = struct.unpack_from(">I4s", init, position)
        box = init[position : position + max(size, 8)]
        if kind in _FIELDS:
            fields = bytearray(box[: _FIELDS[kind]])
            inside = with_audio_config(box[_FIELDS[kind] :], config)
            if kind == b"mp4a" and len(inside) != len(box) - len(fields):
                struct.pack_into(">H", fields, _CHANNELS_AT, _CHANNELS[config[1] >> 3 & 0xF])
            struct.pack_into(">I", fields, 0, len(fields) + len(inside))
            box = bytes(fields) + inside
        elif kind == b"esds":
            box = _with_specific_info(box, config)
        rewritten, position = rewritten + box, position + max(size, 8)
    return rewritten


def _with_specific_info(esds: bytes, config: bytes) -> bytes:
    """ffmpeg's esds has an ES_Descriptor (3) with a DecoderConfigDescriptor (4) of 13 bytes and lengths of 4 bytes."""
    es, decoder, info = 12, 20, 38  # where their tags stand
    if len(esds) <= info or (esds[es], esds[decoder]) != (3, 4) or esds[info] == 5:
        return esds
    added = b"\x05\x80\x80\x80" + bytes([len(config)]) + config
    grown = bytearray(esds[:info] + added + esds[info:])
    for length_at in (es + 4, decoder + 4):
        grown[length_at] += len(added)
    struct.pack_into(">I", grown, 0, len(grown))
    return bytes(grown)


def _first_audio_packet(path: Path) -> bytes:
    import av

    try:
        with av.open(str(path)) as container:
            packets = container.demux(audio=0) if container.streams.audio else iter(())
            return next((bytes(packet) for packet in packets if packet.size), b"")
    except (OSError, av.error.FFmpegError):  # not written yet, or not as far as a frame
        return b""
