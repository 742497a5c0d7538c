"""The console of a server that asks for tokens: its page asks its user, and keeps what is said for this tab alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from browsing import browser  # noqa: F401 - a fixture
from live import until
from serving import Served, serving

pytestmark = pytest.mark.e2e

TOKEN = "read-0123456789abcdef"


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Served]:
    tokens = tmp_path / "tokens"
    tokens.write_text(f"{TOKEN} read viewer\n")
    tokens.chmod(0o600)
    with serving(tmp_path / "data", token_file=tokens) as served:
        yield served


def test_a_token_is_asked_for_until_it_is_right(guarded: Served, browser: Any) -> None:  # noqa: F811
    browser.get(f"{guarded.url}/")

    def find(selector: str) -> Any:
        return browser.find_element(By.CSS_SELECTOR, selector)

    def asked() -> str:
        """Why, while a token is asked for."""
        text: str = find("#token-why").text if find("#ask-token").is_displayed() else ""
        return text

    first = until(asked, "a token is asked for")
    find("#token").send_keys(Keys.ESCAPE)
    assert asked() == first, "there is nothing to be seen without one"
    find("#token").send_keys("wrong-0123456789abcdef", Keys.ENTER)
    until(lambda: asked() not in ("", first), "it is asked for again, and told why")
    assert find("#token").get_attribute("value") == ""
    find("#token").send_keys(TOKEN, Keys.ENTER)
    until(lambda: find("#connection").text == "connected", "the page is connected")
    assert not find("#ask-token").is_displayed()
    browser.refresh()
    until(lambda: find("#connection").text == "connected", "this tab still has it")
    assert not asked()
    kept = browser.execute_script("return [Object.values(localStorage), document.cookie]")
    assert kept == [[], ""]
