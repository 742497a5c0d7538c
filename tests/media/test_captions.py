"""Caption bytes out of real pictures."""

from __future__ import annotations

import subprocess
from pathlib import Path

import imageio_ffmpeg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from captioned import each_frame, pop_on, write_captions
from livedvr.media.captions import CaptionData, _messages, _triplets, read_captions
from livedvr.media.reader import MediaError

FFMPEG = imageio_ffmpeg.get_ffmpeg_exe()
SENT = each_frame({5: pop_on("HELLO")}, 30)


@pytest.fixture(scope="module", params=["libx264", "libx265"])
def plain(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of pictures with B-frames."""
    clip = tmp_path_factory.mktemp("clip") / "plain.ts"
    made = f"{FFMPEG} -nostdin -loglevel error -f lavfi -i testsrc2=s=64x64:r=30:d=1 -c:v {request.param}"
    subprocess.run([*made.split(), "-preset", "ultrafast", "-bf", "2", str(clip)], check=True)
    return clip


def captioned(plain: Path, pairs: list[list[tuple[int, int, int]]], container: str = "ts") -> CaptionData:
    clip = plain.with_name("captioned.ts")
    write_captions(plain, clip, pairs)
    if container == "ts":
        return read_captions(clip)
    boxes = clip.with_suffix(".mp4")
    options = "-c copy -movflags +empty_moov+default_base_moof+frag_keyframe"
    command = [FFMPEG, "-nostdin", "-y", "-loglevel", "error", "-i", str(clip), *options.split(), str(boxes)]
    subprocess.run(command, check=True)
    return read_captions(boxes)


@pytest.mark.parametrize("container", ["ts", "fmp4"])
def test_pairs_come_in_the_order_in_which_they_are_shown(plain: Path, container: str) -> None:
    found = captioned(plain, [[(0, *pair)] for pair in SENT], container)
    assert [(pair.first, pair.second) for pair in found.pairs] == [pair for pair in SENT if pair != (0, 0)]
    times = [pair.time for pair in found.pairs]
    assert times == sorted(times) and times[-1] - times[0] == pytest.approx((len(times) - 1) * 33_333, abs=50)
    assert not found.has_708


def test_fields_and_708_are_told_apart(plain: Path) -> None:
    both = captioned(plain, [[(0, 0x41, 0x42), (1, 0x43, 0x44), (3, 0x02, 0x21), (2, 0, 0)]])
    assert [(pair.field, pair.first) for pair in both.pairs] == [(1, 0x41), (2, 0x43)] and both.has_708
    assert captioned(plain, [[(3, 0x02, 0x21)]]) == CaptionData((), has_708=True)
    assert captioned(plain, []) == CaptionData()


def test_what_is_no_media_is_told_by_name(tmp_path: Path) -> None:
    (tmp_path / "x.ts").write_bytes(b"no media")
    with pytest.raises(MediaError, match=r"x\.ts"):
        read_captions(tmp_path / "x.ts")


@given(st.binary(max_size=80), st.sampled_from(["h264", "hevc"]), st.sampled_from([b"", b"\x01" + b"\xff" * 30]))
def test_no_picture_breaks_it(data: bytes, codec: str, extradata: bytes) -> None:
    list(_messages(data))
    list(_triplets(b"\0\0\1\x06" + data, codec, extradata))
    list(_triplets(data, codec, extradata))
