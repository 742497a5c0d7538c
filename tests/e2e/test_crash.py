"""Controllers and encoders that die: nothing is lost, nothing is listed twice, no published line changes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from builders import channel
from live import Recording, clock_errors, ffmpeg_pids, journal_files, lines, listed_text, media_playlist, until

pytestmark = pytest.mark.e2e


@pytest.mark.semantics("S16", "I5", "P1")
def test_a_killed_controller_comes_back_and_goes_on(ffmpeg: str, tmp_path: Path) -> None:
    first = Recording("testsrc", tmp_path, "--session", "demo")
    before = listed_text(tmp_path, 2)
    encoder = ffmpeg_pids(tmp_path)
    first.send(signal.SIGKILL)
    first.process.communicate()
    journal = journal_files(tmp_path)[0]
    rows = journal.read_text().count("\n")
    until(lambda: journal.read_text().count("\n") >= rows + 2, "ffmpeg goes on without a controller")
    assert ffmpeg_pids(tmp_path) == encoder

    second = Recording("testsrc", tmp_path, "--session", "demo", "--resume")
    listed_text(tmp_path, before.count("#EXTINF") + 3)
    assert ffmpeg_pids(tmp_path) == encoder, "the running ffmpeg is adopted, not replaced"
    second.send(signal.SIGINT)
    code, result, err = second.finish()

    assert (code, result["state"], result["gaps"]) == (0, "FINISHED", []), err
    text = media_playlist(tmp_path).read_text()
    assert text.startswith(before), "no published line has changed"
    assert "#EXT-X-DISCONTINUITY\n" not in text
    listed = [int(re.findall(r"segment-(\d+)", line.path.name)[0]) for line in lines(media_playlist(tmp_path))]
    assert listed == list(range(len(listed))), "every journal row once, in order"
    assert ffmpeg_pids(tmp_path) == []


@pytest.mark.semantics("S16")
def test_a_file_is_not_played_twice(wheel_ffmpeg: str, tmp_path: Path) -> None:
    file = tmp_path / "clip.mp4"
    make = "-nostdin -loglevel error -f lavfi -i testsrc2=s=320x180:r=25:d=7 -g 25 -c:v libx264"
    subprocess.run([wheel_ffmpeg, *make.split(), str(file)], check=True)
    out = tmp_path / "out"
    options = ("--session", "demo", "--target-duration", "2")
    first = Recording(str(file), out, *options)
    listed_text(out, 1)
    first.send(signal.SIGKILL)
    first.process.communicate()
    until(lambda: not ffmpeg_pids(out), "the file ends while nobody is there")
    code, result, err = Recording(str(file), out, *options, "--resume").finish()
    assert (code, result["state"], result["gaps"]) == (0, "FINISHED", []), err
    assert result["duration"] == pytest.approx(7, abs=0.1)


@pytest.mark.semantics("S16", "P8")
def test_controller_and_ffmpeg_killed_together(wheel_ffmpeg: str, tmp_path: Path) -> None:
    first = Recording("testsrc", tmp_path, "--session", "demo")
    before = listed_text(tmp_path, 2)
    first.send(signal.SIGKILL)
    os.kill(ffmpeg_pids(tmp_path)[0], signal.SIGKILL)
    first.process.communicate()
    second = Recording("testsrc", tmp_path, "--session", "demo", "--resume")
    until(lambda: "#EXT-X-DISCONTINUITY\n" in media_playlist(tmp_path).read_text(), "a discontinuity")
    second.send(signal.SIGINT)
    code, result, err = second.finish()
    assert (code, result["state"]) == (0, "FINISHED"), err
    assert media_playlist(tmp_path).read_text().startswith(before)
    assert [gap["reason"] for gap in result["gaps"]] == ["ingest restarted"]
    listed = lines(media_playlist(tmp_path))
    assert len({line.path for line in listed}) == len(listed) == result["segments"]
    assert all(abs(error) < 0.25 for error in clock_errors(listed))


@pytest.mark.semantics("P4", "P8", "C1", "I3")
@pytest.mark.parametrize("container", ["fmp4", "ts"])
def test_a_killed_ffmpeg_is_followed_by_a_new_run(ffmpeg: str, container: str, tmp_path: Path) -> None:
    recording = Recording("testsrc", tmp_path, "--session", "demo", "--container", container)
    before = listed_text(tmp_path, 2)
    os.kill(ffmpeg_pids(tmp_path)[0], signal.SIGKILL)
    until(lambda: "#EXT-X-DISCONTINUITY\n" in media_playlist(tmp_path).read_text(), "a discontinuity")
    recording.send(signal.SIGTERM)
    code, result, err = recording.finish()

    assert (code, result["state"]) == (0, "FINISHED"), err
    text = media_playlist(tmp_path).read_text()
    assert text.startswith(before)
    listed = lines(media_playlist(tmp_path))
    assert all(abs(error) < 0.25 for error in clock_errors(listed)), clock_errors(listed)
    joins = [i for i, line in enumerate(listed) if line.discontinuity]
    assert len(joins) == 1
    last, next_ = listed[joins[0] - 1], listed[joins[0]]
    assert last.path.parent != next_.path.parent, "another run, another folder"
    assert next_.init != last.init or container == "ts"
    assert [gap["reason"] for gap in result["gaps"]] == ["ingest restarted"]
    hole = next_.date - (last.date + last.duration)
    assert 0.1 < hole < 15


def test_the_first_signal_seals_and_the_second_ends_ffmpeg_at_once(wheel_ffmpeg: str, tmp_path: Path) -> None:
    recording = Recording("testsrc", tmp_path, "--session", "demo")
    listed_text(tmp_path, 1)
    os.kill(ffmpeg_pids(tmp_path)[0], signal.SIGSTOP)  # it cannot obey INT, so that the second signal has work to do
    recording.send(signal.SIGHUP)
    recording.send(signal.SIGINT)
    code, result, err = recording.finish(patience=10)
    assert code == 130, err
    assert result["state"] == "FINISHED"
    assert media_playlist(tmp_path).read_text().endswith("#EXT-X-ENDLIST\n")
    assert ffmpeg_pids(tmp_path) == []


@pytest.mark.semantics("I5")
def test_an_ffmpeg_that_nobody_owns_ends_by_itself(wheel_ffmpeg: str, tmp_path: Path) -> None:
    from livedvr.ingest.command import Cut, build_argv
    from livedvr.ingest.run import Run
    from livedvr.ingest.source import parse_source

    run = Run(tmp_path / "20260101T000000Z-test", ["av"])
    made = channel()
    argv = build_argv(wheel_ffmpeg, parse_source(made.input), Cut(made, made.mux_streams))
    run.start(argv, lease_seconds=3.0, reserve_bytes=0)
    try:
        ended = until(run.exit, "the lease runs out")
    finally:
        run.kill()
        run.reap()
    assert ended.reason == "lease"
    assert (run.media_folder("av") / "journal.csv").read_text().count("\n") >= 1, "the last segment was closed"
