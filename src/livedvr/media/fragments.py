"""The traits of a segment of fragmented MP4 (ISO/IEC 14496-12): `Fragments` goes through it as it grows, a byte once.

Of the media only the beginnings of NAL units and frames are looked at. AAC in MP4 has no header that says how fast it
is; the length of its frames does.
"""

from __future__ import annotations

import statistics
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import accumulate

from livedvr.media.parameter_sets import SPS_HEADERS, Picture
from livedvr.media.traits import Sound, Traits, is_foreign, picture_of

_CODECS = {b"avc1": "h264", b"avc3": "h264", b"hvc1": "hevc", b"hev1": "hevc"}
_ENTRY_FIELDS = 78  # of a VisualSampleEntry, behind the box's header (12.1.3.2)
_FRAME = 1024  # samples that a frame of AAC lasts (ISO/IEC 14496-3 4.5.2.1)
_FRAMES_ENOUGH = 8  # to say how long they are
_SURE = 0.04  # by how much the middle and the mean of their lengths may differ, and a rate be off
_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)
_SET_BYTES = 512  # more than any parameter set has
_CHANNELS = {0: 1, 1: 2}  # a single channel element or a pair begins a frame of AAC (ISO/IEC 14496-3 table 4.85)


@dataclass(frozen=True, slots=True)
class _Track:
    """``entry``: the sample entry's name; ``length_size``: of the lengths before NAL units."""

    kind: bytes
    entry: bytes
    timescale: int
    length_size: int = 4


class Fragments:
    """One segment. `add` it piece by piece; what is not whole yet waits for the next.

    Args:
        init: the init segment that it belongs to.
    """

    def __init__(self, init: bytes) -> None:
        self.traits = Traits()
        self._rest = b""
        self._tracks, _ = _read_init(init)

    def add(self, data: bytes) -> None:
        """What has been written since the last call."""
        data, moof, done = self._rest + data, None, 0
        for name, start, end in _boxes(data, 0, len(data)):
            if name == b"moof":
                moof = (start, end)
                continue
            if name == b"mdat" and moof is not None:
                self._look(data, *moof)
            done = end
        self._rest = data[done:]

    def finish(self) -> None:
        """There is no more of it."""

    def _look(self, data: bytes, start: int, end: int) -> None:
        for _, at, stop in _named(data, start + 8, end, b"traf"):
            samples = _samples(data, start, at, stop)
            track = self._tracks.get(samples.track)
            if track is None or not samples.sizes:
                continue
            if track.kind == b"vide":
                pictures, foreign = _pictures(data, samples, track)
                self.traits += Traits(pictures, frames=len(samples.sizes), foreign=foreign)
            elif track.kind == b"soun":
                sound = _sound(data, samples, track) if track.entry == b"mp4a" else None
                self.traits += Traits(sounds=(sound,) if sound else (), has_audio=True)


def init_traits(init: bytes) -> Traits:
    """The pictures that an init segment announces."""
    return _read_init(init)[1]


@dataclass(slots=True)
class _Samples:
    """Those of a track fragment (8.8.7, 8.8.8), in columns: where each begins, its bytes, how long it lasts."""

    track: int = 0
    positions: list[int] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    durations: list[int] = field(default_factory=list)


def _samples(data: bytes, moof: int, start: int, end: int) -> _Samples:
    """The samples of the track fragment from ``start`` to ``end``; offsets in it are counted from the moof."""
    found, size, duration = _Samples(), 0, 0
    for _, at, _ in _named(data, start + 8, end, b"tfhd"):
        flags, found.track = struct.unpack_from(">II", data, at + 8)
        at += 16 + 8 * (flags & 1) + 4 * (flags >> 1 & 1)
        if flags & 0x08:
            duration = int.from_bytes(data[at : at + 4], "big")
        at += 4 * (flags >> 3 & 1)
        if flags & 0x10:
            size = int.from_bytes(data[at : at + 4], "big")
    for _, at, stop in _named(data, start + 8, end, b"trun"):
        flags, count = struct.unpack_from(">II", data, at + 8)
        at += 16
        offset = int.from_bytes(data[at : at + 4], "big", signed=True) if flags & 1 else 0
        at += 4 * (flags & 1) + 4 * (flags >> 2 & 1)
        fields = [flag for flag in (0x100, 0x200, 0x400, 0x800) if flags & flag]
        room = (stop - at) // (4 * len(fields)) if fields else stop
        count = max(0, min(count, room))  # broken bytes may tell of any number, in a box of any size
        values = struct.unpack(f">{count * len(fields)}I", data[at : at + 4 * count * len(fields)])
        told = {flag: values[place :: len(fields)] for place, flag in enumerate(fields)}
        sizes = told.get(0x200, (size,) * count)
        found.positions += list(accumulate(sizes, initial=max(0, moof + offset)))[:-1]
        found.sizes += sizes
        found.durations += told.get(0x100, (duration,) * count)
    return found


