"""Recordings whose controllers are killed, many times: the figures, or the first promise that was broken."""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from killing import table, torture


def tell(text: str) -> None:
    """A line of progress, at once also when it goes to a file."""
    print(text, flush=True)


def main() -> None:
    """Kill as often as asked; exit 1 with an account of the first broken promise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=100, metavar="KILLS", help="how many kills [default: 100]")
    parser.add_argument("--seed", type=int, help="the first recording's seed [default: any]")
    parser.add_argument("--keep", action="store_true", help="keep what was recorded")
    options = parser.parse_args()
    seed = random.randrange(1_000_000) if options.seed is None else options.seed
    folder = Path(tempfile.mkdtemp(prefix="kill-test-"))
    began, tally = time.monotonic(), Counter[str]()
    try:
        for tally in torture(folder, seed, options.n, tell):
            tell(f"      {tally['kills']} of {options.n} kills, {tally['listed']} segments listed")
    except AssertionError as broken:
        tell(f"BROKEN: {broken}")
        sys.exit(1)
    tell(f"\nseed {seed}, {time.monotonic() - began:.0f} s, every promise kept\n{table(tally)}")
    if options.keep:
        tell(f"kept: {folder}")
    else:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
