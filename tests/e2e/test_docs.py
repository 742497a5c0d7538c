from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from browsing import browser  # noqa: F401 - a fixture
from live import until
from serving import serving

pytestmark = pytest.mark.e2e


def test_a_browser_shows_each_method_and_loads_nothing_from_elsewhere(browser: Any, tmp_path: Path) -> None:  # noqa: F811
    with serving(tmp_path / "state") as served:
        methods = sum(map(len, served.ask("GET", "/openapi.json").json()["paths"].values()))
        browser.get(f"{served.url}/docs")
        shown = until(lambda: browser.find_elements("css selector", ".opblock"), "the list of methods")
        assert len(shown) == methods
        script = "return JSON.stringify(performance.getEntriesByType('resource').map(entry => entry.name))"
        assert all(name.startswith((served.url, "data:")) for name in json.loads(browser.execute_script(script)))
        assert not [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]  # nor was refused it
