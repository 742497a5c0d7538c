from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from simulation.episode import run_episode
from simulation.mutants import MUTANTS, Patch
from simulation.plant import everything

pytestmark = pytest.mark.timeout(900)  # a minute of computing at the most, which on a busy machine are several


@pytest.mark.semantics("S5", "S7", "S11", "S14", "S15", "S16", "S17", "O6", "W5", "W6", "P1", "P2", "P8", "R2", "R4")
def test_every_invariant_holds_whatever_fails() -> None:
    injected: Counter[str] = Counter()
    checked: Counter[str] = Counter()
    for episode in range(6):
        outcome = run_episode(11, episode, profile=everything(0.5))
        assert outcome.violation is None, f"{outcome.story}\n{outcome.violation}"
        injected += outcome.injected
        checked += outcome.checked
    assert checked["W5 exactly what meets the windows, in order"] > 5000, "it is not blind"
    assert min(injected[kind] for kind in ("crash", "storage refuses", "timestamps jump", "answer lost")) > 0


def test_nothing_but_the_seed_decides_what_happens() -> None:
    first, again, other = (run_episode(seed, 0, profile=everything(0.2)) for seed in (5, 5, 6))
    assert (first.digest, first.steps, first.checked) == (again.digest, again.steps, again.checked)
    assert first.digest != other.digest


@pytest.mark.parametrize(("seed", "episode"), [(301, 1), (301, 2), (314, 0), (500, 1)])
def test_episodes_that_were_broken_once(seed: int, episode: int) -> None:
    # A session ended while a look was held up that would have seen its media; a restart forgot how long a live list
    # had been.
    assert run_episode(seed, episode, profile=everything(0.5)).violation is None


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_broken_product_is_found(mutant: Callable[[Patch], None], monkeypatch: Patch) -> None:
    mutant(monkeypatch)
    found = (run_episode(7, n, profile=everything(0.3)).violation for n in range(12))
    assert any(violation is not None for violation in found), mutant.__doc__


def test_the_episodes_in_which_mutants_are_found_are_sound() -> None:
    violations = [run_episode(7, n, profile=everything(0.3)).violation for n in range(2)]
    assert violations == [None, None]
