"""``python -m benchmarks [length] [sessions] [uploads] [api] [origin]``: measure, print tables; docs/benchmarks.md."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

from benchmarks import api, length, origin, sessions, uploads
from benchmarks.figures import machine

BENCHMARKS = {
    "length": (length.run, 400),
    "sessions": (sessions.run, 20),
    "uploads": (uploads.run, 5),
    "api": (api.run, 40),
    "origin": (origin.run, 10),
}


def main() -> None:
    """Run what was asked for, or all."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)} (all of them)")
    parser.add_argument("--folder", type=Path, help="where catalogs and playlists are written (a temporary folder)")
    parser.add_argument("--rounds", type=int, help="measured segments per case, requests per client")
    given = parser.parse_args()
    if unknown := set(given.names) - set(BENCHMARKS):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    with tempfile.TemporaryDirectory(prefix="livedvr-bench-", dir=given.folder) as folder:
        print(machine(Path(folder)))
        for name in given.names or BENCHMARKS:
            measure, rounds = BENCHMARKS[name]
            print(f"\n## {name}\n\n{asyncio.run(measure(Path(folder) / name, given.rounds or rounds))}")


if __name__ == "__main__":
    main()
