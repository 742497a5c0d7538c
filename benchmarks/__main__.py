"""``python -m benchmarks``: the table of docs/benchmarks.md, livedvr beside what would be used instead; or one case."""

from __future__ import annotations

import argparse
import asyncio
import re
import tempfile
import time
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import api, durable, event, index, length, live_channels, origin, sessions, texts, uploads
from benchmarks.comparison import Row, report
from benchmarks.figures import machine
from livedvr.ingest.ffmpeg import find_ffmpeg

# What makes the table's rows, and with what when there is time (--full).
COMPARED: dict[Callable[..., Awaitable[list[Row]]], dict[str, Any]] = {
    live_channels.rows: {"seconds": 600, "many_seconds": 120},
    durable.rows: {"segments": 1000},
    event.rows: {"hours": (1, 6, 12, 24)},
    length.rows: {"segments": 400},
    texts.rows: {"rounds": 20},
    sessions.rows: {"rounds": 20},
    index.rows: {"rounds": 7},
    origin.rows: {"seconds": 4},
}

# Tables of their own, and how many rounds each takes.
DETAILS = {
    "length": (length.run, 400),
    "sessions": (sessions.run, 20),
    "uploads": (uploads.run, 5),
    "api": (api.run, 40),
    "origin": (origin.run, 10),
}

DOCUMENT = Path("docs/benchmarks.md")
_PLACE = re.compile(r"(?<=<!-- ./scripts/bench --write -->\n).*?(?=<!-- end -->)", re.DOTALL)


def main() -> None:
    """The table, or the details that are asked for."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one case in detail: {', '.join(DETAILS)}")
    parser.add_argument("--full", action="store_true", help="longer: an hour")
    parser.add_argument("--write", action="store_true", help=f"put the table into {DOCUMENT}")
    parser.add_argument("--folder", type=Path, help="where catalogs and playlists are written (a temporary folder)")
    parser.add_argument("--rounds", type=int, help="of a case in detail: measured segments, requests per client")
    given = parser.parse_args()
    if unknown := set(given.names) - set(DETAILS):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(DETAILS)}")
    with tempfile.TemporaryDirectory(prefix="livedvr-bench-", dir=given.folder) as name:
        folder = Path(name).resolve()
        if given.names:
            print(machine(folder))
            for asked in given.names:
                measure, rounds = DETAILS[asked]
                print(f"\n## {asked}\n\n{asyncio.run(measure(folder / asked, given.rounds or rounds))}")
            return
        text = compared(folder, full=given.full)
    print(text)
    if given.write:
        DOCUMENT.write_text(_PLACE.sub(lambda _: f"\n{text}\n\n", DOCUMENT.read_text()))


def compared(folder: Path, *, full: bool) -> str:
    """Every row, with where and when."""
    began, where, rows = time.monotonic(), machine(folder), list[Row]()
    for measure, longer in COMPARED.items():
        made = measure(folder / measure.__module__, **(longer if full else {}))
        new = asyncio.run(made)  # type: ignore[arg-type]
        print(report(new), flush=True)
        rows += new
    took = (time.monotonic() - began) / 60
    ffmpeg = ".".join(map(str, find_ffmpeg().version))
    versions = f"ffmpeg {ffmpeg}, m3u8 {version('m3u8')}, livedvr {version('livedvr')}"
    command = f"./scripts/bench{' --full' if full else ''}"
    said = f"`{command}`, {time.strftime('%Y-%m-%d')}, {took:.0f} min; {where}; {versions}."
    return f"{said.replace(str(folder), 'its folder')}\n\n{report(rows)}"


if __name__ == "__main__":
    main()
