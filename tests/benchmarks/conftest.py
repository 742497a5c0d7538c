from __future__ import annotations

import os
import sys

import pytest


@pytest.fixture(autouse=True)
def as_scripts_bench_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it starts finds the tests' builders where the tests do."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
