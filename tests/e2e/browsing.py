"""Fixtures: a browser, and hls.js to play in it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import missing

CHROMEDRIVER = Path("/usr/bin/chromedriver")
HLS_JS = "hls.js@1.7.4"
AXE = "axe-core@4.14.1"  # looks for what keeps people out


def package(name: str, folder: Path) -> Path:
    """A package of npm's, unpacked in a folder of its own."""
    if shutil.which("npm") is None:
        missing("npm", "npm")
    subprocess.run(["npm", "pack", "--silent", name], cwd=folder, check=True, capture_output=True)
    shutil.unpack_archive(next(folder.glob("*.tgz")), folder)
    return folder / "package"


@pytest.fixture(scope="module")
def hls_js(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """hls.js from its package."""
    return package(HLS_JS, tmp_path_factory.mktemp("hls.js")) / "dist/hls.min.js"


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """axe-core's script."""
    return (package(AXE, tmp_path_factory.mktemp("axe")) / "axe.min.js").read_text()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's chromium, headless."""
    if not CHROMEDRIVER.exists():
        missing("chromedriver", "chromium chromium-driver")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    quiet = ("--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run")
    for option in (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--mute-audio",
        "--no-proxy-server",
        *quiet,
    ):
        options.add_argument(option)
    options.add_argument("--autoplay-policy=no-user-gesture-required")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(str(CHROMEDRIVER)))
    yield driver
    driver.quit()
