"""A server for the tests of the API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from serving import Served, serving


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A server with nothing in it."""
    with serving(tmp_path / "state") as served:
        yield served


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One for a module whose tests do not disturb each other."""
    with serving(tmp_path_factory.mktemp("serve") / "state") as served:
        yield served
