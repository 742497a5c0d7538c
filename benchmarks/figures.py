"""Samples, their medians and spread, and tables of them."""

from __future__ import annotations

import os
import platform
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles


class Samples:
    """CPU time of the whole process (all threads) and wall time of what was done inside `measured`, microseconds."""

    def __init__(self) -> None:
        self.cpu: list[float] = []
        self.wall: list[float] = []

    @contextmanager
    def measured(self, parts: int = 1) -> Iterator[None]:
        """One sample of what happens inside, divided by ``parts``. An empty one costs about 1 microsecond."""
        wall, cpu = time.perf_counter_ns(), time.process_time_ns()
        yield
        cpu, wall = time.process_time_ns() - cpu, time.perf_counter_ns() - wall
        self.cpu.append(cpu / 1000 / parts)
        self.wall.append(wall / 1000 / parts)


def spread(values: Sequence[float]) -> str:
    """``median (10th-90th percentile)``."""
    tenths = quantiles(values, n=10)
    return f"{_short(median(values))} ({_short(tenths[0])}-{_short(tenths[-1])})"


def _short(value: float) -> str:
    return f"{value:.1f}" if value < 10 else f"{value:.0f}"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, aligned for people too."""
    widths = [max(len(line[i]) for line in (head, *rows)) for i in range(len(head))]
    lines = [head, ["-" * (width - 1) + (":" if i else "-") for i, width in enumerate(widths)], *rows]
    return "\n".join(f"| {' | '.join(map(_pad, line, widths, range(len(line))))} |" for line in lines)


def _pad(cell: str, width: int, column: int) -> str:
    return cell.rjust(width) if column else cell.ljust(width)


def machine(folder: Path) -> str:
    """Where this was measured: what a reader has to know to judge the figures."""
    cpu = next((line.partition(": ")[2] for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "CPU?")
    system = f"{platform.system()} {platform.release()}"
    return (
        f"{cpu.strip()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {system}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}; {folder} is on {_file_system(folder)}"
    )


def _file_system(folder: Path) -> str:
    mounts = [line.split()[1:3] for line in _lines("/proc/mounts")]
    path = f"{folder.resolve()}/"
    return max((m for m in mounts if path.startswith(m[0].rstrip("/") + "/")), key=lambda m: len(m[0]))[1]


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()
