"""Each kind of source from a real sender on loopback (SEMANTICS I1)."""

from __future__ import annotations

import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import av
import pytest

from live import Encoder, Recording, clock_errors, free_udp_port, lines, media_playlist, record, until, waiting_run
from livedvr.check.run import run_check

pytestmark = pytest.mark.e2e


def _make_file(ffmpeg: str, path: Path, *options: str, seconds: int = 5) -> Path:
    subprocess.run(
        [
            ffmpeg,
            "-nostdin",
            "-loglevel",
            "error",
            "-f",
            "lavfi",
            "-i",
            f"testsrc2=s=320x180:r=25:d={seconds}",
            "-f",
            "lavfi",
            "-i",
            f"sine=r=48000:d={seconds}",
            "-g",
            "25",
            *options,
            str(path),
        ],
        check=True,
    )
    return path


@pytest.mark.semantics("I1", "C1")
def test_srt_listener(ffmpeg: str, tmp_path: Path) -> None:
    port = free_udp_port()
    recording = Recording(f"srt://127.0.0.1:{port}?mode=listener", tmp_path, "--duration", "6s", "--session", "demo")
    waiting_run(tmp_path)
    with Encoder(f"srt://127.0.0.1:{port}?mode=caller&latency=20000"):
        code, result, err = recording.finish()
    assert (code, result["state"], result["gaps"]) == (0, "FINISHED", []), err
    assert "takes #0:0 Video: h264" in err and "takes #0:1 Audio: aac" in err, err
    assert result["duration"] >= 6
    with av.open(str(next(tmp_path.glob("av/*/init.mp4")))) as init:
        assert init.streams.audio[0].codec_context.extradata == bytes.fromhex("1188"), "AAC LC, 48 kHz, mono"
    assert run_check(result["output_uri"], deep=True).ok
    errors = clock_errors(lines(media_playlist(tmp_path)))
    assert all(abs(error) < 0.25 for error in errors), errors


@pytest.mark.semantics("I1")
def test_srt_caller(wheel_ffmpeg: str, tmp_path: Path) -> None:
    port = free_udp_port()
    with Encoder(f"srt://127.0.0.1:{port}?mode=listener"):
        code, result, err = record(f"srt://127.0.0.1:{port}", tmp_path, "--duration", "4s", "--session", "demo")
    assert (code, result["state"]) == (0, "FINISHED"), err
    assert run_check(result["output_uri"], deep=True).ok


@pytest.mark.semantics("I4")
def test_srt_with_a_wrong_passphrase_is_never_listed(wheel_ffmpeg: str, tmp_path: Path) -> None:
    port = free_udp_port()
    url = f"srt://127.0.0.1:{port}?mode="
    source = url + "listener&passphrase=correct-horse-battery"
    logs: dict[Path, bytes] = {}

    def read_logs() -> None:
        """Those of the runs that are in the spool now."""
        with suppress(FileNotFoundError):  # a run has just ended
            for log in tmp_path.glob(".livedvr/spool/*/*.log"):
                logs[log] = log.read_bytes()

    recording = Recording(source, tmp_path, "--duration", "4s", "--session", "demo")
    waiting_run(tmp_path)
    with Encoder(url + "caller&passphrase=wrong-wrong-wrong") as wrong:
        until(lambda: wrong.process.poll() is not None, "the wrong publisher is refused")
    assert not media_playlist(tmp_path).exists()
    until(lambda: len(list(tmp_path.glob(".livedvr/spool/*/ffmpeg.log"))) == 1, "the listener is there again")
    read_logs()
    # libsrt's listener ends with the publisher it refused; a publisher tries again as encoders do.
    for _ in range(20):
        with Encoder(url + "caller&passphrase=correct-horse-battery") as right:
            until(
                lambda: read_logs() or right.process.poll() is not None or recording.process.poll() is not None,
                "an end",
            )
        if recording.process.poll() is not None:
            break
    code, result, err = recording.finish()
    assert (code, result["state"]) == (0, "FINISHED"), err
    assert "correct-horse-battery" not in err
    assert logs and all(b"correct-horse" not in log for log in logs.values())


@pytest.mark.semantics("I6")
def test_a_udp_listener_is_bound_to_the_address_it_names(ffmpeg: str, tmp_path: Path) -> None:
    port = free_udp_port()
    recording = Recording(f"udp://:{port}", tmp_path, "--session", "demo")

    def bound() -> list[str]:
        table = Path("/proc/net/udp").read_text().split("\n")[1:]
        return [line.split()[1][:8] for line in table if f":{port:04X} " in line]

    assert until(bound, "a bound port") == ["0100007F"]
    recording.send(signal.SIGINT)
    recording.finish()


