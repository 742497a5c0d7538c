"""One ffmpeg that makes a file, in a folder of its own: it ends before who waits for it does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path

from livedvr.resources.errors import LiveDvrError, StorageError

_LOG = "ffmpeg.log"
_FULL = ("No space left on device", "Disk quota exceeded")


async def run_ffmpeg(argv: Sequence[str], folder: Path, on_progress: Callable[[int], None]) -> None:
    """Run it to its end; ``on_progress`` is told how far it is, microseconds of media.

    StorageError when the disk is full; else its last words. Who is cancelled kills it.
    """
    log = folder / _LOG
    with log.open("wb") as file:
        child = await asyncio.create_subprocess_exec(
            *argv, cwd=folder, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=file
        )
    try:
        assert child.stdout is not None
        async for line in child.stdout:
            key, _, value = line.decode(errors="replace").strip().partition("=")
            if key == "out_time_us" and value.lstrip("-").isdecimal():  # N/A at first
                on_progress(max(0, int(value)))
        code = await child.wait()
    except BaseException:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()
        raise
    if code:
        raise _trouble(log.read_text(errors="replace"), code)


def _trouble(log: str, code: int) -> LiveDvrError:
    lines = [line for line in log.splitlines() if line.strip()]
    if any(text in line for line in lines for text in _FULL):
        return StorageError("disk full", hint="free some space: an MP4 takes up to twice its size while it is made")
    return LiveDvrError(f"ffmpeg ended with code {code}: {lines[-1].strip() if lines else 'it said nothing'}")
