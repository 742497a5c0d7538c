"""Sources that livedvr asks: RTSP and HLS, from real servers on loopback (SEMANTICS I1)."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import missing
from live import Encoder, Recording, clock_errors, lines, listed_text, media_playlist, record, until
from livedvr.check.run import run_check
from web_server import WebServer

pytestmark = pytest.mark.e2e

DEBIAN_PYTHON = "/usr/bin/python3"


@pytest.fixture
def camera() -> Iterator[str]:
    """Host, port and path of a real RTSP server's live stream; user ``admin``, password ``correct!horse``."""
    asked = subprocess.run([DEBIAN_PYTHON, "-c", "import gi; gi.require_version('GstRtspServer', '1.0')"], check=False)
    if asked.returncode:
        missing("GStreamer's RTSP server", "gir1.2-gst-rtsp-server-1.0 python3-gi gstreamer1.0-plugins-bad")
    script = Path(__file__).with_name("rtsp_server.py")
    server = subprocess.Popen([DEBIAN_PYTHON, str(script), "correct!horse"], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    yield f"127.0.0.1:{int(server.stdout.readline())}/camera"
    server.kill()
    server.communicate()


@pytest.mark.semantics("I1")
def test_rtsp(ffmpeg: str, camera: str, tmp_path: Path) -> None:
    options = ("--session", "demo", "--duration", "4s", "--target-duration", "2")
    with Recording(f"rtsp://admin:correct%21horse@{camera}", tmp_path, *options) as recording:
        listed_text(tmp_path, 1)
        logs = "".join(path.read_text() for path in tmp_path.rglob("*.log"))
        code, result, err = recording.finish()
    assert (code, result["state"], result["gaps"]) == (0, "FINISHED", []), err
    assert "Video: h264" in err and "Audio: aac" in err, err
    assert "Input #0, rtsp" in logs and "horse" not in logs + err + str(result), "its password stays with us"
    assert run_check(result["output_uri"], deep=True).ok


def test_a_camera_that_wants_another_password_is_named_without_it(
    wheel_ffmpeg: str, camera: str, tmp_path: Path
) -> None:
    code, result, err = record(f"rtsp://admin:wrong-horse@{camera}", tmp_path, "--session", "demo")
    assert code == 5 and "401" in result["error"], result
    assert f"rtsp://{camera}" in result["error"] and "horse" not in result["error"] + err


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder, and its URL."""
    folder = tmp_path / "www"
    folder.mkdir()
    with WebServer(folder) as server:
        yield folder, server.url


@pytest.mark.semantics("I1")
def test_hls(ffmpeg: str, served: tuple[Path, str], tmp_path: Path) -> None:
    folder, url = served
    live = ("-f", "hls", "-hls_time", "1", "-hls_flags", "delete_segments+temp_file")
    with Encoder(str(folder / "live.m3u8"), extra=live, mux=()):
        until(lambda: len(list(folder.glob("*.ts"))) >= 3, "the source's playlist has begun")
        recording = Recording(f"{url}/live.m3u8", tmp_path, "--session", "demo", "--target-duration", "2")
        until(media_playlist(tmp_path).exists, "it is listed")
        until(lambda: media_playlist(tmp_path).read_text().count("#EXTINF") >= 3, "three segments")
        recording.send(signal.SIGINT)
        code, result, err = recording.finish()
    assert (code, result["state"], result["gaps"]) == (0, "FINISHED", []), err
    assert run_check(result["output_uri"], deep=True).ok
    # Media of HLS is as late as its server has it: by whole segments, and always by as much.
    errors = clock_errors(lines(media_playlist(tmp_path)), joined=True)
    assert max(errors) - min(errors) < 0.25 and max(errors) < 6, errors


@pytest.mark.semantics("I3")
def test_an_hls_source_that_is_not_there(wheel_ffmpeg: str, served: tuple[Path, str], tmp_path: Path) -> None:
    code, result, err = record(f"{served[1]}/nowhere.m3u8", tmp_path, "--duration", "2s")
    assert code == 5, err
    assert "no media came (after" in result["error"] and "404" in result["error"], result["error"]
