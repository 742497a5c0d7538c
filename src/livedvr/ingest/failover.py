"""Which of a channel's inputs is on air (the Live Stream API's InputConfig.inputSwitchMode). Pure.

What the inputs are like comes in, a choice goes out:

    mode                      on air    what is so                                            on air next
    FAILOVER_PREFER_PRIMARY   primary   it is lost, the backup is ready                       backup
                              backup    it is lost, the primary is ready                      primary
                              backup    the primary has been ready for STEADY                 primary
    MANUAL                    either    somebody has asked for the other                      the other
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from livedvr.resources.models import InputKey, InputSwitchMode
from livedvr.resources.times import SECOND

NEVER_CAME = 5 * SECOND  # an input that has brought nothing for so long since it was started counts as lost
STEADY = 10 * SECOND  # a primary that returns has to go on for so long


@dataclass(frozen=True, slots=True)
class Health:
    """What an input is like. ``ready_since``: UTC microseconds from when on its clock has settled, None: it has not.

    ``lost``: no media comes, and none is waited for any more.
    """

    ready_since: int | None
    lost: bool


def choose(
    mode: InputSwitchMode, on_air: InputKey, inputs: Mapping[InputKey, Health], asked: InputKey | None, now: int
) -> InputKey:
    """The input that should be on air now."""
    if mode == "MANUAL":
        return asked or on_air
    other: InputKey = "backup" if on_air == "primary" else "primary"
    ready_since = inputs[other].ready_since
    if ready_since is None:
        return on_air
    returned = other == "primary" and now - ready_since >= STEADY
    return other if inputs[on_air].lost or returned else on_air
