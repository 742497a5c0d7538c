"""SCTE-35 messages and the MPEG-TS that carries them, made for tests: ffmpeg has no way to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from livedvr.timeline.scte35 import TICKS, WRAP, crc_32

SPLICE_PID = 0x1F0
_PACKET = 188


def ticks(seconds: float) -> int:
    """Seconds of the source's clock as its 33 bit count."""
    return round(seconds * TICKS) % WRAP


def section(
    command: int, body: bytes, descriptors: bytes = b"", *, adjustment: int = 0, encrypted: bool = False
) -> bytes:
    """A splice_info_section around a command (ANSI/SCTE 35 9.6)."""
    flags = (0x80 if encrypted else 0) << 32
    rest = b"\x00" + (flags | adjustment).to_bytes(5) + b"\x00" + (0xFFF000 | len(body)).to_bytes(3)
    rest += bytes([command]) + body + len(descriptors).to_bytes(2) + descriptors
    return _with_crc(b"\xfc" + (0x3000 | len(rest) + 4).to_bytes(2) + rest)


def splice_null() -> bytes:
    """A heartbeat."""
    return section(0x00, b"")


def splice_insert(
    event: int, time: int | None, *, out: bool, duration: int | None = None, returns: bool = True, adjustment: int = 0
) -> bytes:
    """Out of the network or back in. Times in ticks; ``time`` None: at once."""
    flags = (0x80 if out else 0) | 0x40 | (0x20 if duration is not None else 0) | (0x10 if time is None else 0) | 0x0F
    body = event.to_bytes(4) + b"\x7f" + bytes([flags])
    body += b"" if time is None else splice_time(time)
    if duration is not None:
        body += ((0xFE if returns else 0x7E) << 32 | duration).to_bytes(5)
    return section(0x05, body + b"\x00\x01\x01\x01", adjustment=adjustment)


def splice_cancel(event: int) -> bytes:
    """The event is off."""
    return section(0x05, event.to_bytes(4) + b"\xff")


def time_signal(time: int | None, *descriptors: bytes) -> bytes:
    """A point of time, with what is said of it."""
    return section(0x06, splice_time(time), b"".join(descriptors))


def segmentation(
    event: int, kind: int, duration: int | None = None, *, upid: bytes = b"", cancel: bool = False
) -> bytes:
    """A segmentation_descriptor (10.3.3); ``kind``: its segmentation_type_id."""
    body = b"CUEI" + event.to_bytes(4) + (b"\xff" if cancel else b"\x7f")
    if not cancel:
        body += bytes([0xBF | (0x40 if duration is not None else 0)]) + (duration or 0).to_bytes(5) * (
            duration is not None
        )
        body += bytes([0x0C if upid else 0, len(upid)]) + upid + bytes([kind, 1, 1])
    return bytes([0x02, len(body)]) + body


def splice_time(time: int | None) -> bytes:
    """9.8.1."""
    return b"\x7f" if time is None else (0xFE << 32 | time).to_bytes(5)


def first_video_time(ts: bytes) -> int:
    """The first picture's PTS in ticks."""
    for packet in _packets(ts):
        payload = packet[_payload(packet) :]
        if packet[1] & 0x40 and payload[:3] == b"\x00\x00\x01" and payload[3] & 0xF0 == 0xE0:
            h = payload[9:14]
            return (h[0] >> 1 & 7) << 30 | h[1] << 22 | h[2] >> 1 << 15 | h[3] << 7 | h[4] >> 1
    raise AssertionError("there is no video in it")


def with_cues(ts: bytes, cues: Sequence[tuple[float, bytes]]) -> bytes:
    """An MPEG-TS of ffmpeg's (one program, a PMT in one packet) with a SCTE-35 stream.

    ``cues``: seconds after the first program clock at which each section comes, and the section.
    """
    waiting, first, count = sorted(cues, key=lambda cue: cue[0]), None, 0
    out: list[bytes] = []
    pmt_pid: int | None = None
    for packet in _packets(ts):
        pid = int.from_bytes(packet[1:3]) & 0x1FFF
        if pid == 0:
            pmt_pid = int.from_bytes(packet[15:17]) & 0x1FFF
        elif pid == pmt_pid:
            packet = _with_stream(packet)
        now = _clock(packet)
        if now is not None:
            first = now if first is None else first
            while waiting and (now - first) % WRAP >= waiting[0][0] * TICKS:
                out.append(_section_packet(waiting.pop(0)[1], count))
                count += 1
        out.append(packet)
    return b"".join(out)


def stamped(ts: bytes) -> Iterator[tuple[bytes, float]]:
    """Its packets, with the seconds since the first program clock."""
    first: int | None = None
    seconds = 0.0
    for packet in _packets(ts):
        now = _clock(packet)
        if now is not None:
            first = now if first is None else first
            seconds = (now - first) % WRAP / TICKS
        yield packet, seconds


def _packets(ts: bytes) -> Iterator[bytes]:
    for at in range(0, len(ts) - _PACKET + 1, _PACKET):
        yield ts[at : at + _PACKET]


def _payload(packet: bytes) -> int:
    return 5 + packet[4] if packet[3] & 0x20 else 4


def _clock(packet: bytes) -> int | None:
    """The packet's program clock reference, in ticks."""
    if packet[3] & 0x20 and packet[4] >= 7 and packet[5] & 0x10:
        return int.from_bytes(packet[6:11]) >> 7
    return None


def _with_stream(packet: bytes) -> bytes:
    """The PMT names the SCTE-35 stream, and the program's registration that it goes with."""
    table = packet[5:]
    table = table[: 3 + (int.from_bytes(table[1:3]) & 0xFFF) - 4]
    info = int.from_bytes(table[10:12]) & 0xFFF
    table = table[:10] + (0xF000 | info + 6).to_bytes(2) + table[12 : 12 + info] + b"\x05\x04CUEI" + table[12 + info :]
    table += b"\x86" + (0xE000 | SPLICE_PID).to_bytes(2) + b"\xf0\x00"
    table = _with_crc(table[:1] + (0xB000 | len(table) + 1).to_bytes(2) + table[3:])
    return packet[:5] + table.ljust(_PACKET - 5, b"\xff")


def _section_packet(data: bytes, count: int) -> bytes:
    head = b"\x47" + (0x4000 | SPLICE_PID).to_bytes(2) + bytes([0x10 | count & 15])
    return head + (b"\x00" + data).ljust(_PACKET - 4, b"\xff")


def _with_crc(data: bytes) -> bytes:
    return data + crc_32(data).to_bytes(4)
