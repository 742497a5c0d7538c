"""Finds an ffmpeg that is new enough: LIVEDVR_FFMPEG, then the PATH, then the wheel ``imageio-ffmpeg``."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from livedvr.resources.errors import FailedPrecondition

OLDEST = (5, 1)  # Debian 12's; older ones are not tested

_VERSION = re.compile(r"ffmpeg version n?(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class Ffmpeg:
    """An ffmpeg binary and its version."""

    path: Path
    version: tuple[int, int]


def find_ffmpeg() -> Ffmpeg:
    """The ffmpeg to use. FAILED_PRECONDITION when LIVEDVR_FFMPEG is not one, or too old, or there is none at all."""
    wanted = os.environ.get("LIVEDVR_FFMPEG")
    if wanted:
        found = _probe(Path(wanted))
        if found is None:
            raise FailedPrecondition(f"'{wanted}' is not an ffmpeg", field="LIVEDVR_FFMPEG", hint="unset it or mend it")
        if found.version < OLDEST:
            raise FailedPrecondition(
                f"'{wanted}' is ffmpeg {_text(found.version)}, {_text(OLDEST)} or newer is needed",
                field="LIVEDVR_FFMPEG",
                hint="unset it: the wheel imageio-ffmpeg carries a newer one",
            )
        return found
    on_path = shutil.which("ffmpeg")
    for candidate in (on_path, _wheel()):
        found = _probe(Path(candidate)) if candidate else None
        if found is not None and found.version >= OLDEST:
            return found
    raise FailedPrecondition(
        f"no ffmpeg {_text(OLDEST)} or newer was found",
        field="ffmpeg",
        hint="pip install imageio-ffmpeg, or apt install ffmpeg",
    )


def _wheel() -> str | None:
    import imageio_ffmpeg

    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError:  # a wheel without a binary for this platform
        return None


def _probe(path: Path) -> Ffmpeg | None:
    try:
        answer = subprocess.run([path, "-version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = _VERSION.match(answer.stdout)
    return Ffmpeg(path, (int(version[1]), int(version[2]))) if version else None


def _text(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
