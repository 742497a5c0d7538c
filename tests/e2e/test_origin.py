"""The origin of `livedvr serve` with a channel that records: players, the checker and waiting clients at one port."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import imageio_ffmpeg
import pytest

from browsing import browser, hls_js  # noqa: F401 - fixtures
from conftest import missing
from live import until
from livedvr.check.follow import follow
from livedvr.check.run import run_check
from livedvr.resources.models import to_datetime
from livedvr.resources.times import SECOND
from livestream import LOCATION, av_channel, session
from serving import Served, serving
from web_server import WebServer

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


def test_the_checker_follows_a_window_and_a_delayed_end(recording: Served) -> None:
    def followed(main: str) -> str:
        began = time.monotonic()

        def now() -> int:
            return round((time.monotonic() - began) * SECOND)

        def wait(micros: int) -> bool:
            time.sleep(micros / SECOND)
            return False

        report = follow(f"{recording.url}{main}", duration=7 * SECOND, deep=False, now=now, wait=wait)
        return "" if report.ok and report.playlists[0].segments >= 3 else f"{main}: {report}"

    with ThreadPoolExecutor() as threads:
        mains = ("/live/news/main.m3u8?start=-1h", "/live/news/main.m3u8?delay=2", "/live/news/main.m3u8")
        assert not [wrong for wrong in threads.map(followed, mains) if wrong]


def test_a_past_window_is_sealed_and_each_of_its_segments_can_be_fetched(recording: Served) -> None:
    url, running = listed(recording, "/live/news/main.m3u8?start=-1h&end=now")
    text = recording.http.get(f"{url}&_HLS_msn={running.count('#EXTINF') + 1}").text  # there is no such segment
    assert text.startswith(running) and text.endswith("#EXT-X-ENDLIST\n")
    report = run_check(url, deep=True)
    assert report.ok and report.playlists[0].segments >= 2, report


@pytest.mark.semantics("P1")
def test_who_waits_has_the_segment_when_it_is_there(recording: Served) -> None:
    url, before = listed(recording, "/live/news/main.m3u8?start=-1h")
    following = before.count("#EXTINF")
    answer = recording.http.get(f"{url}&_HLS_msn={following}", timeout=20)
    assert answer.status_code == 200 and answer.text.startswith(before)
    media = urljoin(url, answer.text.splitlines()[-1])
    got = recording.http.get(media)
    assert (got.status_code, got.headers["content-type"]) == (200, "video/iso.segment")
    assert answer.text.count("#EXTINF") == following + 1, "it was told before the next one was there"
    ahead = recording.http.get(f"{url}&_HLS_msn={following + 9}")
    assert (ahead.status_code, ahead.headers["access-control-allow-origin"]) == (400, "*")


PAGE = """<!DOCTYPE html><meta charset=utf-8><title>hls.js</title><video id=v muted playsinline></video>
<script src=hls.js></script><script>
window.seen = {errors: [], lists: [], segments: 0};
const video = document.getElementById("v"), hls = new Hls({lowLatencyMode: true});
hls.on(Hls.Events.ERROR, (_, e) => seen.errors.push(e.details));
hls.on(Hls.Events.MANIFEST_PARSED, () => video.play());
hls.on(Hls.Events.LEVEL_LOADED, (_, e) => {
  const asked = new URL(e.networkDetails.responseURL).searchParams;
  seen.lists.push([asked.get("_HLS_msn"), asked.get("_HLS_skip"), e.details.skippedSegments]);
});
hls.on(Hls.Events.FRAG_BUFFERED, () => seen.segments++);
hls.loadSource("@MAIN@");
hls.attachMedia(video);
</script>"""


def test_hls_js_of_another_site_waits_for_segments_and_takes_deltas(
    recording: Served,
    hls_js: Path,  # noqa: F811
    browser: Any,  # noqa: F811
    tmp_path: Path,
) -> None:
    main = "/live/news/main.m3u8?start=-1h"
    until(lambda: listed(recording, main)[1].count("#EXTINF") >= 8, "more than six target durations")
    shutil.copy(hls_js, tmp_path / "hls.js")
    (tmp_path / "page.html").write_text(PAGE.replace("@MAIN@", recording.url + main))
    with WebServer(tmp_path) as page:
        browser.get(f"{page.url}/page.html")

        def seen() -> dict[str, Any]:
            found: dict[str, Any] = browser.execute_script("return seen")
            return found

        until(lambda: any(skipped for *_, skipped in seen()["lists"]), "a delta update")
        begun = browser.execute_script("return video.currentTime")
        until(lambda: browser.execute_script("return video.currentTime") > begun + 3, "three seconds more")
        until(lambda: sum(bool(skipped) for *_, skipped in seen()["lists"]) >= 2, "another delta update")
    found = seen()
    assert not found["errors"], found
    assert any(msn and skip == "YES" for msn, skip, _ in found["lists"]), found


def test_gstreamer(recording: Served) -> None:
    if shutil.which("gst-launch-1.0") is None:
        missing("GStreamer", "gstreamer1.0-tools gstreamer1.0-plugins-good gstreamer1.0-libav")
    playing = subprocess.Popen(
        [
            *("gst-launch-1.0", "-v", "playbin3", f"uri={recording.url}/live/news/main.m3u8?start=-1h"),
            *("video-sink=fakesink name=video silent=false sync=false", "audio-sink=fakesink sync=false"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"GST_PLUGIN_FEATURE_RANK": "hlsdemux:NONE,hlsdemux2:MAX", "GST_DEBUG_NO_COLOR": "1"},
    )
    with playing:
        assert playing.stdout is not None
        try:
            shown = 0
            for line in playing.stdout:
                shown += "FakeSink:video: last-message = chain" in line
                if shown >= 100:
                    return
            pytest.fail(f"it ends after {shown} pictures")
        finally:
            playing.kill()


@pytest.mark.semantics("P1", "P2")
def test_a_sessions_view_has_the_stored_lines_and_one_more_to_its_end(recording: Served) -> None:
    asked = session((None, None))
    recording.grpc.create_dvr_session(parent=CHANNEL, dvr_session_id="goal", dvr_session=asked).result()
    stored = f"{OUTPUT}/dvr/goal/main.m3u8"
    until(lambda: recording.ask("GET", stored).status_code == 200, "the session's manifest")
    url, before = listed(recording, "/live/news/dvr/goal/main.m3u8")
    later = recording.http.get(url, params={"_HLS_msn": before.count("#EXTINF")}).text
    assert later.startswith(before) and later.count("#EXTINF") > before.count("#EXTINF")
    changed = session((None, to_datetime(time.time_ns() // 1000)))
    name = f"{CHANNEL}/dvrSessions/goal"
    held = recording.grpc.get_dvr_session(name=name)
    changed.dvr_windows[0].time_interval.start_time = held.dvr_windows[0].time_interval.start_time
    changed.name = name
    recording.grpc.update_dvr_session(dvr_session=changed, update_mask={"paths": ["dvr_windows"]}).result()
    ended = until(
        lambda: (text := recording.http.get(url).text).endswith("#EXT-X-ENDLIST\n") and text, "it has its end"
    )
    assert ended.startswith(later)
    _, kept = until(lambda: (found := listed(recording, stored))[1].endswith("#EXT-X-ENDLIST\n") and found, "so has it")

    def lines(text: str) -> list[str]:
        return [line.rpartition("mux_video/")[2] for line in text.splitlines() if "SERVER-CONTROL" not in line]

    assert lines(ended) == lines(kept)


DOCUMENT = (Path(__file__).parents[2] / "docs/origin.md").read_text()


@pytest.mark.parametrize("command", re.findall(r"^curl .*", DOCUMENT, re.MULTILINE))
def test_each_line_of_the_document_does_what_it_says(recording: Served, command: str) -> None:
    options = shlex.split(command)[1:]
    url = options[-1].replace("http://127.0.0.1:8080", recording.url)
    url = url.replace("/media/studio/news", OUTPUT).replace("/dvr/goal/", "/dvr/all/")
    headers = dict(options[i + 1].split(": ") for i, option in enumerate(options) if option == "-H")
    headers["accept-encoding"] = "gzip" if "--compressed" in options else "identity"
    answer = recording.http.request("HEAD" if "-I" in options else "GET", url, headers=headers)
    assert answer.status_code == (206 if "Range" in headers else 200), answer.text
    assert answer.headers["content-type"] == "application/vnd.apple.mpegurl"
    assert ("content-encoding" in answer.headers) is ("--compressed" in options)
