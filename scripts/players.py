"""The player matrix: who plays a URL, in which version, and how much of it. See docs/players.md."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import av
import imageio_ffmpeg
import requests
from selenium import webdriver

from browsing import CHROMEDRIVER, HLS_JS, package
from live import Recording, ffmpeg_pids, lines, until
from serving import serving
from web_server import WebServer

STREAMLINK = "streamlink==8.6.3"
SHAKA = "shaka-player@5.2.12"
PATIENCE = 120  # seconds
IN_BROWSER = 45
ENOUGH = 0.9  # of what is listed

# Each plays to the end at twice the speed; `seen` says how it went.
PAGE = """<!DOCTYPE html><meta charset=utf-8><video id=v muted playsinline></video><script>
window.seen = {{error: ""}}; const video = document.getElementById("v"), url = {url!r};
const failed = (why) => {{ seen.error ||= String(why); }};
video.addEventListener("error", () => failed(video.error.message));
</script>{script}<script>video.play().catch(() => {{}}); video.playbackRate = 2;</script>"""
SCRIPTS = {
    "hls.js": """<script src=hls.js></script><script>const hls = new Hls();
hls.on(Hls.Events.ERROR, (_, e) => e.fatal && failed(e.details));
hls.loadSource(url); hls.attachMedia(video);</script>""",
    "shaka-player": """<script src=shaka.js></script><script>const shakaPlayer = new shaka.Player();
shakaPlayer.attach(video).then(() => shakaPlayer.load(url)).then(() => video.play()).catch(failed);</script>""",
    "Chromium, native": """<script>video.canPlayType("application/vnd.apple.mpegurl") ? video.src = url
