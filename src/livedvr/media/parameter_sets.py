"""What a sequence parameter set says of the pictures: H.264 and H.265. Nothing here opens a file."""

from __future__ import annotations

from dataclasses import dataclass

from livedvr.media.bits import Bits
from livedvr.media.codecs import codec_string

# Profiles whose SPS says how colours are coded (ITU-T H.264 7.3.2.1.1), and all others there are (annex A).
_WITH_CHROMA = (100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135)
_H264_PROFILES = (66, 77, 88, *_WITH_CHROMA)
SPS_HEADERS = frozenset({0x07, 0x27, 0x47, 0x67, 33 << 1})  # the first bytes that an SPS of either codec may have
_MOST = 16_384  # pixels; more is no picture but bytes that were misread


@dataclass(frozen=True, slots=True)
class Picture:
    """What pictures are.

    Attributes:
        codec: ``h264`` or ``hevc``.
        codec_string: RFC 6381, e.g. ``avc1.64001f``.
        width, height: in pixels, as they are shown.
        number: the SPS's own id; one with the same id takes the place of the one before.
        decisive: what a decoder is set up with, the SPS up to its VUI (of H.265 up to the order of pictures). Encoders
            that follow the network's bit rate change the VUI alone, and that is the same picture.
    """

    codec: str
    codec_string: str
    width: int
    height: int
    number: int
    decisive: str


def read_sps(codec: str, unit: bytes) -> Picture | None:
    """The picture that an SPS describes; None when the NAL unit is none of that codec.

    Args:
        codec: ``h264`` or ``hevc``.
        unit: the whole NAL unit with its header.
    """
    is_sps = is_h264_sps(unit) if codec == "h264" else is_hevc_sps(unit)
    text = codec_string(codec, b"\0\0\1" + unit) if is_sps else None
    if text is None:
        return None
    bits = Bits(unit.replace(b"\0\0\3", b"\0\0"))  # without emulation prevention (7.3.1)
    try:
        number, width, height = _h264(bits) if codec == "h264" else _hevc(bits)
    except IndexError:
        return None
    if not (0 < width <= _MOST and 0 < height <= _MOST):
        return None
    return Picture(codec, text, width, height, number, bits.taken())


def is_h264_sps(unit: bytes) -> bool:
    """Whether its header is that of an H.264 SPS (ITU-T H.264 7.3.1), and its profile one that there is."""
    return len(unit) > 4 and unit[0] & 0x9F == 7 and unit[1] in _H264_PROFILES


def is_hevc_sps(unit: bytes) -> bool:
    """Whether its header is that of an H.265 SPS of the base layer (ITU-T H.265 7.3.1.2)."""
    return len(unit) > 15 and unit[0] == 33 << 1 and unit[1] == 1


def _h264(bits: Bits) -> tuple[int, int, int]:
    """(id, width, height) of seq_parameter_set_data up to the VUI (ITU-T H.264 7.3.2.1.1)."""
    bits.take(8)
    profile = bits.take(8)
    bits.take(16)  # constraints, level
    number = bits.unsigned()
    chroma = 1
    if profile in _WITH_CHROMA:
        chroma = bits.unsigned()
        if chroma == 3 and bits.take(1):
            chroma = 0  # separate_colour_plane_flag: ChromaArrayType is 0
        bits.unsigned()  # bit depths
        bits.unsigned()
        bits.take(1)
        if bits.take(1):
            _skip_scaling(bits, 12 if chroma == 3 else 8)
    bits.unsigned()  # log2_max_frame_num
    _skip_order(bits)
    bits.unsigned()  # max_num_ref_frames
    bits.take(1)
    width, height = 16 * (bits.unsigned() + 1), 16 * (bits.unsigned() + 1)
    fields = 1 - bits.take(1)
    if fields:
        bits.take(1)
    bits.take(1)
    left = right = top = bottom = 0
    if bits.take(1):
        left, right, top, bottom = (bits.unsigned() for _ in range(4))
    across = 2 if chroma in (1, 2) else 1  # table 6-1
    down = (2 if chroma == 1 else 1) * (1 + fields)
    return number, width - across * (left + right), height * (1 + fields) - down * (top + bottom)


def _skip_scaling(bits: Bits, lists: int) -> None:
    """scaling_list (7.3.2.1.1.1)."""
    for position in range(lists):
        if not bits.take(1):
            continue
        last = following = 8
        for _ in range(16 if position < 6 else 64):
            if following:
                following = (last + bits.signed()) % 256
            last = following or last


def _skip_order(bits: Bits) -> None:
    """pic_order_cnt_type and what belongs to it."""
    match bits.unsigned():
        case 0:
            bits.unsigned()
        case 1:
            bits.take(1)
            bits.signed()
            bits.signed()
            for _ in range(bits.unsigned()):
                bits.signed()


def _hevc(bits: Bits) -> tuple[int, int, int]:
    """(id, width, height) of seq_parameter_set_rbsp up to log2_max_pic_order_cnt_lsb (ITU-T H.265 7.3.2.2.1)."""
    bits.take(16 + 4)
    layers = bits.take(3)
    bits.take(1)
    bits.take(88 + 8)  # profile_tier_level (7.3.3): the general one
    present = [(bits.take(1), bits.take(1)) for _ in range(layers)]
    if layers:
        bits.take(2 * (8 - layers))
    for profile, level in present:
        bits.take(88 * profile + 8 * level)
    number = bits.unsigned()
    chroma = bits.unsigned()
    if chroma == 3 and bits.take(1):
        chroma = 0
    width, height = bits.unsigned(), bits.unsigned()
    left = right = top = bottom = 0
    if bits.take(1):
        left, right, top, bottom = (bits.unsigned() for _ in range(4))
    bits.unsigned()  # bit depths
    bits.unsigned()
    bits.unsigned()
    across, down = 2 if chroma in (1, 2) else 1, 2 if chroma == 1 else 1  # table 6-1
    return number, width - across * (left + right), height - down * (top + bottom)
