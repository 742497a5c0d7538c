"""What is played to somebody before a recording begins: prompts and the beep. Pure; 16 kHz, s16, mono."""

from __future__ import annotations

import array
import math
import struct
from collections.abc import Iterator

from livedvr.resources.errors import InvalidArgument

RATE = 16_000  # Hz
BEEP_HZ, BEEP_SECONDS = 1000, 0.25
_LOUD = 0.3 * 32767
_EDGE = RATE // 200  # samples: a tone that begins at once is heard as a click

_PCM = 1
_FORMAT = "WAV of 16 kHz, 16 bits, mono"


def samples_of(data: bytes) -> bytes:
    """The samples of a wav. INVALID_ARGUMENT: it is none, or of another format."""
    found = dict(_chunks(data))
    if b"fmt " not in found or b"data" not in found or len(found[b"fmt "]) < 16:
        raise InvalidArgument("it is no wav", field="prompts", hint=_FORMAT)
    coding, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", found[b"fmt "])
    if (coding, channels, rate, bits) != (_PCM, 1, RATE, 16):
        said = f"coding {coding}, {rate} Hz, {bits} bits, {channels} channels"
        raise InvalidArgument(f"it is a wav of {said}", field="prompts", hint=_FORMAT)
    return found[b"data"][: len(found[b"data"]) // 2 * 2]


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Names and contents. The last one may say that it is longer than it is: who wrote it did not know."""
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        return
    at = 12
    while at + 8 <= len(data):
        (size,) = struct.unpack_from("<I", data, at + 4)
        yield data[at : at + 4], data[at + 8 : at + 8 + size]
        at += 8 + size + size % 2


def beep() -> bytes:
    """The beep behind which somebody is to speak."""
    length = round(BEEP_SECONDS * RATE)
    tone = (math.sin(2 * math.pi * BEEP_HZ * i / RATE) * min(1, i / _EDGE, (length - i) / _EDGE) for i in range(length))
    return array.array("h", (round(_LOUD * value) for value in tone)).tobytes()


def endless_head() -> bytes:
    """44 bytes, of a wav that does not know how long it will be."""
    unknown = 0xFFFFFFFF
    form = struct.pack("<HHIIHH", _PCM, 1, RATE, 2 * RATE, 2, 16)
    return (
        struct.pack("<4sI4s4sI", b"RIFF", unknown, b"WAVE", b"fmt ", 16) + form + struct.pack("<4sI", b"data", unknown)
    )
