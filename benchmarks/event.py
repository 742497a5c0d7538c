"""One EVENT playlist of a long day, time compressed: ffmpeg's own, which rewrites all of it at each segment, and ours.

Ours is `-f segment` over the same media, and then for each segment its way through the real code, with the catalog on
disk. The playlist's file is replaced every so often and has a figure of its own: CPU for each megabyte.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from math import inf
from pathlib import Path
from statistics import mean, median

from benchmarks.comparison import Row, alone, beside, number
from benchmarks.length import STEPS, Case
from benchmarks.texts import cpu_of
from livedvr.ingest.ffmpeg import find_ffmpeg
from livedvr.resources.times import HOUR, SECOND

_SEGMENT = 2 * SECOND


async def rows(folder: Path, *, hours: Sequence[float] = (3, 12), files: int = 60) -> list[Row]:
    """``hours``: the lengths compared; ``files``: how often our playlist becomes a file meanwhile."""
    folder.mkdir(parents=True)  # noqa: ASYNC240 - nothing is measured yet
    media, found = _media(folder), []
    for length in hours:
        bare = cpu_of(_ffmpeg(folder, media, length, "hls"))
        cut = cpu_of(_ffmpeg(folder, media, length, "segment"))
        case = await _event(folder / f"ours-{length:g}", length, max(1, round(length * HOUR / _SEGMENT) // files))
        ours = cut + sum(case.totals(*STEPS)) / 1e6
        what = f"{length:g} h of 2 s segments in one EVENT playlist, CPU"
        most = 0.1 if length >= 12 else inf  # ffmpeg's cost grows with the square of the length, ours with the length
        found.append(beside(what, [ours], "ffmpeg -f hls", [bare], unit="s", most=most))
        written = median(case.samples["file"].cpu) / 1000 / mean(case.sizes)
        file = f"the same, its file replaced: {number(mean(case.sizes))} MB on average"
        found.append(alone(file, [written], unit="ms/MB", most=0.3))
    return found


async def _event(folder: Path, length: float, each: int) -> Case:
    case = Case(folder, round(length * HOUR), 1, listed=1)
    await case.open()
    for turn in range(round(length * HOUR / _SEGMENT) - 1):
        await case.step(measured=True)
        if turn % each == each - 1:
            case.write_file()
    case.close()
    return case


def _media(folder: Path) -> Path:
    """An hour of sound, next to no bits of it: small enough that playlists are what costs."""
    file = folder / "sound.mp4"
    sound = ["-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono", "-t", "3600", "-c:a", "aac", "-b:a", "8k"]
    subprocess.run([str(find_ffmpeg().path), "-v", "error", *sound, str(file)], check=True)
    return file


def _ffmpeg(folder: Path, media: Path, hours: float, muxer: str) -> list[str]:
    output = folder / f"{muxer}-{hours:g}"
    output.mkdir()
    read = ["-v", "error", "-stream_loop", "-1", "-i", str(media), "-t", f"{hours * 3600:g}"]
    if muxer == "hls":
        cut = ["-hls_time", "2", "-hls_playlist_type", "event", f"{output}/list.m3u8"]
    else:
        cut = ["-segment_time", "2", "-segment_format", "mpegts"]
        cut += ["-segment_list", f"{output}/list.csv", "-segment_list_type", "csv", f"{output}/%06d.ts"]
    return [str(find_ffmpeg().path), *read, "-map", "0", "-c", "copy", "-f", muxer, *cut]
