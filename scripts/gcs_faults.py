"""Recordings into a bucket in which everything goes wrong: the figures, or the first promise that was broken."""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from faulty_bucket import record_in_a_storm

# Each look takes as long as the playlists are, and they grow while it takes: short recordings, or it never ends.
FAULTS_PER_RECORDING = 50
PATIENCE = 120.0  # seconds in which something has to be asked of the bucket


def main() -> None:
    """As many faults as asked for; exit 1 with an account of the first broken promise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=1000, metavar="FAULTS", help="how many faults [default: 1000]")
    parser.add_argument("--seed", type=int, help="what decides which [default: any]")
    options = parser.parse_args()
    seed = random.randrange(1_000_000) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    began, left, tally = time.monotonic(), options.n, Counter[str]()
    while left > 0:
        faults = min(left, FAULTS_PER_RECORDING)
        try:
            with tempfile.TemporaryDirectory(prefix="gcs-faults-") as folder:
                tally += asyncio.run(record_in_a_storm(Path(folder), seed + left, faults, PATIENCE))
        except AssertionError as broken:
            print(f"BROKEN (seed {seed}, {left} left): {broken}")
            sys.exit(1)
        left -= faults
        print(f"{options.n - left} faults, {tally['HEAD']:,} HEAD, {time.monotonic() - began:.0f} s", flush=True)
    print(f"seed {seed}, every promise kept, {time.monotonic() - began:.0f} s")
    print("\n".join(f"{count:9,} {what}" for what, count in sorted(tally.items())))


if __name__ == "__main__":
    main()
