"""RFC 6381 codec strings, from the decoder configuration that a container carries.

The configuration ("extradata") comes in the two forms containers use: the ISO boxes of MP4 (avcC, hvcC, av1C,
AudioSpecificConfig) and the Annex B byte stream of MPEG-TS. Nothing here opens a file.
"""

from __future__ import annotations

from collections.abc import Callable

from livedvr.media.bits import Bits

# RFC 6381 section 3.3: the string of a codec without parameters is the name of its MP4 sample entry.
_FIXED = {
    "ac3": "ac-3",  # ETSI TS 102 366 annex F
    "eac3": "ec-3",  # ETSI TS 102 366 annex F
    "opus": "Opus",
    "flac": "fLaC",
    "alac": "alac",
    "mp3": "mp4a.40.34",  # ISO/IEC 14496-3: audio object type 34 is MPEG-1 Layer 3
}

_AAC_LC, _AAC_SBR, _AAC_PS = 2, 5, 29  # audio object types, ISO/IEC 14496-3 table 1.17
_AAC_PROFILES = {"HE-AAC": _AAC_SBR, "HE-AACv2": _AAC_PS}


def codec_string(codec: str, extradata: bytes, *, tag: str = "", profile: str | None = None) -> str | None:
    """The CODECS element of one stream (RFC 6381 section 3.3).

    Args:
        codec: ffmpeg's name of the codec: ``h264``, ``hevc``, ``av1``, ``aac``, ``ac3``, ``opus``, ...
        extradata: the decoder configuration, ISO box content or Annex B; empty when the container has none.
        tag: the MP4 sample entry (``avc1``, ``hev1``, ...); anything else means it is not MP4.
        profile: what the decoder found, e.g. ``HE-AAC``; it decides where the container does not say.

    Returns:
        The string, or None when the configuration does not tell or no HLS player knows the codec.
    """
    if codec in _FIXED:
        return _FIXED[codec]
    reader = _READERS.get(codec)
    try:
        return reader(extradata, tag, profile) if reader else None
    except IndexError:  # the configuration is shorter than it says
        return None


def _h264(extradata: bytes, tag: str, _profile: str | None) -> str | None:
    """``avc1.PPCCLL`` (RFC 6381 section 3.3): profile, constraint flags and level as the SPS has them."""
    if extradata[:1] == b"\x01":  # AVCDecoderConfigurationRecord, ISO/IEC 14496-15 section 5.3.3.1
        parameters = extradata[1:4]
    else:
        sps = _annex_b_unit(extradata, lambda header: header & 0x1F == 7)
        parameters = sps[1:4]
    if len(parameters) < 3:
        return None
    return f"{'avc3' if tag == 'avc3' else 'avc1'}.{parameters.hex()}"


def _hevc(extradata: bytes, tag: str, _profile: str | None) -> str | None:
    """``hvc1.1.6.L93.B0`` (ISO/IEC 14496-15 annex E.3)."""
    if extradata[:1] == b"\x01":  # HEVCDecoderConfigurationRecord, section 8.3.3.1
        profile_tier_level = extradata[1:13]
    else:  # two bytes of header, then 4 + 3 + 1 bits before profile_tier_level (ITU-T H.265 section 7.3.2.2)
        profile_tier_level = _annex_b_unit(extradata, lambda header: header >> 1 & 0x3F == 33)[3:15]
    if len(profile_tier_level) < 12:
        return None
    first = profile_tier_level[0]
    space = ("", "A", "B", "C")[first >> 6]
    tier = "H" if first & 0x20 else "L"
    compatibility = int(f"{int.from_bytes(profile_tier_level[1:5], 'big'):032b}"[::-1], 2)
    constraints = profile_tier_level[5:11].rstrip(b"\0")
    elements = [
        "hev1" if tag == "hev1" else "hvc1",
        f"{space}{first & 0x1F}",
        f"{compatibility:X}",
        f"{tier}{profile_tier_level[11]}",
        *(f"{byte:X}" for byte in constraints),
    ]
    return ".".join(elements)


def _av1(extradata: bytes, _tag: str, _profile: str | None) -> str | None:
    """``av01.P.LLT.DD`` (AV1 codec ISO media file format binding, sections 2.3.3 and 5)."""
    profile, level = extradata[1] >> 5, extradata[1] & 0x1F
    tier, high_depth, twelve = extradata[2] >> 7, extradata[2] & 0x40, extradata[2] & 0x20
    depth = 8 if not high_depth else 12 if twelve else 10
    return f"av01.{profile}.{level:02d}{'H' if tier else 'M'}.{depth:02d}"


def _aac(extradata: bytes, _tag: str, profile: str | None) -> str:
    """``mp4a.40.N``, N the audio object type (RFC 6381 section 3.3). ADTS has no configuration: the decoder tells."""
    told = _AAC_PROFILES.get(profile or "", _AAC_LC)
    return f"mp4a.40.{_audio_object_type(extradata) if extradata else told}"


def _audio_object_type(config: bytes) -> int:
    """The type a player must know to play it, of an AudioSpecificConfig (ISO/IEC 14496-3 section 1.6.2.1).

    HE-AAC is signalled in front (the type is 5 or 29), or behind an AAC LC configuration that older players can read.
    """
    bits = Bits(config)
    kind = bits.take(5)
    if kind == 31:  # the escape to types of 32 and more
        return 32 + bits.take(6)
    if kind != _AAC_LC:
        return kind
    _skip_frequency(bits)
    channels = bits.take(4)
    bits.take(1)  # frameLengthFlag
    if bits.take(1):  # dependsOnCoreCoder
        bits.take(14)
    if bits.take(1) or not channels or bits.left < 17:  # an extension, a channel layout of its own, or the end
        return kind
    if bits.take(11) != 0x2B7 or bits.take(5) != _AAC_SBR or not bits.take(1):
        return kind
    _skip_frequency(bits)
    has_stereo = bits.left >= 12 and bits.take(11) == 0x548 and bits.take(1)
    return _AAC_PS if has_stereo else _AAC_SBR


def _skip_frequency(bits: Bits) -> None:
    """Skip a samplingFrequencyIndex, with the frequency itself if index 15 announces one."""
    if bits.take(4) == 15:
        bits.take(24)


def _annex_b_unit(stream: bytes, wanted: Callable[[int], bool]) -> bytes:
    """The first NAL unit whose first byte is `wanted`, without emulation prevention; empty when there is none."""
    for unit in stream.split(b"\0\0\1")[1:]:
        if unit and wanted(unit[0]):
            return unit.replace(b"\0\0\3", b"\0\0")
    return b""


_READERS: dict[str, Callable[[bytes, str, str | None], str | None]] = {
    "h264": _h264,
    "hevc": _hevc,
    "av1": _av1,
    "aac": _aac,
}