: failed("it plays no HLS");</script>""",
}


@dataclass(frozen=True)
class Played:
    """What a player made of it: how many seconds of media, or why not."""

    player: str
    version: str
    seconds: float | None
    note: str = ""


def expected(url: str) -> float:
    """Seconds of media that the first variant lists."""
    text = requests.get(url, timeout=10).text
    first = next(line for line in text.splitlines() if line and not line.startswith("#"))
    media = requests.get(urljoin(url, first), timeout=10).text if "#EXT-X-STREAM-INF" in text else text
    return sum(float(length) for length in re.findall(r"#EXTINF:([\d.]+)", media))


def run(*command: str, **given: Any) -> subprocess.CompletedProcess[str]:
    """A command and what it has said."""
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False, **given)


def ffmpeg(binary: str, url: str) -> Played:
    """All pictures of the first video and audio."""
    version = run(binary, "-version").stdout.split()[2].partition("-")[0]
    done = run(
        binary, "-nostdin", "-i", url, "-map", "0:v:0", "-map", "0:a:0", "-fps_mode", "passthrough", "-f", "null", "-"
    )
    if done.returncode:
        return Played("ffmpeg", version, None, done.stderr.strip().splitlines()[-1])
    frames, rate = re.findall(r"frame=\s*(\d+)", done.stderr)[-1], re.findall(r"([\d.]+) fps", done.stderr)[0]
    return Played("ffmpeg", version, int(frames) / float(rate), f"{frames} pictures")


def gstreamer(url: str) -> Played:
    """playbin3 over hlsdemux2, as fast as it can."""
    version = run("gst-launch-1.0", "--version").stdout.split()[2]
    sinks = ["video-sink=fakesink name=video silent=false sync=false", "audio-sink=fakesink name=audio sync=false"]
    ranks = os.environ | {"GST_PLUGIN_FEATURE_RANK": "hlsdemux:NONE,hlsdemux2:MAX", "GST_DEBUG_NO_COLOR": "1"}
    done = run("gst-launch-1.0", "-v", "playbin3", f"uri={url}", *sinks, env=ranks)
    stamps = re.findall(r"FakeSink:video: last-message = chain.*?pts: (\d+):(\d+):([\d.]+)", done.stdout)
    if done.returncode or "Got EOS" not in done.stdout:
        return Played("GStreamer, hlsdemux2", version, None, (done.stderr.strip().splitlines() or ["no end"])[-1])
    return Played("GStreamer, hlsdemux2", version, len(stamps) / 30, f"{len(stamps)} pictures, counted as 30 a second")


def streamlink(url: str, folder: Path) -> Played:
    """Into a file; its pictures are counted. It is installed for that."""
    version, target, out = STREAMLINK.partition("==")[2], folder / "streamlink", folder / "streamlink.out"
    run(
        sys.executable,
        "-m",
        "pip",
        "install",
        "-qq",
        "--disable-pip-version-check",
        "--target",
        str(target),
        STREAMLINK,
    )
    muxer = ("--ffmpeg-ffmpeg", imageio_ffmpeg.get_ffmpeg_exe())
    command = (sys.executable, "-m", "streamlink", "--no-config", *muxer, "-o", str(out), f"hls://{url}", "best")
    done = run(*command, env=os.environ | {"PYTHONPATH": str(target)})
    if not out.exists():
        return Played("streamlink", version, None, (done.stdout.strip().splitlines() or [done.stderr])[-1])
    with av.open(str(out)) as container:
        video = container.streams.video[0]
        frames = sum(1 for packet in container.demux(video) if packet.size)
        return Played("streamlink", version, frames / float(video.average_rate or 30), f"{frames} pictures")


def in_chromium(url: str, folder: Path) -> Iterator[Played]:
    """Each player in a page of its own."""
    for name in (HLS_JS, SHAKA):
        (folder / name).mkdir()
    shutil.copy(package(HLS_JS, folder / HLS_JS) / "dist/hls.min.js", folder / "hls.js")
    shutil.copy(package(SHAKA, folder / SHAKA) / "dist/shaka-player.compiled.js", folder / "shaka.js")
    options = webdriver.ChromeOptions()
    for option in (
        "headless",
        "no-sandbox",
        "disable-gpu",
        "mute-audio",
        "no-proxy-server",
        "autoplay-policy=no-user-gesture-required",
    ):
        options.add_argument(f"--{option}")
    driver = webdriver.Chrome(options, webdriver.ChromeService(str(CHROMEDRIVER)))
    chromium = driver.capabilities["browserVersion"]
    versions = {
        "hls.js": HLS_JS.partition("@")[2],
        "shaka-player": SHAKA.partition("@")[2],
        "Chromium, native": chromium,
    }
    try:
        with WebServer(folder) as server:
            for name, script in SCRIPTS.items():
                (folder / "page.html").write_text(PAGE.format(url=url, script=script))
                driver.get(f"{server.url}/page.html?{versions[name]}")
                yield _watch(driver, name, versions[name])
    finally:
        driver.quit()


def _watch(driver: Any, name: str, version: str) -> Played:
    script = "return [video.ended, seen.error, video.currentTime, video.getVideoPlaybackQuality().totalVideoFrames]"
    with suppress(AssertionError):  # what it has come to is told below
        until(lambda: any(driver.execute_script(script)[:2]), "it ends", IN_BROWSER)
    ended, error, seconds, frames = driver.execute_script(script)
    note = (
        f"{frames} pictures at twice the speed"
        if ended
        else error or f"{frames} pictures, it stands there and does not end"
    )
    return Played(name, version, None if error else seconds, note)


@contextmanager
def recorded(folder: Path) -> Iterator[str]:
    """A session with a break in it, served."""
    out = folder / "out"
    with Recording("testsrc", out, "--ladder", "360p,240p", "--session", "demo", "--duration", "12s") as recording:
        playlist = out / "dvr/demo/v360p/index-1.m3u8"
        until(lambda: playlist.exists() and len(lines(playlist)) >= 3, "three segments")
        os.kill(ffmpeg_pids(out)[0], signal.SIGKILL)
        recording.finish()
    with serving(out / ".livedvr", output=str(out)) as served:
        yield f"{served.url}/media/dvr/demo/main.m3u8"


def matrix(url: str, folder: Path) -> Iterator[Played]:
    """Every player that is here."""
    binaries = [path for path in ("/usr/bin/ffmpeg", imageio_ffmpeg.get_ffmpeg_exe()) if Path(path).exists()]
    yield from (ffmpeg(binary, url) for binary in binaries)
    if shutil.which("gst-launch-1.0"):
        yield gstreamer(url)
    yield streamlink(url, folder)
    if CHROMEDRIVER.exists():
        yield from in_chromium(url, folder)


def show(url: str, folder: Path) -> bool:
    """Print the matrix; whether all play it."""
    wanted = expected(url)
    print(f"{url}: {wanted:.1f} s\n\n| player | version | | |\n|---|---|---|---|", flush=True)
    good = True
    for one in matrix(url, folder):
        plays = one.seconds is not None and one.seconds >= ENOUGH * wanted
        good = good and plays
        length = "" if one.seconds is None else f"{one.seconds:.1f} s, "
        print(
            f"| {one.player} | {one.version} | {'plays' if plays else '**does not**'} | {length}{one.note} |",
            flush=True,
        )
    return good


def main() -> int:
    """The URL given, or a recording of our own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if len(sys.argv) > 1:
            return 0 if show(sys.argv[1], folder) else 1
        with recorded(folder) as url:
            return 0 if show(url, folder) else 1


if __name__ == "__main__":
    sys.exit(main())
