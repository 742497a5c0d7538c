"""What a segment's bytes tell, and that no bytes whatever can do harm."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from counting import calls_of
from livedvr.media.fragments import Fragments, init_traits
from livedvr.media.parameter_sets import SPS_HEADERS, Picture, is_h264_sps, is_hevc_sps, read_sps
from livedvr.media.traits import Sound, Traits, difference, is_foreign, picture_of
from livedvr.media.transport import Transport
from media.sample_media import AAC, H264, HEVC, cut, run_ffmpeg

BEGAN = Traits((Picture("h264", "avc1.64001e", 640, 360, 0, "1"),), (Sound(48000, 2),), 25, True)
SMALL = Picture("h264", "avc1.64000d", 320, 240, 0, "2")


@pytest.mark.parametrize(
    ("codec", "options", "size"),
    [
        ("h264", ("libx264",), (640, 360)),
        ("h264", ("libx264", "-profile:v", "baseline"), (322, 182)),
        ("h264", ("libx264", "-x264-params", "interlaced=1"), (720, 480)),
        ("h264", ("libx264", "-pix_fmt", "yuv444p"), (1918, 1078)),
        ("h264", ("libx264", "-pix_fmt", "yuv422p10le", "-x264-params", "cqm=jvt"), (320, 180)),
        ("hevc", ("libx265", "-x265-params", "log-level=none"), (1918, 1078)),
        ("hevc", ("libx265", "-x265-params", "log-level=none", "-pix_fmt", "yuv444p10le"), (320, 180)),
        ("hevc", ("libx265", "-x265-params", "log-level=none:temporal-layers=3"), (322, 182)),
    ],
)
def test_the_size_that_an_sps_tells(
    codec: str, options: tuple[str, ...], size: tuple[int, int], tmp_path: Path
) -> None:
    picture = ("-f", "lavfi", "-i", f"testsrc2=s={size[0]}x{size[1]}:r=25:d=0.2")
    run_ffmpeg(*picture, "-c:v", *options, "-f", codec, "out", folder=tmp_path)
    units = [unit.rstrip(b"\0") for unit in (tmp_path / "out").read_bytes().split(b"\0\0\1")]
    found = [picture for unit in units if (picture := read_sps(codec, unit))]
    assert {(one.codec, one.width, one.height) for one in found} == {(codec, *size)}
    other = "hevc" if codec == "h264" else "h264"
    assert not any(read_sps(other, unit) for unit in units)
    assert any(picture_of(unit, other) for unit in units), "in a stream that was of the other codec before"
    coded = [unit for unit in units[1:] if unit and (unit[0] & 31 in (1, 5) if codec == "h264" else unit[0] >> 1 < 32)]
    assert coded and not any(is_foreign(unit[0], codec) for unit in units[1:] if unit)


@pytest.mark.parametrize("ts", [False, True], ids=["fmp4", "ts"])
@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_a_segment_that_comes_in_pieces(codec: str, ts: bool, tmp_path: Path) -> None:
    cut(tmp_path, *(H264 if codec == "h264" else HEVC), *AAC, ts=ts)
    init = b"" if ts else (tmp_path / "init.mp4").read_bytes()
    for path in sorted(tmp_path.glob("segment-*")):
        for size in (100, 5_000, 10_000_000):
            reader, data = Transport() if ts else Fragments(init), path.read_bytes()
            for at in range(0, len(data), size):
                reader.add(data[at : at + size])
            reader.finish()
            traits = reader.traits
            told = [(one.codec, one.width, one.height) for one in traits.pictures]
            assert told == ([(codec, 160, 90)] if ts else []), "this encoder's MP4 has them in the init segment alone"
            assert (traits.frames >= 1, traits.has_audio, traits.foreign, traits.jumps) == (True, True, 0, 0)
            assert traits.sounds == (Sound(48000, 1),)
    if not ts:
        assert [(one.codec, one.width, one.height) for one in init_traits(init).pictures] == [(codec, 160, 90)]


@pytest.mark.parametrize(
    ("found", "whole", "text"),
    [
        (BEGAN, True, None),
        (Traits(frames=25, has_audio=True), True, None),
        (Traits((SMALL,), frames=25), False, "video 640x360 -> 320x240"),
        (Traits((*BEGAN.pictures, SMALL)), False, "video 640x360 -> 320x240"),
        (Traits((Picture("h264", "avc1.4d401e", 640, 360, 0, "3"),)), False, "video avc1.64001e -> avc1.4d401e"),
        (Traits((Picture("h264", "avc1.64001e", 640, 360, 0, "3"),)), False,
            "video 640x360 -> 640x360, coded in another way"),
        (Traits((Picture("hevc", "hvc1.1.6.L63.90", 640, 360, 0, "3"),)), False, "video h264 640x360 -> hevc 640x360"),
        (Traits(foreign=2), True, None),
        (Traits(foreign=3), False, "video h264 -> another codec"),
        (Traits(sounds=(Sound(48000, None),)), True, None),
        (Traits(sounds=(Sound(44100, None),)), False, "audio 48000 Hz 2 ch -> 44100 Hz"),
        (Traits(sounds=(Sound(48000, 1),)), False, "audio 48000 Hz 2 ch -> 48000 Hz 1 ch"),
        (Traits(frames=25), False, None),
        (Traits(frames=25), True, "audio has gone"),
        (Traits(), True, None),
    ],
)  # fmt: skip
def test_what_is_a_difference(found: Traits, whole: bool, text: str | None) -> None:
    assert difference(BEGAN, found, whole=whole) == text


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes, bytes]:
    """An init segment, its first segment, and one of MPEG-TS."""
    fmp4, ts = tmp_path_factory.mktemp("fmp4"), tmp_path_factory.mktemp("ts")
    for folder in (fmp4, ts):
        cut(folder, *H264, *AAC, seconds=1, ts=folder == ts)
    return tuple(
        path.read_bytes() for path in (fmp4 / "init.mp4", fmp4 / "segment-000000.m4s", ts / "segment-000000.ts")
    )  # type: ignore[return-value]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_broken_bytes_do_no_harm(samples: tuple[bytes, bytes, bytes], data: st.DataObject) -> None:
    init, fragments, transport = (bytearray(one) for one in samples)
    for broken in (init, fragments, transport):
        for _ in range(data.draw(st.integers(0, 8))):
            broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
        del broken[data.draw(st.integers(0, len(broken))) :]
    for reader, bytes_of in ((Fragments(bytes(init)), fragments), (Transport(), transport)):
        reader.add(bytes(bytes_of))
        reader.finish()


@pytest.mark.parametrize("name", [b"tfhd", b"trun"])
@pytest.mark.parametrize("size", range(8, 25))
def test_a_box_that_is_too_short_for_its_fields_does_no_harm(
    samples: tuple[bytes, bytes, bytes], name: bytes, size: int
) -> None:
    init, fragments, _ = samples
    at = fragments.index(name) - 4
    moof = bytearray(fragments[: fragments.index(b"mdat") + 4])
    moof[at : at + 4] = size.to_bytes(4, "big")
    del moof[at + size : -8]  # nothing behind it that could be read in their place
    for box in (b"traf", b"moof"):
        start = moof.index(box) - 4
        moof[start : start + 4] = (len(moof) - 8 - start).to_bytes(4, "big")
    Fragments(init).add(bytes(moof[:-8]) + (8).to_bytes(4, "big") + b"mdat")


@given(st.binary(min_size=3, max_size=3))
@example(b"\xff\xff\xff")
def test_a_picture_may_begin_with_anything(samples: tuple[bytes, bytes, bytes], hidden: bytes) -> None:
    """In place of each start code, so that there is none in what is looked at."""
    reader = Transport()
    reader.add(re.sub(b"\0\0\1(?=[\0-\x7f])", lambda _: hidden, samples[2]))
    reader.finish()
    assert reader.traits.frames >= 1


@pytest.mark.parametrize("field", [0, 4], ids=["more samples than there are", "before the file's beginning"])
def test_a_run_that_tells_too_much_is_read_as_far_as_it_goes(samples: tuple[bytes, bytes, bytes], field: int) -> None:
    init, fragments, _ = samples
    at = fragments.index(b"trun") + 8 + field  # the count of samples, then the data offset
    reader = Fragments(init)
    reader.add(fragments[:at] + b"\x80\0\0\0" + fragments[at + 4 :])
    assert reader.traits.frames >= 1


def test_only_what_may_be_a_parameter_set_is_looked_into(
    samples: tuple[bytes, bytes, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pictures come 25 times a second and more, on each channel."""
    init, fragments, _ = samples
    looks = itertools.count()
    reader = Fragments(init)
    monkeypatch.setattr("livedvr.media.fragments.picture_of", lambda *_: next(looks) and None)
    calls = calls_of(lambda: reader.add(fragments))
    assert reader.traits.frames >= 20 and next(looks) == 0
    assert calls.total() < 20 * reader.traits.frames, calls


