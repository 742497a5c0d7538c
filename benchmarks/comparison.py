"""A row of the table: what livedvr takes, beside what would be used instead, and how near that is to the aim."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from statistics import median

from benchmarks.figures import table

HEAD = ["what", "livedvr", "beside", "takes", "ratio (least-most)", "aim", "kept"]


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison. ``ours`` and ``theirs`` are for people, ``ratio`` has its spread.

    ``kept``: the aim is; None: there is none.
    """

    what: str
    ours: str
    beside: str
    theirs: str
    ratio: str
    aim: str
    kept: bool | None

    def cells(self) -> list[str]:
        """As in `HEAD`."""
        kept = {True: "yes", False: "NO", None: ""}[self.kept]
        return [self.what, self.ours, self.beside, self.theirs, self.ratio, self.aim, kept]


def beside(
    what: str,
    ours: Sequence[float],
    name: str,
    theirs: Sequence[float],
    *,
    unit: str,
    most: float = inf,
    least: float = 0,
) -> Row:
    """Measured in turn, a value of each per round; the ratio is kept when its median is in [``least``, ``most``]."""
    ratios = sorted(one / other for one, other in zip(ours, theirs, strict=True))
    middle = median(ratios)
    spread = f"{number(middle)} ({number(ratios[0])}-{number(ratios[-1])})"
    aim = f">= {least:g}" if least else "" if most == inf else f"<= {most:g}"
    return Row(what, _of(ours, unit), name, _of(theirs, unit), spread, aim, least <= middle <= most if aim else None)


def alone(what: str, values: Sequence[float], *, unit: str, most: float) -> Row:
    """Nothing stands beside it: the median itself has an aim."""
    spread = f"{number(min(values))}-{number(max(values))}" if len(values) > 1 else ""
    return Row(what, _of(values, unit), "-", "", spread, f"<= {most:g} {unit}", median(values) <= most)


def report(rows: Sequence[Row]) -> str:
    """The table."""
    return table(HEAD, [row.cells() for row in rows])


def _of(values: Sequence[float], unit: str) -> str:
    return f"{number(median(values))} {unit}"


def number(value: float) -> str:
    """With three figures that mean something, ``12,300`` or ``0.00123``."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
