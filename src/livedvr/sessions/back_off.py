"""How long to wait before the store is asked again that has refused."""

from __future__ import annotations

from random import uniform

from livedvr.resources.times import SECOND

FIRST, LONGEST = SECOND, 8 * SECOND


class BackOff:
    """Doubles with each refusal in a row, up to `LONGEST`; up to half of it is left out by chance, so that those who
    were refused together do not come back together.

    There is no last time: a player waits for the next state, and each attempt is of the newest one.
    """

    def __init__(self) -> None:
        self._next = FIRST

    def refused(self) -> int:
        """How long to wait now, microseconds."""
        wait, self._next = self._next, min(2 * self._next, LONGEST)
        return round(wait * uniform(0.5, 1))

    def accepted(self) -> None:
        """The next refusal is the first one."""
        self._next = FIRST