@pytest.mark.semantics("I4")
def test_udp_takes_only_senders_that_are_allowed(wheel_ffmpeg: str, tmp_path: Path) -> None:
    port = free_udp_port()
    to = f"udp://127.0.0.1:{port}?pkt_size=1316"
    with Encoder(to, size=(640, 360)), Encoder(f"{to}&localaddr=127.0.0.9"):
        code, result, err = record(
            f"udp://127.0.0.1:{port}", tmp_path, "--duration", "2s", "--target-duration", "2", "--session", "demo",
            "--allow-ip", "127.0.0.9", "--allow-ip", "127.0.0.8",
        )  # fmt: skip
    assert (code, result["state"]) == (0, "FINISHED"), err
    assert ", 320x180" in err, err
    assert run_check(result["output_uri"], deep=True).ok, "no packet of the other sender is among it"


@pytest.mark.semantics("I1", "C2")
@pytest.mark.parametrize("container", ["fmp4", "ts"])
def test_udp_joined_in_the_middle_of_a_gop(ffmpeg: str, container: str, tmp_path: Path) -> None:
    port = free_udp_port()
    with Encoder(f"udp://127.0.0.1:{port}?pkt_size=1316", gop=60):
        code, result, err = record(
            f"udp://127.0.0.1:{port}", tmp_path, "--duration", "6s", "--session", "demo", "--container", container
        )
    assert (code, result["state"]) == (0, "FINISHED"), err
    report = run_check(result["output_uri"], deep=True)
    assert report.ok, report
    # The first picture of a run that is joined in the middle of a GOP: fMP4 shows it up to a GOP early.
    errors = clock_errors(lines(media_playlist(tmp_path)), joined=True)
    assert all(abs(error) < 0.25 for error in errors), errors


@pytest.mark.semantics("S11")
def test_a_file_is_played_in_real_time_to_its_end(ffmpeg: str, tmp_path: Path) -> None:
    file = _make_file(ffmpeg, tmp_path / "clip.mp4", "-c:v", "libx264", "-bf", "2", "-c:a", "aac")
    code, result, err = record(str(file), tmp_path / "out", "--session", "demo")
    assert (code, result["state"]) == (0, "FINISHED"), err
    assert result["duration"] == pytest.approx(5, abs=0.1)
    assert run_check(result["output_uri"], deep=True).ok


def test_a_looped_file_goes_on_without_a_gap(wheel_ffmpeg: str, tmp_path: Path) -> None:
    file = _make_file(wheel_ffmpeg, tmp_path / "clip.ts", "-c:v", "libx264", "-c:a", "aac", seconds=3)
    code, result, err = record(
        str(file), tmp_path / "out", "--loop", "--duration", "8s", "--session", "demo", "--video", "h264"
    )
    assert (code, result["state"], result["gaps"]) == (0, "FINISHED", []), err
    assert result["duration"] >= 8


def test_video_alone_and_audio_alone(wheel_ffmpeg: str, tmp_path: Path) -> None:
    video = _make_file(wheel_ffmpeg, tmp_path / "video.mp4", "-map", "0", "-c:v", "libx264")
    audio = _make_file(wheel_ffmpeg, tmp_path / "audio.mp4", "-map", "1", "-c:a", "aac")
    for file, kind in ((video, "Video"), (audio, "Audio")):
        code, result, err = record(str(file), tmp_path / kind, "--session", "demo")
        assert (code, result["state"]) == (0, "FINISHED"), err
        assert f"takes #0:0 {kind}" in err and err.count("takes #") == 1, err
        assert result["duration"] == pytest.approx(5, abs=0.1)
        assert run_check(result["output_uri"], deep=True).ok


@pytest.mark.parametrize("container", ["fmp4", "ts"])
def test_a_file_whose_timestamps_jump(ffmpeg: str, container: str, tmp_path: Path) -> None:
    codecs = ("-c:v", "libx264", "-c:a", "aac")
    before = _make_file(ffmpeg, tmp_path / "before.ts", *codecs, seconds=4)
    after = _make_file(ffmpeg, tmp_path / "after.ts", *codecs, "-output_ts_offset", "11.5", seconds=4)
    (tmp_path / "jump.ts").write_bytes(before.read_bytes() + after.read_bytes())
    code, result, err = record(
        str(tmp_path / "jump.ts"), tmp_path / "out", "--session", "demo", "--container", container
    )
    assert (code, result["state"]) == (0, "FINISHED"), err
    assert result["duration"] == pytest.approx(8, abs=0.2), "the jump is no media"
    report = run_check(result["output_uri"], deep=True)
    assert report.ok, report.to_text()
    dates = [line.date for line in lines(media_playlist(tmp_path / "out"))]
    assert dates == sorted(dates) and dates[-1] - dates[0] < 8
