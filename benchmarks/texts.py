"""Playlists of a day beside the `m3u8` package, and how long the command line takes to say what it can do."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

import m3u8

from benchmarks.comparison import Row, alone, beside
from builders import passage, segment
from live import until
from livedvr.check.run import run_check
from livedvr.hls.media_playlist import MediaPlaylist
from livedvr.timeline.timeline import Passage


async def rows(folder: Path, *, segments: int = 43_200, rounds: int = 7) -> list[Row]:
    """``segments``: of 2 s, in the playlist."""
    folder.mkdir(parents=True)  # noqa: ASYNC240 - nothing is measured yet
    return [*_playlists(folder, segments, rounds), *_command_line(folder, rounds)]


def _playlists(folder: Path, segments: int, rounds: int) -> list[Row]:
    ours = MediaPlaylist("av", "fmp4", 2)
    for number in range(segments):
        ours.append(passage(segment(number)))
    theirs = m3u8.loads(ours.render().decode())
    took: dict[str, list[float]] = {name: [] for name in ("render", "dumps", "check", "parse")}
    for turn in range(rounds):
        listed = passage(segment(segments + turn))

        def update(listed: Passage = listed) -> bytes:
            ours.append(listed)
            return ours.render()

        took["render"].append(_cpu(update))
        took["dumps"].append(_cpu(theirs.dumps))
        file = folder / f"{turn}.m3u8"
        file.write_bytes(ours.render() + b"#EXT-X-ENDLIST\n")

        def check(file: Path = file) -> None:
            assert run_check(str(file), deep=False).ok, "the playlist is a good one"

        took["check"].append(_cpu(check))
        took["parse"].append(_cpu(lambda: m3u8.loads(file.read_text())))  # noqa: B023
    length = f"{segments * 2 / 3600:g} h"
    return [
        beside(
            f"a segment more in a playlist of {length}, as text",
            took["render"],
            "m3u8: dumps",
            took["dumps"],
            unit="ms",
            most=0.01,
        ),
        beside(
            f"`livedvr check` of a playlist of {length}", took["check"], "m3u8: loads", took["parse"], unit="ms", most=1
        ),
    ]


def _cpu(work: Callable[[], object]) -> float:
    """Milliseconds."""
    began = time.process_time()
    work()
    return (time.process_time() - began) * 1000


def _command_line(folder: Path, rounds: int) -> list[Row]:
    took: dict[str, list[float]] = {name: [] for name in ("help", "pass", "record")}
    for turn in range(rounds):
        took["help"].append(cpu_of([sys.executable, "-m", "livedvr", "--help"]))
        took["pass"].append(cpu_of([sys.executable, "-c", "pass"]))
        took["record"].append(_until_it_records(folder / f"record-{turn}"))
    return [
        alone("start of `livedvr --help`", took["help"], unit="s CPU", most=0.3),
        beside("the same", took["help"], "python -c pass", took["pass"], unit="s CPU"),
        beside("`livedvr record` until ffmpeg runs", took["record"], "python -c pass", took["pass"], unit="s CPU"),
    ]


def cpu_of(command: list[str]) -> float:
    """What the command took from start to end, seconds."""
    before = getrusage(RUSAGE_CHILDREN)
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _until_it_records(output: Path) -> float:
    """The controller's own CPU until its ffmpeg has opened its log, seconds."""
    command = [sys.executable, "-m", "livedvr", "record", "testsrc", "--ladder", "240p", "--output", str(output)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: list(output.glob(".livedvr/spool/*/ffmpeg.log")), "ffmpeg is started")
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    finally:
        process.terminate()
        process.wait()
