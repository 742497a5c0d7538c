"""What code costs, counted and never timed: the same on every machine, however busy."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from types import FrameType


def calls_of(work: Callable[[], object]) -> Counter[str]:
    """How often each function was called, of Python and of C."""
    counted: Counter[str] = Counter()

    def see(frame: FrameType, event: str, called: object) -> None:
        if event == "call":
            counted[frame.f_code.co_name] += 1
        elif event == "c_call":
            counted[getattr(called, "__name__", "?")] += 1

    before = sys.getprofile()
    sys.setprofile(see)
    try:
        work()
    finally:
        sys.setprofile(before)
    return counted