def test_a_sample_that_is_told_to_be_longer_than_what_came_is_not_walked(
    samples: tuple[bytes, bytes, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    init, fragments, _ = samples
    run = fragments.index(b"trun") + 4
    assert fragments[run : run + 4] == b"\0\0\x0a\x05", "a data offset, flags of the first sample, sizes"
    offset, size = len(fragments).to_bytes(4, "big"), (1 << 20).to_bytes(4, "big")
    broken = fragments[: run + 8] + offset + fragments[run + 12 : run + 16] + size + fragments[run + 20 :]
    looks = itertools.count()
    monkeypatch.setattr("livedvr.media.fragments.picture_of", lambda *_: next(looks) and None)
    reader = Fragments(init)
    reader.add(broken)
    assert reader.traits.frames >= 1 and next(looks) < 10_000


def test_what_an_sps_begins_with_is_known() -> None:
    found = {first for first in range(256) if is_h264_sps(bytes([first, 100, 0, 30, 0]))}
    found |= {first for first in range(256) if is_hevc_sps(bytes([first, 1]) + bytes(14))}
    assert found == SPS_HEADERS


@given(st.binary(max_size=80))
def test_any_bytes_are_an_sps_or_none(unit: bytes) -> None:
    for codec in ("h264", "hevc"):
        for head in (b"", b"\x67\x64\x00\x1e", b"\x42\x01\x01\x01" + bytes(14)):
            picture_of(head + unit, codec)
