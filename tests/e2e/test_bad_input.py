"""Bad input: one clear error that names the field or the file, the right exit code, nothing recorded is lost."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import missing
from live import Encoder, Recording, ffmpeg_pids, free_udp_port, lines, media_playlist, record, until
from livedvr.check.run import run_check

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize(
    ("source", "options", "code", "says"),
    [
        ("ftp://host/x", (), 2, "SOURCE: 'ftp://' is not a scheme livedvr can take"),
        ("no-such-file.mp4", (), 2, "no-such-file.mp4' (or did you mean a URL, as srt://host:port?"),
        ("udp://127.0.0.1", (), 2, "SOURCE: 'udp://127.0.0.1' has no port"),
        ("srt://127.0.0.1:9000?colour=red", (), 2, "SOURCE: srt has no option 'colour'"),
        ("srt://127.0.0.1:9000?passphrase=short", (), 2, "SOURCE: an SRT passphrase has at least 10 characters"),
        ("testsrc", ("--session", "a/b"), 2, "--session: 'a/b' is not an id"),
        ("testsrc", ("--session", ".."), 2, "--session: '..' is not an id"),
        ("testsrc", ("--channel", "Live!"), 2, "channelId: 'Live!' is not an id"),
        ("testsrc", ("--start", "now", "--end", "-1m"), 2, "--end: the end"),
        ("testsrc", ("--start", "-50h", "--end", "-40h"), 2, "dvrWindows: the window ended at"),
        ("testsrc", ("--start", "yesterday"), 2, "--start: 'yesterday' is not a time"),
        ("testsrc", ("--duration", "soon"), 2, "--duration: 'soon' is not a duration"),
        ("testsrc", ("--duration", "5s", "--end", "+5s"), 2, "--duration: --end and --duration exclude each other"),
        ("testsrc", ("--video", "copy"), 2, "testsrc makes raw pictures"),
        ("testsrc", ("--segment-duration", "1h"), 2, "outside 1 s to 20 s"),
        ("testsrc", ("--loop",), 2, "--loop: only a file can be looped"),
        ("testsrc", ("--duration", "9999999d"), 2, "--duration: '9999999d' is too long"),
        ("testsrc", ("--retention", "9999999999d"), 2, "--retention: '9999999999d' is too long"),
    ],
)
def test_usage(source: str, options: tuple[str, ...], code: int, says: str, tmp_path: Path) -> None:
    given, result, err = record(source, tmp_path, *options)
    assert (given, "Traceback" in err) == (code, False), err
    assert says in result["error"]
    assert err.count(says) == 1, err


def test_an_output_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    code, result, err = record("testsrc", tmp_path / "file")
    assert code == 4, err
    assert str(tmp_path / "file") in result["error"]


def test_ffmpeg_that_is_missing_too_old_or_dies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fake(name: str, script: str) -> str:
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return str(path)

    version = 'case "$*" in *-version*) echo "ffmpeg version %s Copyright";; *) %s;; esac'
    cases = [
        (str(tmp_path / "nowhere"), 2, "LIVEDVR_FFMPEG: '"),
        (fake("old", version % ("4.3.2", "true")), 2, "is ffmpeg 4.3, 5.1 or newer is needed"),
        (fake("dies", version % ("9.0", 'echo "[error] no such luck" >&2; exit 3')), 5, "no such luck"),
    ]
    for path, expected, says in cases:
        monkeypatch.setenv("LIVEDVR_FFMPEG", path)
        code, result, err = record("testsrc", tmp_path / "out")
        assert code == expected, err
        assert says in result["error"]


def test_files_that_are_no_media(ffmpeg: str, tmp_path: Path) -> None:
    garbage = tmp_path / "garbage.mp4"
    garbage.write_bytes(b"this is no video " * 1000)
    code, result, err = record(str(garbage), tmp_path / "out")
    assert code == 5, err
    assert str(garbage) in result["error"] and "Invalid data" in result["error"]

    text = tmp_path / "subtitles.srt"
    text.write_text("1\n00:00:00,000 --> 00:00:02,000\nneither picture nor sound\n")
    code, result, err = record(str(text), tmp_path / "out")
    assert code == 5, err
    assert str(text) in result["error"]


def test_a_codec_that_cannot_go_into_the_container(ffmpeg: str, tmp_path: Path) -> None:
    file = tmp_path / "clip.mkv"
    subprocess.run(
        [ffmpeg, "-loglevel", "error", "-f", "lavfi", "-i", "testsrc2=s=160x90:r=25:d=4", "-c:v", "mpeg4", str(file)],
        check=True,
    )
    for container in ("fmp4", "ts"):
        code, result, err = record(str(file), tmp_path / container, "--container", container)
        assert code == 5, err
        assert "mpeg4" in result["error"] and "--video h264" in result["error"]
        assert ffmpeg_pids(tmp_path / container) == []


def test_a_port_that_is_taken(wheel_ffmpeg: str, tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        for source in (f"udp://127.0.0.1:{port}", f"srt://:{port}"):
            code, result, err = record(source, tmp_path)
            assert code == 6, err
            assert f"port {port}/udp on 127.0.0.1 is taken by another program" in result["error"]


@pytest.mark.semantics("I3")
def test_a_pull_whose_source_never_comes(wheel_ffmpeg: str, tmp_path: Path) -> None:
    source = f"srt://127.0.0.1:{free_udp_port()}?mode=caller"
    code, result, err = record(source, tmp_path, "--duration", "5s")
    assert code == 5, err
    assert "no media came (after" in result["error"]
    assert ffmpeg_pids(tmp_path) == []


@pytest.mark.semantics("I3")
def test_a_listener_waits_until_it_is_stopped(wheel_ffmpeg: str, tmp_path: Path) -> None:
    recording = Recording(f"srt://:{free_udp_port()}", tmp_path, "--duration", "5s")
    until(lambda: ffmpeg_pids(tmp_path), "ffmpeg listens")
    recording.send(signal.SIGTERM)
    code, result, err = recording.finish()
    assert code == 5, err
    assert "stopped before any media came" in result["error"]
    assert ffmpeg_pids(tmp_path) == []


def test_two_recordings_on_one_data_dir_and_an_id_that_exists(wheel_ffmpeg: str, tmp_path: Path) -> None:
    first = Recording("testsrc", tmp_path, "--session", "demo", "--duration", "6s")
    until(media_playlist(tmp_path).exists, "the first records")
    code, result, err = record("testsrc", tmp_path, "--session", "other")
    assert code == 6, err
    assert f"taken by another controller (pid {first.process.pid})" in result["error"]
    code, result, err = first.finish()
    assert (code, result["state"], result["gaps"]) == (0, "FINISHED", []), err

    before = media_playlist(tmp_path).read_bytes()
    code, result, err = record("testsrc", tmp_path, "--session", "demo", "--duration", "4s")
    assert code == 6, err
    assert "'demo' exists already and is FINISHED" in result["error"] and "--resume" in result["error"]
    assert media_playlist(tmp_path).read_bytes() == before
    code, result, err = record("testsrc", tmp_path, "--session", "demo", "--resume")
    assert (code, result["state"]) == (0, "FINISHED"), err
    assert media_playlist(tmp_path).read_bytes() == before


def test_a_full_disk_ends_the_recording_and_keeps_it(wheel_ffmpeg: str, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() != 0:
        missing("root, to mount a small tmpfs,", "sudo")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20M", "tmpfs", str(disk)], check=True)
    try:
        code, result, err = record("testsrc", disk, "--session", "demo")
        assert code == 4, err
        assert "disk full" in result["error"] and str(disk) in result["error"]
        assert result["state"] == "FINISHED" and result["segments"] >= 1
        listed = lines(media_playlist(disk))
        assert len(listed) == result["segments"]
        assert run_check(result["output_uri"], deep=True).ok
        assert ffmpeg_pids(disk) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_no_media_in_the_window(wheel_ffmpeg: str, tmp_path: Path) -> None:
    code, result, err = record("testsrc", tmp_path, "--session", "demo", "--start", "-10m", "--end", "-5m")
    assert code == 3, err
    assert (result["state"], result["segments"]) == ("FAILED", 0)
    assert "no media in the window" in result["error"]


def test_garbage_on_the_udp_port_is_never_listed(wheel_ffmpeg: str, tmp_path: Path) -> None:
    port = free_udp_port()
    recording = Recording(f"udp://127.0.0.1:{port}", tmp_path, "--duration", "4s", "--session", "demo")
    until(lambda: ffmpeg_pids(tmp_path), "ffmpeg listens")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(200):
            sender.sendto(os.urandom(1316), ("127.0.0.1", port))
    with Encoder(f"udp://127.0.0.1:{port}?pkt_size=1316"):
        code, result, err = recording.finish()
    assert (code, result["state"]) == (0, "FINISHED"), err
    assert run_check(result["output_uri"], deep=True).ok


def test_an_output_has_one_catalog(wheel_ffmpeg: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = Recording("testsrc", out, "--session", "demo", "--duration", "6s")
    until(media_playlist(out).exists, "the first records")
    elsewhere = ("--session", "other", "--data-dir", str(tmp_path / "data"))
    code, result, err = record("testsrc", out, *elsewhere)
    assert code == 6, err
    assert f"taken by another controller (pid {first.process.pid})" in result["error"]
    assert first.finish()[0] == 0
    sealed = media_playlist(out).read_bytes()
    code, result, err = record("testsrc", out, "--session", "demo", "--data-dir", str(tmp_path / "data"))
    assert code == 6, err
    assert "made by another catalog" in result["error"]
    assert media_playlist(out).read_bytes() == sealed


def test_two_channels_of_one_data_dir_record_side_by_side(wheel_ffmpeg: str, tmp_path: Path) -> None:
    shared = ("--session", "demo", "--duration", "4s", "--data-dir", str(tmp_path / "data"))
    both = [Recording("testsrc", tmp_path / name, "--channel", name, *shared) for name in ("a", "b")]
    for recording in both:
        code, result, err = recording.finish()
        assert (code, result["state"]) == (0, "FINISHED"), err


def test_an_output_that_is_removed_while_it_is_written(wheel_ffmpeg: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    recording = Recording("testsrc", out, "--session", "demo", "--data-dir", str(tmp_path / "data"))
    until(media_playlist(out).exists, "it records")

    def gone() -> bool:
        shutil.rmtree(out, ignore_errors=True)  # what is written meanwhile keeps a folder from going
        return not out.exists()

    until(gone, "it is removed whole")
    code, _, err = recording.finish()
    assert code == 4, err
    assert "Traceback" not in err
    until(lambda: not ffmpeg_pids(out), "ffmpeg ends")


def test_a_catalog_that_is_none(tmp_path: Path) -> None:
    (tmp_path / ".livedvr").mkdir()
    (tmp_path / ".livedvr/catalog.sqlite3").write_bytes(b"this is no database" * 1000)
    code, result, err = record("testsrc", tmp_path)
    assert (code, "Traceback" in err) == (4, False), err
    assert "catalog.sqlite3" in result["error"] and "not a database" in result["error"]


@pytest.mark.semantics("I3", "P8")
def test_a_publisher_with_a_codec_that_cannot_be_taken_ends_nothing(wheel_ffmpeg: str, tmp_path: Path) -> None:
    port = free_udp_port()
    recording = Recording(f"srt://:{port}", tmp_path, "--session", "demo", "--target-duration", "2")
    url = f"srt://127.0.0.1:{port}?mode=caller"
    _publish(url, media_playlist(tmp_path).exists)
    _publish(url, lambda: "mpeg2video" in _logs(tmp_path), "-c:v", "mpeg2video", seconds=15)
    _publish(url, lambda: "#EXT-X-DISCONTINUITY\n" in media_playlist(tmp_path).read_text())
    recording.send(signal.SIGINT)
    code, result, err = recording.finish()
    assert (code, result["state"]) == (0, "FINISHED"), err
    assert "SOURCE_REFUSED" in err and "mpeg2video" in err
    assert run_check(result["output_uri"], deep=True).ok


def _publish(url: str, happened: Callable[[], bool], *extra: str, seconds: float = 0) -> None:
    """Push, trying again as encoders do, until ``happened``, and then for some more seconds of media."""
    for _ in range(30):
        with Encoder(url, extra=extra) as encoder:
            if until(lambda: happened() or encoder.process.poll() is not None, "the encoder is heard") and happened():
                with contextlib.suppress(subprocess.TimeoutExpired):
                    encoder.process.wait(seconds)
                return
    raise AssertionError("nobody listens")


def _logs(output: Path) -> str:
    """What ffmpeg has logged in the runs that are in the spool now."""
    return "".join(log.read_text() for log in output.glob(".livedvr/spool/*/ffmpeg.log"))
