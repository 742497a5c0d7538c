"""What a controller has in memory of days, and how soon after a restart it publishes again."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.comparison import Row, alone
from benchmarks.processes import ENVIRONMENT
from benchmarks.restart_process import MUXES

_DAY = 43_200  # segments of 2 s


async def rows(folder: Path, *, hours: float = 72, rounds: int = 3) -> list[Row]:
    """``hours``: of index, of each of four renditions. Each round is a process of its own."""
    folder.mkdir(parents=True)  # noqa: ASYNC240 - nothing is measured yet
    _run(folder, "make", f"{hours:g}")
    copies = []
    for turn in range(rounds):
        copies.append(folder.parent / f"{folder.name}-{turn}")
        shutil.copytree(folder, copies[-1])
    found = [json.loads(_run(copy, "take")) for copy in copies]
    what = f"restart with {hours:g} h of index for {len(MUXES)} renditions"
    per_day = [one["megabytes"] / len(MUXES) * _DAY / one["segments"] for one in found]
    return [
        alone(f"{what}: read", [one["loaded"] for one in found], unit="s", most=1),
        alone(f"{what}: a session of 10 min published", [one["newest"] for one in found], unit="s", most=1),
        alone(f"{what}: a session of all published", [one["whole"] for one in found], unit="s", most=1),
        alone("memory of a day of index, a rendition", per_day, unit="MB", most=10),
    ]


def _run(folder: Path, *what: str) -> str:
    command = [sys.executable, "-m", "benchmarks.restart_process", str(folder), *what]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=ENVIRONMENT).stdout
