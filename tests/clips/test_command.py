from __future__ import annotations

from dataclasses import replace

import pytest

from builders import chain
from livedvr.clips.command import can_be_joined, encode, joined, playlist, remux
from livedvr.media.movie import Pictures
from livedvr.resources.times import SECOND

HIGH = Pictures("h264", "High", "yuv420p", 2, True, (0,))


def test_a_playlist_for_ffmpeg() -> None:
    segments = chain([2 * SECOND, 2_033_333])
    text = playlist("media/av/r/init.mp4", list(zip(("media/av/r/0.m4s", "media/av/r/1.m4s"), segments, strict=True)))
    assert text == (
        "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-TARGETDURATION:3\n"
        '#EXT-X-MAP:URI="media/av/r/init.mp4"\n'
        "#EXTINF:2.000000,\nmedia/av/r/0.m4s\n#EXTINF:2.033333,\nmedia/av/r/1.m4s\n#EXT-X-ENDLIST\n"
    )
    assert "MAP" not in playlist(None, [("media/av/r/0.ts", segments[0])])


def test_a_list_of_files_to_join() -> None:
    assert joined([("a.mp4", 1_266_667), ("b.mp4", 4 * SECOND)]) == (
        "ffconcat version 1.0\nfile 'a.mp4'\nduration 1.266667\nfile 'b.mp4'\nduration 4.000000\n"
    )


def test_only_files_are_opened_and_bytes_stay_as_they_are() -> None:
    argv = remux("ffmpeg", "main.m3u8", "sound.m3u8", "out.mp4", last=True)
    assert [argv[i + 1] for i, one in enumerate(argv) if one == "-protocol_whitelist"] == ["file", "file"]
    assert argv[argv.index("-c") + 1] == "copy" and "+faststart" in argv


@pytest.mark.parametrize(
    ("other", "fits"),
    [
        ({}, True),
        ({"delay": 0, "profile": "Constrained Baseline"}, True),
        ({"codec": "hevc", "profile": "Main"}, False),
        ({"pixels": "yuv422p", "profile": "High 4:2:2"}, False),
        ({"delay": 3}, False),
    ],
)
def test_what_x264_can_make_to_fit_in(other: dict[str, object], fits: bool) -> None:
    like = replace(HIGH, **other)  # type: ignore[arg-type]
    assert can_be_joined(like) is fits
    assert ("-x264-params" in encode("ffmpeg", "m.m3u8", "t.mp4", like, 1_733_333, 2_966_667)) is fits


def test_a_cut_lies_between_two_pictures() -> None:
    argv = encode("ffmpeg", "m.m3u8", "t.mp4", HIGH, 1_733_333, 2_966_667)
    assert "trim=start=1.732833:end=2.967167,setpts=PTS-STARTPTS" in argv
