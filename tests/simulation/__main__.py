"""``scripts/simulate``: episode after episode until the session-hours are reached or an invariant does not hold."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from simulation.episode import Outcome, run_episode


def main() -> int:
    """Play; 1 when an invariant does not hold."""
    parser = argparse.ArgumentParser(prog="simulate", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--hours", type=float, default=100.0, help="session-hours to play (the sum over all sessions)")
    parser.add_argument("--episode", type=int, help="play only this episode of the seed")
    parser.add_argument("--kind", choices=["wide", "wild"], help="wide: many sessions, few faults; wild: the contrary")
    parser.add_argument("--keep-going", action="store_true", help="do not stop at the first violation")
    given = parser.parse_args()
    wide = {"wide": True, "wild": False, None: None}[given.kind]
    began, outcomes = time.process_time(), []
    number = given.episode or 0
    while True:
        outcome = run_episode(given.seed, number, wide=wide)
        outcomes.append(outcome)
        _tell(outcome, given.kind)
        number += 1
        enough = sum(o.session_hours for o in outcomes) >= given.hours or given.episode is not None
        if enough or (outcome.violation is not None and not given.keep_going):
            break
    _summary(outcomes, time.process_time() - began)
    return 1 if any(o.violation for o in outcomes) else 0


def _tell(outcome: Outcome, kind: str | None) -> None:
    counts = f"{outcome.steps:>7} steps  {outcome.segments:>5} segments  {outcome.controllers:>3} controllers"
    hours = f"{outcome.hours:5.1f} h {outcome.session_hours:7.1f} session-hours"
    print(f"{outcome.name:>8}  {hours}  {counts}  {outcome.digest}", flush=True)
    if outcome.violation is not None:
        seed, _, number = outcome.name.partition(":")
        again = f"scripts/simulate --seed {seed} --episode {number}" + (f" --kind {kind}" if kind else "")
        print(f"\n{outcome.profile}\n\n{outcome.story}\n\nVIOLATION at step {outcome.steps}: {outcome.violation}")
        print(f"again: {again}", flush=True)


def _summary(outcomes: list[Outcome], seconds: float) -> None:
    session_hours = sum(o.session_hours for o in outcomes)
    print(
        f"\n{len(outcomes)} episodes, {sum(o.hours for o in outcomes):.1f} hours, {session_hours:.0f} session-hours, "
        f"{sum(o.steps for o in outcomes)} steps, {sum(o.segments for o in outcomes)} segments, "
        f"{sum(o.controllers for o in outcomes)} controllers in {seconds:.0f} s of CPU: "
        f"{session_hours / max(seconds, 0.001):.1f} session-hours a second"
    )
    for title, counted in (
        ("faults", sum((o.injected for o in outcomes), Counter[str]())),
        ("answers", sum((o.answers for o in outcomes), Counter[str]())),
        ("invariants checked", sum((o.checked for o in outcomes), Counter[str]())),
    ):
        print(f"\n{title}:")
        for name, count in sorted(counted.items()):
            print(f"  {count:>10}  {name}")


if __name__ == "__main__":
    sys.exit(main())
