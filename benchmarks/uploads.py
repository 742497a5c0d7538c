"""What the playlist of a window costs on its way to a bucket: bytes an hour, and CPU, at 1 h, 24 h and 72 h.

A session's media playlist is written once for each segment, whole. Compared, for the hour in which the window has
reached its length: as it is; compressed; only a short tail, and GCS puts it behind a settled head (`compose`, which
costs a second request, and the head is written anew every so many segments).
"""

from __future__ import annotations

import gzip
import time
from pathlib import Path

from benchmarks.figures import table
from builders import chain, passage
from livedvr.hls.media_playlist import MediaPlaylist
from livedvr.resources.times import HOUR, SECOND

CASES = {"1 h": 1, "24 h": 24, "72 h": 72}
SEGMENT = 2 * SECOND
TAIL = 300  # segments: then the head is written anew
_RATE = 5_000_000 // 8  # bytes a second of video beside it


async def run(_: Path, rounds: int) -> str:
    """The table."""
    rows = []
    for name, hours in CASES.items():
        count = hours * HOUR // SEGMENT
        playlist = MediaPlaylist("av", "fmp4", 2)
        for segment in chain([SEGMENT] * count):
            playlist.append(passage(segment))
        text = playlist.render()
        began = time.process_time()
        for _round in range(rounds):
            packed = len(gzip.compress(text, 6, mtime=0))
        cpu = (time.process_time() - began) / rounds
        writes = HOUR // SEGMENT
        composed = writes * len(text) / count * TAIL / 2 + writes / TAIL * len(text)
        megabytes = [size / 1e6 for size in (len(text), packed, writes * len(text), writes * packed, composed)]
        beside = f"{writes * packed / (3600 * _RATE):.1%}"
        rows.append([name, *(f"{one:,.2f}" for one in megabytes), beside, f"{cpu * 1e3:.0f}"])
    head = ["window", "MB", "gzip MB", "plain MB/h", "gzip MB/h", "compose MB/h", "gzip : video", "gzip CPU ms"]
    return table(head, rows)
