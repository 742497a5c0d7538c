from __future__ import annotations

import pytest

from livedvr.ingest.input_streams import input_streams
from livedvr.resources.figures import AudioFormat, InputStream, VideoFormat


def test_a_camera_s_streams_as_the_log_has_them() -> None:
    taken = [
        "#0:1 Audio: aac (LC) ([15][0][0][0] / 0x000F), 44100 Hz, mono, fltp, 71 kb/s (copy)",
        "#0:0 Video: h264 (High) ([27][0][0][0] / 0x001B), yuv420p(progressive), 320x180 [SAR 1:1 DAR 16:9], "
        "29.97 fps, 29.97 tbr, 90k tbn (h264 (native) -> h264 (libx264))",
    ]
    assert input_streams(taken) == (
        InputStream(index=0, video=VideoFormat(codec="h264", width_pixels=320, height_pixels=180, frame_rate=29.97)),
        InputStream(
            index=1,
            audio=AudioFormat(codec="aac", sample_rate_hertz=44_100, channel_count=1, channel_layout="mono"),
        ),
    )


def test_what_the_log_does_not_say_is_not_made_up() -> None:
    taken = ["#0:0 Video: hevc (Main), none(progressive) (copy)", "#0:1 Audio: aac (copy)", "something else"]
    assert input_streams(taken) == (
        InputStream(index=0, video=VideoFormat(codec="hevc")),
        InputStream(index=1, audio=AudioFormat(codec="aac")),
    )


@pytest.mark.parametrize(
    ("layout", "count"),
    [("stereo", 2), ("5.1(side)", 6), ("7.1.4", 12), ("3 channels", 3), ("1 channels (FC)", 1), ("ambisonic 1", None)],
)
def test_a_layout_tells_how_many_channels_there_are(layout: str, count: int | None) -> None:
    (found,) = input_streams([f"#0:2 Audio: eac3, 48000 Hz, {layout}, fltp, 640 kb/s (copy)"])
    assert found.audio is not None
    assert (found.audio.channel_count, found.audio.channel_layout) == (count, layout)
