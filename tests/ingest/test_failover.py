from __future__ import annotations

import pytest

from livedvr.ingest.failover import STEADY, Health, choose
from livedvr.resources.models import InputKey, InputSwitchMode

NOW = 1_000_000_000

READY = Health(NOW - STEADY, lost=False)
RETURNED = Health(NOW - STEADY + 1, lost=False)  # not for long enough
SETTLING = Health(None, lost=False)
LOST = Health(None, lost=True)


@pytest.mark.parametrize(
    ("on_air", "primary", "backup", "next_on_air"),
    [
        ("primary", READY, READY, "primary"),
        ("primary", SETTLING, READY, "primary"),
        ("primary", LOST, READY, "backup"),
        ("primary", LOST, RETURNED, "backup"),
        ("primary", LOST, SETTLING, "primary"),
        ("primary", LOST, LOST, "primary"),
        ("backup", READY, READY, "primary"),
        ("backup", RETURNED, READY, "backup"),
        ("backup", RETURNED, LOST, "primary"),
        ("backup", SETTLING, LOST, "backup"),
        ("backup", LOST, READY, "backup"),
        ("backup", LOST, LOST, "backup"),
    ],
)
def test_failover_prefers_the_primary(on_air: InputKey, primary: Health, backup: Health, next_on_air: InputKey) -> None:
    inputs: dict[InputKey, Health] = {"primary": primary, "backup": backup}
    assert choose("FAILOVER_PREFER_PRIMARY", on_air, inputs, None, NOW) == next_on_air


@pytest.mark.parametrize("asked", [None, "primary", "backup"])
@pytest.mark.parametrize("on_air", ["primary", "backup"])
@pytest.mark.parametrize("health", [READY, LOST])
def test_by_hand_only_who_is_asked_for_comes_on_air(on_air: InputKey, asked: InputKey | None, health: Health) -> None:
    mode: InputSwitchMode = "MANUAL"
    inputs: dict[InputKey, Health] = {"primary": health, "backup": READY}
    assert choose(mode, on_air, inputs, asked, NOW) == (asked or on_air)
