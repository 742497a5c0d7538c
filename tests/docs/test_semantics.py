"""docs/dvr-sessions.md tells the truth: its generated parts are the code's, and each of its rows has a test."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "dvr-sessions.md"
ROWS = re.findall(r"^- \*\*([A-Z]\d+)\*\* (Not yet)?", DOCUMENT.read_text(), re.M)
MARKED = {
    identity
    for path in (ROOT / "tests").rglob("*.py")
    for marker in re.findall(r"mark\.semantics\(([^)]*)\)", path.read_text())
    for identity in re.findall(r'"([A-Z]\d+)"', marker)
}
INGEST = {f"I{number}" for number in range(1, 7)}  # the rows about sources, which are not about sessions


def test_the_document_has_every_row_of_each_letter() -> None:
    named = [identity for identity, _ in ROWS]
    assert len(named) == len(set(named))
    for letter, count in {"O": 6, "W": 6, "S": 17, "R": 5, "P": 9, "C": 6}.items():
        assert [identity for identity in named if identity[0] == letter] == [
            f"{letter}{i}" for i in range(1, count + 1)
        ]


@pytest.mark.parametrize("identity", [identity for identity, not_yet in ROWS if not not_yet])
def test_a_row_has_a_test_that_carries_its_id(identity: str) -> None:
    assert identity in MARKED


def test_no_test_carries_an_id_that_no_row_has() -> None:
    assert MARKED - {identity for identity, _ in ROWS} <= INGEST


def test_the_diagram_and_the_table_are_the_code_s() -> None:
    spec = importlib.util.spec_from_file_location("make_docs", ROOT / "scripts" / "make_docs.py")
    assert spec is not None and spec.loader is not None
    make_docs = importlib.util.module_from_spec(spec)
    sys.modules["make_docs"] = make_docs
    spec.loader.exec_module(make_docs)
    text = DOCUMENT.read_text()
    assert make_docs.drawn(text) == text, "run scripts/make-docs"
    assert "stateDiagram-v2" in text
