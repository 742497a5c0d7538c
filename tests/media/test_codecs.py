from __future__ import annotations

import pytest

from livedvr.media.codecs import codec_string


@pytest.mark.parametrize(
    ("extradata", "tag", "expected"),
    [
        ("0164001fffe1", "avc1", "avc1.64001f"),
        ("0164001fffe1", "avc3", "avc3.64001f"),
        ("0142c01e", "", "avc1.42c01e"),
        ("000000010910" + "00000001674d401eec" + "0000000168ee", "", "avc1.4d401e"),  # AUD, SPS, PPS
        ("000001674d4028", "\x1b\0\0\0", "avc1.4d4028"),
        ("0164", "avc1", None),
        ("0000000168ee3c80", "", None),
        ("", "", None),
    ],
)
def test_h264(extradata: str, tag: str, expected: str | None) -> None:
    assert codec_string("h264", bytes.fromhex(extradata), tag=tag) == expected


@pytest.mark.parametrize(
    ("extradata", "tag", "expected"),
    [
        ("01 01 60000000 b00000000000 5d f0", "hvc1", "hvc1.1.6.L93.B0"),
        ("01 01 60000000 b00000000000 5d f0", "hev1", "hev1.1.6.L93.B0"),
        ("01 22 20000000 900000000000 99 f0", "hvc1", "hvc1.2.4.H153.90"),
        ("01 41 60000000 000000000000 1e", "hvc1", "hvc1.A1.6.L30"),
        ("01 01 60000000 9d0800000000 3c", "hvc1", "hvc1.1.6.L60.9D.8"),
        ("01 01 60000000", "hvc1", None),
    ],
)
def test_hevc_configuration_record(extradata: str, tag: str, expected: str | None) -> None:
    assert codec_string("hevc", bytes.fromhex(extradata.replace(" ", "")), tag=tag) == expected


def test_hevc_annex_b_is_read_without_emulation_prevention() -> None:
    vps = bytes.fromhex("40010c01ffff0160")
    sps = bytes.fromhex("420101" + "0160000003" + "00b0000003" + "000003005d" + "a0")
    stream = b"\0\0\0\1" + vps + b"\0\0\0\1" + sps
    assert codec_string("hevc", stream, tag="HEVC") == "hvc1.1.6.L93.B0"


@pytest.mark.parametrize(
    ("extradata", "expected"),
    [
        ("81044c00", "av01.0.04M.10"),
        ("8108 00", "av01.0.08M.08"),
        ("8148e0", "av01.2.08H.12"),
        ("81", None),
    ],
)
def test_av1(extradata: str, expected: str | None) -> None:
    assert codec_string("av1", bytes.fromhex(extradata)) == expected


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ("1210", "mp4a.40.2"),
        ("118856e500", "mp4a.40.2"),  # the SBR extension is there and says no
        ("2b8a0800", "mp4a.40.5"),  # HE-AAC, in front
        ("eb8a0800", "mp4a.40.29"),  # HE-AAC v2, in front
        ("138856e5a0", "mp4a.40.5"),  # HE-AAC, behind an LC configuration
        ("138856e5a54880", "mp4a.40.29"),  # HE-AAC v2, behind an LC configuration
        ("f94650", "mp4a.40.42"),  # xHE-AAC, by the escape
        ("17805dc00856e5a0", "mp4a.40.5"),  # the frequency itself stands after index 15
        ("f9", None),
    ],
)
def test_aac(config: str, expected: str | None) -> None:
    assert codec_string("aac", bytes.fromhex(config)) == expected


@pytest.mark.parametrize(
    ("profile", "expected"),
    [(None, "mp4a.40.2"), ("LC", "mp4a.40.2"), ("HE-AAC", "mp4a.40.5"), ("HE-AACv2", "mp4a.40.29")],
)
def test_adts_is_what_the_decoder_found(profile: str | None, expected: str) -> None:
    assert codec_string("aac", b"", profile=profile) == expected


@pytest.mark.parametrize(
    ("codec", "expected"),
    [
        ("ac3", "ac-3"),
        ("eac3", "ec-3"),
        ("mp3", "mp4a.40.34"),
        ("opus", "Opus"),
        ("flac", "fLaC"),
        ("vorbis", None),
        ("mpeg2video", None),
    ],
)
def test_codecs_without_parameters(codec: str, expected: str | None) -> None:
    assert codec_string(codec, b"\x01\x02\x03\x04") == expected
