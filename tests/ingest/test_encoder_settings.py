"""What a video's settings ask of the encoder, and what x264 and x265 make of it."""

from __future__ import annotations

import io
import re
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import av
import pytest

from builders import channel
from livedvr.ingest.command import Cut, build_argv
from livedvr.ingest.source import Source
from livedvr.resources.errors import InvalidArgument
from livedvr.resources.streams import ElementaryStream, MuxStream, VideoStream


def argv(binary: str, segment: float = 4, **settings: Any) -> list[str]:
    """The output of the command that encodes a video with these settings."""
    video = ElementaryStream(key="video", video_stream=VideoStream(**{"codec": "h264"} | settings))
    mux = MuxStream(elementary_streams=("video",), segment_duration=timedelta(seconds=segment))
    made = channel(elementary_streams=(video,), mux_streams=(mux,))
    return build_argv(binary, Source("testsrc", "testsrc"), Cut(made, made.mux_streams))


def option(given: list[str], name: str) -> str | None:
    return given[given.index(name) + 1] if name in given else None


def test_without_settings_the_encoder_is_asked_for_nothing_more() -> None:
    given = argv("ffmpeg")
    assert not {"-profile:v", "-coder", "-aq-strength"} & set(given)
    assert (option(given, "-bufsize"), option(given, "-maxrate")) == ("6000000", "6000000")
    assert option(given, "-force_key_frames") == "expr:gte(t,n_forced*4.000000)"


def test_each_setting_is_an_option_of_the_encoder() -> None:
    settings = {"profile": "main", "entropy_coder": "cavlc", "aq_strength": 0.5, "vbv_size_bits": 900_000}
    given = argv("ffmpeg", gop_duration=timedelta(seconds=2), bitrate_bps=800_000, **settings)
    asked = [option(given, f"-{name}") for name in ("profile:v", "coder", "aq-strength", "bufsize", "maxrate")]
    assert asked == ["main", "cavlc", "0.5", "900000", "800000"]
    assert option(given, "-force_key_frames") == "expr:gte(t,n_forced*2.000000)"
    h265 = argv("ffmpeg", codec="h265", aq_strength=0, profile="main")
    assert option(h265, "-x265-params") == "scenecut=0:open-gop=0:log-level=error:aq-strength=0"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"codec": "copy", "profile": "main"}, "a copied video stays as it comes"),
        ({"codec": "copy", "aq_strength": 0}, "a copied video stays as it comes"),
        ({"codec": "copy", "gop_duration": timedelta(seconds=2)}, "a copied video stays as it comes"),
        ({"codec": "h265", "profile": "high"}, "its Main profile"),
        ({"codec": "h265", "entropy_coder": "cavlc"}, "no other entropy coder"),
        ({"profile": "baseline", "entropy_coder": "cabac"}, "baseline profile has no CABAC"),
        ({"profile": "extended"}, "baseline"),
        ({"aq_strength": -0.1}, "greater"),
        ({"vbv_size_bits": 599_999}, "vbvSizeBits below 600000 may not hold a single picture"),
        ({"vbv_size_bits": 99_999, "bitrate_bps": 500_000, "frame_rate": 5}, "below 100000"),
        ({"gop_duration": timedelta(seconds=3)}, "'av': a gopDuration divides the segment duration"),
        ({"gop_duration": timedelta(seconds=8)}, "divides"),
        ({"gop_duration": timedelta(seconds=0.4)}, "greater"),
    ],
)
def test_what_would_be_taken_and_ignored_is_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidArgument, match=says):
        argv("ffmpeg", **settings)


def encode(ffmpeg: str, folder: Path, given: list[str]) -> bytes:
    """Six seconds of moving pictures, 25 a second, through the command's output: init segment and segments."""
    (folder / "av").mkdir()
    source = ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=6"]
    command = [ffmpeg, "-nostdin", "-loglevel", "error", *source, *given[given.index("-i") + 2 :]]
    subprocess.run(command, check=True, cwd=folder)
    files = [folder / "av/init.mp4", *sorted((folder / "av").glob("segment-*"))]
    return b"".join(file.read_bytes() for file in files)


def keyframes(media: bytes) -> tuple[list[float], str]:
    """Seconds after the first picture of each keyframe, and the profile."""
    with av.open(io.BytesIO(media)) as container:
        stream = container.streams.video[0]
        at = [float(packet.pts * stream.time_base) for packet in container.demux(stream) if packet.is_keyframe]
        return [round(one - at[0], 3) for one in at], str(stream.profile)


def told(media: bytes) -> dict[str, str]:
    """What the encoder says of its own settings, in the first picture's SEI."""
    found = re.search(rb"options: ([ -~]+)", media)
    assert found is not None
    return dict(re.findall(r"([\w-]+)=(\S+)", found[1].decode().replace(" / ", " ")))


@pytest.mark.e2e
@pytest.mark.semantics("C6")
def test_x264_does_as_it_is_asked(ffmpeg: str, tmp_path: Path) -> None:
    settings = {"profile": "main", "entropy_coder": "cavlc", "aq_strength": 0.5, "vbv_size_bits": 900_000}
    media = encode(ffmpeg, tmp_path, argv(ffmpeg, gop_duration=timedelta(seconds=2), bitrate_bps=800_000, **settings))
    assert keyframes(media) == ([0.0, 2.0, 4.0], "Main")
    x264 = told(media)
    assert (x264["cabac"], x264["8x8dct"], x264["aq"]) == ("0", "0", "1:0.50")
    assert (x264["vbv_maxrate"], x264["vbv_bufsize"]) == ("800", "900")
    assert (x264["rc_lookahead"], x264["bframes"]) == ("0", "0"), "whatever the profile allows"


@pytest.mark.e2e
def test_x264_makes_one_gop_a_segment_unless_it_is_asked(ffmpeg: str, tmp_path: Path) -> None:
    media = encode(ffmpeg, tmp_path, argv(ffmpeg, profile="baseline", aq_strength=0))
    assert keyframes(media) == ([0.0, 4.0], "Constrained Baseline")
    assert (told(media)["cabac"], told(media)["aq"]) == ("0", "0")


@pytest.mark.e2e
def test_x265_does_as_it_is_asked(ffmpeg: str, tmp_path: Path) -> None:
    settings = {"profile": "main", "aq_strength": 0.5, "vbv_size_bits": 900_000, "bitrate_bps": 800_000}
    media = encode(ffmpeg, tmp_path, argv(ffmpeg, codec="h265", gop_duration=timedelta(seconds=2), **settings))
    assert keyframes(media) == ([0.0, 2.0, 4.0], "Main")
    x265 = told(media)
    assert (x265["aq-strength"], x265["vbv-maxrate"], x265["vbv-bufsize"]) == ("0.50", "800", "900")
