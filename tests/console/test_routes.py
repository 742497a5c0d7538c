"""The page of a real server, as a browser asks for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from livedvr.console.routes import is_page
from serving import Served, serving

READER = "reader-0123456789abcdef"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    folder = tmp_path_factory.mktemp("console")
    tokens = folder / "tokens"
    tokens.touch(0o600)
    tokens.write_text(f"{READER} read desk\n")
    with serving(folder / "data", token_file=tokens) as served:
        yield served


def test_the_page_is_for_everybody_and_what_is_recorded_for_who_may_read(served: Served) -> None:
    assert served.ask("GET", "/").url.endswith("/console/")
    for path in ("/console/", "/console/main.js", "/console/console.css", "/console/hls.min.mjs"):
        assert served.ask("GET", path).ok, path
    for path in ("/console/api/state", "/console/api/events", "/console/thumbs/x/live.jpg", "/console/../metrics"):
        assert served.ask("GET", path).status_code == 403, path
    token = {"authorization": f"Bearer {READER}"}
    assert served.ask("GET", "/console/api/state", headers=token).json() == {"channels": {}}
    assert served.ask("GET", "/console/thumbs/x/live.jpg", headers=token).status_code == 404
    assert served.ask("POST", "/console/api/state", headers=token).status_code in (403, 405, 501)


def test_a_strict_policy(served: Served) -> None:
    policy = served.ask("GET", "/console/").headers["content-security-policy"]
    assert "default-src 'none'" in policy and "script-src 'self';" in policy and "unsafe" not in policy
    assert "require-trusted-types-for 'script'" in policy


def test_the_page_is_light(served: Served) -> None:
    """Without hls.js, which is loaded when something is played."""
    names = [file.name for file in (Path(__file__).parents[2] / "src/livedvr/console/static").iterdir()]
    sizes = {
        name: int(served.ask("GET", f"/console/{name}").headers["content-length"])
        for name in names
        if name != "hls.min.mjs"
    }
    assert sum(sizes.values()) < 40_000, sizes


def test_no_script_writes_markup() -> None:
    for file in (Path(__file__).parents[2] / "src/livedvr/console/static").glob("*.js"):
        text = file.read_text()
        for sink in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function("):
            assert sink not in text, file.name


@pytest.mark.parametrize("path", ["/console/api/", "/console/thumbs/a/live.jpg", "/v1/x", "/consolex/api/state"])
def test_what_is_no_page(path: str) -> None:
    assert not is_page(path)
