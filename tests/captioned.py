"""CEA-608 captions for tests: what an encoder of captions sends, and pictures that carry it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import av

Codes = list[tuple[int, int]]

_ROWS = (0x1140, 0x1160, 0x1240, 0x1260, 0x1540, 0x1560, 0x1640, 0x1660, 0x1740, 0x1760, 0x1040, 0x1340, 0x1360, 0x1440)


def control(second: int, first: int = 0x14) -> Codes:
    """A control code, twice as they are sent."""
    return [(first, second)] * 2


def address(row: int, indent: int = 0) -> Codes:
    """The cursor to a row (1 to 15) and an indent (a multiple of 4)."""
    code = (*_ROWS, 0x1460)[row - 1]
    return control((code & 0xFF) | 0x10 | indent // 4 << 1, code >> 8)


def letters(text: str) -> Codes:
    """Plain ASCII, two letters a pair."""
    data = text.encode("ascii")
    return [(data[at], data[at + 1] if at + 1 < len(data) else 0) for at in range(0, len(data), 2)]


def pop_on(*lines: str) -> Codes:
    """A caption that is loaded out of sight and appears at its last pair."""
    codes = control(0x20) + control(0x2E)
    for row, line in enumerate(lines, 16 - len(lines)):
        codes += address(row, 4) + letters(line)
    return codes + control(0x2F)


def roll_up(line: str, rows: int = 2) -> Codes:
    """The next line of rolling captions."""
    return control(0x23 + rows) + control(0x2D) + address(15) + letters(line)


def clear() -> Codes:
    """What is shown goes."""
    return control(0x2C)


def second_channel(codes: Codes) -> Codes:
    """The same in CC2 (or CC4)."""
    return [(first | 0x08 if first < 0x20 else first, second) for first, second in codes]


def each_frame(script: Mapping[int, Codes], frames: int) -> list[tuple[int, int]]:
    """One pair for each picture: ``script`` says from which on something is sent."""
    sent = [(0, 0)] * frames
    for frame, codes in script.items():
        sent[frame : frame + len(codes)] = codes
    return sent[:frames]


def sei(pairs: Iterable[tuple[int, int, int]], *, hevc: bool = False) -> bytes:
    """The NAL unit with cc_data (SCTE 128-1): (type, first, second)."""
    triplets = b"".join(bytes([0xFC | kind, _odd(first), _odd(second)]) for kind, first, second in pairs)
    message = b"\xb5\x00\x31GA94\x03" + bytes([0x40 | len(triplets) // 3, 0xFF]) + triplets + b"\xff"
    payload = bytes([4, len(message)]) + message + b"\x80"
    for pair in (b"\0\0\0", b"\0\0\1", b"\0\0\2", b"\0\0\3"):
        payload = payload.replace(pair, b"\0\0\3" + pair[2:])
    return (b"\0\0\0\1\x4e\x01" if hevc else b"\0\0\0\1\x06") + payload


def _odd(byte: int) -> int:
    return byte | (0x00 if byte.bit_count() % 2 else 0x80)


def write_captions(clip: Path, to: Path, pairs: Sequence[Sequence[tuple[int, int, int]]]) -> None:
    """Copy an MPEG-TS file; its pictures, in the order in which they are shown, carry these."""
    with av.open(str(clip)) as source, av.open(str(to), "w", format="mpegts") as target:
        streams = {stream.index: target.add_stream_from_template(stream) for stream in source.streams}
        packets = [packet for packet in source.demux() if packet.dts is not None]
        video = source.streams.video[0]
        shown = sorted(packet.pts for packet in packets if packet.stream_index == video.index)
        hevc = video.codec_context.name == "hevc"
        for packet in packets:
            carrier = packet
            if packet.stream_index == video.index:
                order = shown.index(packet.pts)
                unit = sei(pairs[order], hevc=hevc) if order < len(pairs) and pairs[order] else b""
                carrier = av.Packet(_before_picture(bytes(packet), unit, hevc=hevc))
                carrier.pts, carrier.dts, carrier.time_base = packet.pts, packet.dts, packet.time_base
                carrier.is_keyframe = packet.is_keyframe
            carrier.stream = streams[packet.stream_index]
            target.mux(carrier)


def _before_picture(data: bytes, unit: bytes, *, hevc: bool) -> bytes:
    """Put the unit in front of the first slice."""
    at = data.find(b"\0\0\1")
    while at >= 0:
        header = data[at + 3]
        if (header >> 1 & 0x3F) < 32 if hevc else header & 0x1F in (1, 5):
            return data[:at] + unit[1:] + data[at:]
        at = data.find(b"\0\0\1", at + 3)
    return data


def captioned_clip(ffmpeg: str, to: Path, script: Mapping[int, Codes], seconds: int, *, codec: str = "libx264") -> None:
    """testsrc2 at 30 pictures a second in MPEG-TS with sound, B-frames, a keyframe a second, captions in field 1."""
    plain = to.with_suffix(".plain.ts")
    made = f"{ffmpeg} -nostdin -y -loglevel error -f lavfi -i testsrc2=s=160x90:r=30:d={seconds} -f lavfi"
    made += f" -i sine=r=48000:d={seconds} -c:v {codec} -preset ultrafast -bf 2 -g 30 -c:a aac {plain}"
    subprocess.run(made.split(), check=True)
    sent = each_frame(script, 30 * seconds)
    write_captions(plain, to, [[(0, first, second)] for first, second in sent])
