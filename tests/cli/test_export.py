"""`livedvr export` without media: an ffmpeg of our own writes, fails or hangs. With media: tests/e2e/test_clips.py."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from builders import RUN
from live import until
from livedvr.cli import main
from livedvr.export import narrowed
from livedvr.resources.layout import init_name, segment_name
from livedvr.timeline.segment import Window
from place import Place, left_by_a_dead_controller

FULL = "echo 'out.mp4: No space left on device' >&2; exit 1"
HANGS = "touch started; exec sleep 60"


async def with_a_session(output: Path) -> Place:
    made = await left_by_a_dead_controller(output)
    await made.add("demo", 2, 10)
    return made


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Six segments of 2 s, and a session ``demo`` of four of them."""
    made = asyncio.run(with_a_session(tmp_path / "out"))
    for name in (init_name("av", RUN), *(segment_name("av", RUN, number, "fmp4") for number in range(6))):
        (made.output / name).parent.mkdir(parents=True, exist_ok=True)
        (made.output / name).write_bytes(b"media")
    return made


def ffmpeg(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    path = folder / "ffmpeg"
    path.write_text(f'#!/bin/sh\n[ "$1" = -version ] && {{ echo "ffmpeg version 9.0"; exit; }}\n{script}\n')
    path.chmod(0o755)
    monkeypatch.setenv("LIVEDVR_FFMPEG", str(path))


def export(place: Place, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["export", *arguments, "--output", str(place.output)])


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (("demo", "{}/out.mkv"), 2, "is not the name of an .mp4"),
        (("demo", "{}/nowhere/out.mp4"), 4, "there is no such folder (make it first)"),
        (("demo", "{}/folder.mp4"), 2, "it is a folder"),
        (("demo", "{}/old.mp4"), 6, "it exists already (--overwrite replaces it)"),
        (("nobody", "{}/out.mp4"), 3, "there is no session 'nobody' on channel 'live'"),
        (("demo", "{}/out.mp4", "--channel", "other"), 3, "there is no channel 'other'"),
        (("demo", "{}/out.mp4", "--end", "-2h"), 3, "session 'demo' has no media in that time (LIVE)"),
        (("demo", "{}/out.mp4", "--start", "now", "--end", "-1m"), 2, "--end: the end"),
        (("demo", "{}/out.mp4", "--start", "noon"), 2, "--start: 'noon' is not a time"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    place: Place, tmp_path: Path, arguments: tuple[str, ...], code: int, text: str
) -> None:
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "old.mp4").write_bytes(b"old")
    before = place.files()
    ran = export(place, *(one.format(tmp_path) for one in arguments))
    assert ran.exit_code == code and text in ran.stderr and ran.stderr.count("\n") == 1, ran.stderr
    assert (tmp_path / "old.mp4").read_bytes() == b"old" and place.files() == before


def test_a_full_disk_leaves_nothing(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ffmpeg(tmp_path, monkeypatch, FULL)
    ran = export(place, "demo", str(tmp_path / "out.mp4"))
    assert ran.exit_code == 4 and "disk full (free some space" in ran.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ffmpeg", "out"]


def test_what_ffmpeg_said_last_is_told(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ffmpeg(tmp_path, monkeypatch, "echo 'something else' >&2; echo 'Invalid data found' >&2; exit 183")
    ran = export(place, "demo", str(tmp_path / "out.mp4"))
    assert ran.exit_code == 1 and "ffmpeg ended with code 183: Invalid data found" in ran.stderr


@pytest.mark.semantics("R4")
def test_a_segment_that_has_just_gone_is_no_hole_in_the_file(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ffmpeg(tmp_path, monkeypatch, FULL)
    (place.output / segment_name("av", RUN, 1, "fmp4")).unlink()
    ran = export(place, "demo", str(tmp_path / "out.mp4"))
    assert (
        ran.exit_code == 3 and "it was kept a moment ago, and has gone (try again, with a later --start)" in ran.stderr
    )


def test_what_it_reads_is_safe_from_retention(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # It deletes the channel's own segments, and looks whether there is another name for each.
    ffmpeg(tmp_path, monkeypatch, f"rm -r {place.output}/av; ls media/av/* > {tmp_path}/seen; {FULL}")
    assert export(place, "demo", str(tmp_path / "out.mp4")).exit_code == 4
    seen = (tmp_path / "seen").read_text().split()
    assert seen == ["init.mp4", *(f"segment-{number:06d}.m4s" for number in range(1, 5))]


@pytest.mark.parametrize("nowhere", [False, True], ids=["in the output", "nowhere"])
def test_where_segments_can_get_no_name_beside_the_file(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nowhere: bool
) -> None:
    real = os.link

    def link(source: Path, target: Path) -> None:
        if nowhere or not target.is_relative_to(place.output):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        real(source, target)

    monkeypatch.setattr(os, "link", link)
    ffmpeg(tmp_path, monkeypatch, f"readlink media > {tmp_path}/seen; {FULL}")
    assert export(place, "demo", str(tmp_path / "out.mp4")).exit_code == 4
    seen = Path((tmp_path / "seen").read_text().strip())
    assert seen == place.output if nowhere else seen.parent.parent == place.output / ".livedvr"
    assert not list(tmp_path.rglob(".livedvr-*")), "no litter"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_no_half_file(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    ffmpeg(tmp_path, monkeypatch, HANGS)
    argv = [sys.executable, "-m", "livedvr", "export", "demo", str(tmp_path / "out.mp4"), "--output", str(place.output)]
    running = subprocess.Popen(argv, stderr=subprocess.PIPE, env=os.environ.copy())
    until(lambda: list(tmp_path.glob(".livedvr-export.*/started")), "ffmpeg is at work")
    running.send_signal(number)
    _, said = running.communicate(timeout=20)
    assert (running.returncode, said) == (130, b"")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ffmpeg", "out"]


@pytest.mark.e2e
def test_the_bounds_are_those_of_the_session(
    place: Place, tmp_path: Path, wheel_ffmpeg: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tmp_path / "made.mp4"
    source = ["-f", "lavfi", "-i", "testsrc2=s=64x64:d=1"]
    subprocess.run([wheel_ffmpeg, "-loglevel", "error", *source, "-pix_fmt", "yuv420p", made], check=True)
    ffmpeg(tmp_path, monkeypatch, f'for last; do :; done; cp {made} "$last"; echo out_time_us=4000000')
    ran = export(place, "demo", str(tmp_path / "out.mp4"), "--start", place.at(5), "--json")
    assert ran.exit_code == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert (told["start"], told["end"]) == (place.at(4), place.at(10))
    assert told["path"] == str(tmp_path / "out.mp4") and told["bytes"] == made.stat().st_size
    assert export(place, "demo", str(tmp_path / "out.mp4")).exit_code == 6
    with monkeypatch.context() as patch:
        patch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(PermissionError(errno.EPERM, "no links here")))
        assert export(place, "demo", str(tmp_path / "stick.mp4")).exit_code == 0
    again = export(place, "demo", str(tmp_path / "out.mp4"), "--overwrite")
    assert again.exit_code == 0 and f"{place.at(2)} to {place.at(10)}" in again.stdout


def test_windows_are_narrowed() -> None:
    windows = [Window(0, 10), Window(20, None)]
    assert narrowed(windows, None, None) == windows
    assert narrowed(windows, 5, None) == [Window(5, 10), Window(20, None)]
    assert narrowed(windows, 10, 25) == [Window(20, 25)]
    assert narrowed(windows, None, 0) == []
