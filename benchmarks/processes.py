"""Processes that a benchmark starts: found by the folder they work in, their CPU read from the kernel."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from live import until

# A process of ours finds what we have found.
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def working_in(folder: Path) -> list[int]:
    """The processes that work below the folder or name it: a keeper is nobody's child."""
    wanted, found = re.compile(re.escape(os.fsencode(folder)) + rb"(?![^/\0])"), list[int]()  # not a longer name
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            if wanted.search((entry / "cmdline").read_bytes()) or (entry / "cwd").resolve().is_relative_to(folder):
                found.append(int(entry.name))
    return found


def cpu(pids: Sequence[int]) -> float:
    """What all their threads have had, seconds; to the nanosecond, where /proc/PID/stat counts in hundredths."""
    total = 0
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):  # a thread that has just ended
                total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


@contextlib.contextmanager
def running(*commands: Sequence[str]) -> Iterator[list[subprocess.Popen[bytes]]]:
    """All of them, until the end of the block. Each is asked to end by its stdin, as ffmpeg and ours understand."""
    with contextlib.ExitStack() as last:
        started = []
        for command in commands:
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
            last.callback(_end, process)
            started.append(process)
        yield started


def _end(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        process.stdin.write(b"q")
        process.stdin.close()
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def gone(folder: Path) -> None:
    """Return when nobody works there any more."""
    until(lambda: not working_in(folder), f"all have left {folder}")


def cpu_over(folders: Sequence[Path], seconds: float) -> list[float]:
    """CPU of those who work in each folder, within the next ``seconds``."""
    pids = [working_in(folder) for folder in folders]
    before = [cpu(ones) for ones in pids]
    time.sleep(seconds)
    return [cpu(ones) - had for ones, had in zip(pids, before, strict=True)]
