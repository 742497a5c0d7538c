"""A time that a sender has put into its pictures (ITU-T H.264 D.1.7)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livedvr.media.custom_begin import CUSTOM_BEGIN, said_by
from livedvr.media.nal_units import units_of

OURS = CUSTOM_BEGIN.bytes
X264 = bytes.fromhex("dc45e9bde6d948b7962cd820d923eeef") + b"x264 - core 164" + bytes(300)


def message(kind: int, payload: bytes) -> bytes:
    size = len(payload)
    return bytes([kind]) + b"\xff" * (size // 255) + bytes([size % 255]) + payload


@pytest.mark.parametrize(
    ("unit", "codec", "said"),
    [
        (b"\x06" + message(5, OURS + b"1764079200123\0") + b"\x80", "h264", 1_764_079_200_123),
        (b"\x06" + message(5, OURS + b"12") + b"\x80", "h264", 12),
        (b"\x06" + message(5, X264) + message(5, OURS + b"7\0rest") + b"\x80", "h264", 7),
        (b"\x4e\x01" + message(5, OURS + b"7\0") + b"\x80", "hevc", 7),
        (b"\x06" + message(5, OURS + b"7.5\0") + b"\x80", "h264", None),
        (b"\x06" + message(5, OURS + b"\0") + b"\x80", "h264", None),
        (b"\x06" + message(4, OURS + b"7\0") + b"\x80", "h264", None),
        (b"\x06" + message(5, X264) + b"\x80", "h264", None),
        (b"\x65" + message(5, OURS + b"7\0") + b"\x80", "h264", None),
        (b"\x06" + message(5, OURS + b"7\0") + b"\x80", "hevc", None),
    ],
)
def test_what_a_unit_says(unit: bytes, codec: str, said: int | None) -> None:
    assert said_by(unit, codec) == said


@given(st.binary(min_size=1, max_size=80), st.sampled_from(["h264", "hevc"]))
def test_anything_can_be_read(unit: bytes, codec: str) -> None:
    assert said_by(unit, codec) is None
    for in_mp4 in (True, False):
        assert all(units_of(unit, in_mp4=in_mp4))


def test_units_of_both_containers() -> None:
    units = [b"\x06abc", b"\x65" + b"x" * 300]
    assert list(units_of(b"".join(len(one).to_bytes(4, "big") + one for one in units), in_mp4=True)) == units
    assert list(units_of(b"".join(b"\0\0\1" + one for one in units), in_mp4=False)) == units
