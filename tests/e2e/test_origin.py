"""The origin of `livedvr serve` with a channel that records: players, the checker and waiting clients at one port."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from urllib.parse import urljoin

import imageio_ffmpeg
import pytest

from browsing import browser, hls_js  # noqa: F401 - fixtures
from live import until
from livestream import LOCATION, av_channel, session
from serving import Served, serving

pytestmark = pytest.mark.e2e

CHANNEL = f"{LOCATION}/channels/news"
OUTPUT = "/media/bucket/my%20news"
DVR = f"{OUTPUT}/dvr/all/main.m3u8"


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server whose one channel records testsrc in segments of two seconds, and has a session from its start."""
    with serving(tmp_path_factory.mktemp("origin")) as served:
        served.grpc.create_input(parent=LOCATION, input_id="i", input={"uri": "testsrc"}).result()
        channel = av_channel(f"{LOCATION}/inputs/i", "gs://bucket/my news")
        video, audio = channel.elementary_streams  # testsrc is raw
        video.video_stream.h264 = {"width_pixels": 320, "height_pixels": 180, "frame_rate": 25, "bitrate_bps": 200_000}
        audio.audio_stream = {"codec": "aac", "bitrate_bps": 64_000}
        served.grpc.create_channel(parent=LOCATION, channel_id="news", channel=channel).result()
        asked = session((None, None))
        served.grpc.create_dvr_session(parent=CHANNEL, dvr_session_id="all", dvr_session=asked).result()
        served.grpc.start_channel(name=CHANNEL).result()
        until(lambda: served.ask("GET", DVR).status_code == 200, "the session's manifest")
        yield served


def listed(served: Served, main: str) -> tuple[str, str]:
    """The address and the text of the first variant's playlist."""
    found = served.ask("GET", main)
    assert found.status_code == 200, found.text
    uri = next(line for line in found.text.splitlines() if line and not line.startswith("#"))
    url = urljoin(f"{served.url}{main}", uri)
    return url, served.http.get(url).text


@pytest.mark.parametrize("main", [DVR, "/live/news/main.m3u8", "/live/news/main.m3u8?start=-10m"])
def test_ffmpeg_plays_what_is_live(recording: Served, main: str) -> None:
    played = subprocess.run(
        [
            *(imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-loglevel", "level+info", "-live_start_index", "0"),
            *("-i", f"{recording.url}{main}", "-t", "3", "-f", "null", "-"),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert int(re.findall(r"frame=\s*(\d+)", played.stderr)[-1]) == pytest.approx(75, abs=2), played.stderr
