"""docs/recordings-graph.md: its section of TOML is one, and it names each reason and number there is."""

from __future__ import annotations

from pathlib import Path

from livedvr.facades.config import read_facades
from livedvr.facades.graph import operations
from livedvr.facades.graph.operations import Outcome

TEXT = (Path(__file__).parents[2] / "docs" / "recordings-graph.md").read_text()


def test_its_section_switches_it_on(tmp_path: Path) -> None:
    toml = TEXT.partition("```toml\n")[2].partition("```")[0]
    assert "/var/lib/livedvr/graph.pem" in toml
    (tmp_path / "facades.toml").write_text(toml.replace("/var/lib/livedvr/graph.pem", str(tmp_path / "graph.pem")))
    (facade,) = read_facades(tmp_path / "facades.toml")
    assert (facade.name, facade.listen) == ("graph", "127.0.0.1:8095")


def test_each_way_to_end_is_in_the_table() -> None:
    outcomes = [one for one in vars(operations).values() if isinstance(one, Outcome)]
    for one in [*outcomes, *operations._ENDS.values()]:
        if one not in (operations.PLAYED, operations.PROMPT_FAILED):
            assert f"`{one.reason}`" in TEXT and str(one.subcode) in TEXT, one
