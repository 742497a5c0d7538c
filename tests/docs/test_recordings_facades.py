"""Each page of a facade says what is needed before, with the channel that its section means."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", ["enfonica", "graph", "tencent", "zego"])
def test_a_page_says_what_is_needed_before(name: str) -> None:
    text = (DOCS / f"recordings-{name}.md").read_text()
    before, _, after = text.partition("**Before**: ")[2].partition("```toml\n")
    (channel,) = tomllib.loads(after.partition("```")[0])[name]["channels"].values()
    assert f"a channel `{channel}`" in before and "(cli.md)" in before and "--facades facades.toml" in before
    assert (channel == "news") is ("for `news`" not in before), "cli.md's is called news"
