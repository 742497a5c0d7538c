"""ffmpeg, GStreamer (hlsdemux2) and hls.js play a ladder with its audio apart across a reconnect."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest

from browsing import browser, hls_js  # noqa: F401 - fixtures
from conftest import DEBIAN_FFMPEG, missing
from live import Recording, ffmpeg_pids, lines, until
from livedvr.check.run import run_check
from web_server import WebServer

pytestmark = [pytest.mark.e2e, pytest.mark.semantics("P4", "P6")]


@dataclass(frozen=True)
class Played:
    """A finished session over http. ``duration`` of its media and where it breaks, seconds from its start."""

    folder: Path
    url: str
    duration: float
    broken_at: float


@pytest.fixture(scope="module")
def ladder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """Two qualities and their audio, recorded across a killed ffmpeg."""
    out = tmp_path_factory.mktemp("ladder")
    recording = Recording("testsrc", out, "--ladder", "360p,240p", "--session", "demo")
    reference = out / "dvr/demo/v360p/index-1.m3u8"

    def listed() -> str:
        return reference.read_text() if reference.exists() else ""

    until(lambda: listed().count("#EXTINF") >= 2, "two segments")
    os.kill(ffmpeg_pids(out)[0], signal.SIGKILL)
    until(lambda: listed().partition("#EXT-X-DISCONTINUITY\n")[2].count("#EXTINF") >= 2, "two more after the break")
    recording.send(signal.SIGINT)
    code, result, err = recording.finish()
    assert (code, result["state"]) == (0, "FINISHED"), err
    assert run_check(result["output_uri"], deep=True).ok
    segments = lines(reference)
    broken_at = sum(line.duration for line in segments[: [line.discontinuity for line in segments].index(True)])
    with WebServer(out) as server:
        yield Played(out, server.url, sum(line.duration for line in segments), broken_at)


@pytest.mark.parametrize("build", ["wheel", "debian"])
@pytest.mark.parametrize("variant", [0, 1])
def test_ffmpeg(ladder: Played, build: str, variant: int) -> None:
    binary = imageio_ffmpeg.get_ffmpeg_exe() if build == "wheel" else str(DEBIAN_FFMPEG)
    if not Path(binary).exists():
        missing("Debian's ffmpeg", "ffmpeg")
    url = f"{ladder.url}/dvr/demo/main.m3u8"
    streams = ("-map", f"0:p:{variant}:v", "-map", "0:a:0", "-fps_mode", "passthrough")
    played = subprocess.run(
        [binary, "-nostdin", "-loglevel", "level+info", "-i", url, *streams, "-f", "null", "-"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    frames = int(re.findall(r"frame=\s*(\d+)", played.stderr)[-1])
    # Each packet is read; of the pictures right at the break, where the clock starts anew, ffmpeg shows up to half a
    # second less (measured: 15 of 241).
    assert ladder.duration * 30 - 20 <= frames <= ladder.duration * 30 + 5, played.stderr


def test_gstreamer(ladder: Played) -> None:
    if shutil.which("gst-launch-1.0") is None:
        missing("GStreamer", "gstreamer1.0-tools gstreamer1.0-plugins-good gstreamer1.0-libav")
    ranks = "hlsdemux:NONE,hlsdemux2:MAX"
    played = subprocess.run(
        [
            *("gst-launch-1.0", "-v", "playbin3", f"uri={ladder.url}/dvr/demo/main.m3u8"),
            "video-sink=fakesink name=video silent=false sync=false",
            "audio-sink=fakesink name=audio sync=false",
        ],
        capture_output=True,
        text=True,
        timeout=90,
        env=os.environ | {"GST_PLUGIN_FEATURE_RANK": ranks, "GST_DEBUG_NO_COLOR": "1"},
        check=False,
    )
    assert played.returncode == 0 and "Got EOS" in played.stdout, played.stdout[-2000:] + played.stderr
    assert "GstHLSDemux2" in played.stdout, "that is the element that has played it"
    shown = len(re.findall(r"FakeSink:video: last-message = chain", played.stdout))
    assert shown == pytest.approx(ladder.duration * 30, abs=15), played.stdout[-2000:]


PAGE = """<!DOCTYPE html><meta charset=utf-8><title>hls.js</title><video id=v muted playsinline></video>
<script src=hls.js></script><script>
window.seen = {errors: [], fatal: [], levels: [], breaks: []};
const video = document.getElementById("v"), hls = new Hls({startLevel: @LEVEL@, capLevelToPlayerSize: false});
hls.on(Hls.Events.ERROR, (_, e) => (e.fatal ? seen.fatal : seen.errors).push(e.details));
hls.on(Hls.Events.MANIFEST_PARSED, () => { hls.currentLevel = @LEVEL@; video.play(); });
hls.on(Hls.Events.LEVEL_SWITCHED, (_, e) => seen.levels.push(e.level));
hls.on(Hls.Events.FRAG_CHANGED, (_, e) => seen.breaks.push(e.frag.cc));
hls.loadSource("dvr/demo/main.m3u8");
hls.attachMedia(video);
video.playbackRate = 2;
</script>"""


@pytest.mark.parametrize("level", [0, 1])
def test_hls_js(ladder: Played, hls_js: Path, browser: Any, level: int) -> None:  # noqa: F811
    shutil.copy(hls_js, ladder.folder / "hls.js")
    (ladder.folder / f"level-{level}.html").write_text(PAGE.replace("@LEVEL@", str(level)))
    browser.get(f"{ladder.url}/level-{level}.html")

    def look() -> dict[str, Any]:
        now: dict[str, Any] = browser.execute_script(
            "return {...seen, at: video.currentTime, ended: video.ended, height: video.videoHeight,"
            " frames: video.getVideoPlaybackQuality().totalVideoFrames, sound: video.webkitAudioDecodedByteCount}"
        )
        assert not now["fatal"], now
        return now

    until(lambda: look()["ended"], "it has been played to its end")
    played = look()
    assert played["at"] == pytest.approx(ladder.duration, abs=0.3), played
    assert sorted(set(played["breaks"])) == [0, 1], "across the break"
    assert played["height"] in (240, 360) and set(played["levels"]) == {level}, played
    assert played["frames"] > 0.5 * ladder.duration * 30 and played["sound"] > 0, played