def _pictures(data: bytes, samples: _Samples, track: _Track) -> tuple[tuple[Picture, ...], int]:
    """What the parameter sets in samples of video describe, and how many samples are foreign."""
    codec = _CODECS.get(track.entry)
    if codec is None:
        return (), 0
    pictures, strangers, prefix = [], 0, track.length_size
    for at, size in zip(samples.positions, samples.sizes, strict=True):
        end, foreign = min(at + size, len(data)), False
        while at + prefix < end:
            length = int.from_bytes(data[at : at + prefix], "big")
            at += prefix
            if length and data[at] in SPS_HEADERS:
                pictures.append(picture_of(data[at : at + min(length, _SET_BYTES)], codec))
            foreign = foreign or (length > 0 and is_foreign(data[at], codec))
            at += length
        strangers += foreign
    return tuple(picture for picture in pictures if picture is not None), strangers


def _sound(data: bytes, samples: _Samples, track: _Track) -> Sound | None:
    """What frames of AAC tell by their length; None when they are too few, or uneven (a loss, a bad clock)."""
    durations = samples.durations
    middle, mean = statistics.median(durations), statistics.fmean(durations)
    if len(durations) < _FRAMES_ENOUGH or not middle or abs(mean - middle) > _SURE * middle:
        return None
    rate = _FRAME * track.timescale / middle
    nearest = min(_RATES, key=lambda one: abs(one - rate))
    if abs(nearest - rate) > _SURE * rate:
        return None
    begins = [at for at, size in zip(samples.positions, samples.sizes, strict=True) if size and at < len(data)]
    elements = (data[at] >> 5 for at in begins)  # others may stand before it: to fill up, to describe
    return Sound(nearest, next((_CHANNELS[element] for element in elements if element in _CHANNELS), None))


@lru_cache(maxsize=64)  # the same one belongs to all segments of a run
def _read_init(init: bytes) -> tuple[dict[int, _Track], Traits]:
    tracks, traits = {}, Traits()
    for _, moov, moov_end in _named(init, 0, len(init), b"moov"):
        for _, trak, trak_end in _named(init, moov + 8, moov_end, b"trak"):
            number, track, found = _read_track(init, trak, trak_end)
            tracks[number] = track
            traits += found
    return tracks, traits


def _read_track(init: bytes, start: int, end: int) -> tuple[int, _Track, Traits]:
    """Its id, what it is, and the pictures of its decoder configuration."""
    tkhd = _inside(init, start, end, b"tkhd")[0]
    mdia = _inside(init, start, end, b"mdia")
    mdhd, hdlr = _inside(init, *mdia, b"mdhd")[0], _inside(init, *mdia, b"hdlr")[0]
    stsd, stsd_end = _inside(init, *_inside(init, *_inside(init, *mdia, b"minf"), b"stbl"), b"stsd")
    # Times of 64 bits in version 1 (8.3.2, 8.4.2).
    number = int.from_bytes(init[tkhd + (28 if init[tkhd + 8] else 20) :][:4], "big")
    timescale = int.from_bytes(init[mdhd + (28 if init[mdhd + 8] else 20) :][:4], "big")
    name, entry, entry_end = next(_boxes(init, stsd + 16, stsd_end), (b"", stsd_end, stsd_end))
    size, units = 4, []
    for box, at, stop in _boxes(init, entry + 8 + _ENTRY_FIELDS, entry_end) if name in _CODECS else ():
        if box == b"avcC":
            size, units = (init[at + 12] & 3) + 1, _avc_units(init[at + 8 : stop])
        elif box == b"hvcC":
            size, units = (init[at + 29] & 3) + 1, _hevc_units(init[at + 8 : stop])
    pictures = tuple(found for unit in units if (found := picture_of(unit, _CODECS[name])))
    return number, _Track(init[hdlr + 16 : hdlr + 20], name, timescale, size), Traits(pictures=pictures)


def _avc_units(config: bytes) -> list[bytes]:
    """The SPS of an AVCDecoderConfigurationRecord (ISO/IEC 14496-15 5.3.3.1)."""
    return _counted(config, 6, config[5] & 0x1F)[0] if len(config) > 5 else []  # ffmpeg may know none


def _hevc_units(config: bytes) -> list[bytes]:
    """The NAL units of an HEVCDecoderConfigurationRecord (ISO/IEC 14496-15 8.3.3.1)."""
    units, at = [], 23
    for _ in range(config[22] if len(config) > 22 else 0):
        found, at = _counted(config, at + 3, int.from_bytes(config[at + 1 : at + 3], "big"))
        units += found
    return units


def _counted(data: bytes, at: int, count: int) -> tuple[list[bytes], int]:
    """``count`` units with their lengths before them, and where they end."""
    units = []
    for _ in range(count):
        length = int.from_bytes(data[at : at + 2], "big")
        units.append(data[at + 2 : at + 2 + length])
        at += 2 + length
    return units, at


def _inside(data: bytes, start: int, end: int, name: bytes) -> tuple[int, int]:
    """The box of that name in the box from ``start`` to ``end``; an empty one at its end if there is none."""
    return next(((at, stop) for _, at, stop in _named(data, start + 8, end, name)), (end, end))


def _named(data: bytes, start: int, end: int, name: bytes) -> Iterator[tuple[bytes, int, int]]:
    return (box for box in _boxes(data, start, end) if box[0] == name)


def _boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and end of each whole box (4.2)."""
    while start + 8 <= end:
        size, name = int.from_bytes(data[start : start + 4], "big"), data[start + 4 : start + 8]
        if size == 1:  # the size follows in 64 bits
            size = int.from_bytes(data[start + 8 : start + 16], "big")
        if size < 8 or start + size > end:
            return
        yield name, start, start + size
        start += size
