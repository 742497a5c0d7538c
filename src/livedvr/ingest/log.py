"""What ffmpeg's log says that its exit status does not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

_NOISE = re.compile(
    r"^\s|Last message repeated|Opening '|Press \[q\]|Stream mapping|Input #|Output #|^(\[[^\]]*\] )*\[info\]"
)
_PREFIX = re.compile(r"^(\[[^\]]*\] )*(\[(info|warning|error|fatal|panic)\] )?")
_PROBLEM = re.compile(r"\[(error|fatal|panic)\]")


def last_words(lines: Sequence[str], most: int = 3) -> str:
    """The last lines that tell why ffmpeg ended, errors before anything else, on one line."""
    problems = [line for line in lines if _PROBLEM.search(line)] or [line for line in lines if not _NOISE.search(line)]
    return "; ".join(dict.fromkeys(_PREFIX.sub("", line).strip() for line in problems[-most:]))


def lacks_keyframe(lines: Sequence[str]) -> bool:
    """The probe met no keyframe: it has to look longer (a long GOP, joined in its middle)."""
    return any("Could not find codec parameters" in line or "dimensions not set" in line for line in lines)


def refused_publisher(lines: Sequence[str]) -> bool:
    """libsrt turned a publisher away (wrong passphrase); the listener ended with it and has to be started again."""
    return any("BADSECRET" in line or "Connection setup failure" in line for line in lines)


def taken_streams(lines: Sequence[str]) -> list[str]:
    """The source streams that were taken, e.g. ``#0:0 Video: h264 (High), ... -> copy``."""
    described = {}
    for line in lines:
        if line.lstrip().removeprefix("[info]").lstrip().startswith("Output #"):
            break
        found = re.search(r"Stream (#0:\d+)(?:\[[^\]]*\])?(?:\([^)]*\))?: ((?:Video|Audio): .*)", line)
        if found:
            described[found[1]] = found[2].split(", start ")[0]
    taken = []
    for line in lines:
        mapped = re.search(r"Stream (#0:\d+) -> #0:\d+ \((.*)\)", line)
        if mapped and mapped[1] in described:
            taken.append(f"{mapped[1]} {described[mapped[1]]} ({mapped[2]})")
    return list(dict.fromkeys(taken))


class LogReader:
    """Looks at what is new in a log, for what must be noticed while the run goes on."""

    def __init__(self, path: Path, *, from_end: bool = False) -> None:
        self._path = path
        self._offset = path.stat().st_size if from_end and path.exists() else 0

    def smoothed_jump(self) -> bool:
        """Whether ffmpeg has smoothed a timestamp discontinuity over since the last look (invisible in the journal)."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                new = file.read()
        except FileNotFoundError:
            return False
        new = new[: new.rfind(b"\n") + 1]  # a torn last line waits
        self._offset += len(new)
        return b"timestamp discontinuity" in new
