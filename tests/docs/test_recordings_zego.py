"""docs/recordings-zego.md says of each parameter and code what becomes of it, where it stands in a request."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from livedvr.facades.config import read_facades
from livedvr.facades.zego.door import RATES, SELDOM
from livedvr.facades.zego.errors import Code
from livedvr.facades.zego.params import (
    FillFrame,
    Given,
    MixConfig,
    RecordInput,
    RecordOutput,
    StartRecord,
    Storage,
    read,
)
from livedvr.facades.zego.supported import check

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "recordings-zego.md").read_text()
SECTION = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)[0]
OBJECTS: dict[str, type[Given]] = {
    "## Parameters of StartRecord": StartRecord,
    "### RecordInputParams": RecordInput,
    "### RecordInputParams.MixConfig": MixConfig,
    "### RecordOutputParams": RecordOutput,
    "### StorageParams": Storage,
}


def test_the_section_is_one(tmp_path: Path) -> None:
    path = tmp_path / "facades.toml"
    path.write_text(SECTION)
    (facade,) = read_facades(path)
    assert (facade.name, facade.listen) == ("zego", "127.0.0.1:8093")


def test_its_file_url_is_where_the_channel_of_cli_md_is_published() -> None:
    (output,) = re.findall(r"--output gs://(\S+)/news ", (DOCS / "cli.md").read_text())
    assert f'file_url = "http://127.0.0.1:8080/media/{output}/{{channel}}"' in SECTION


@pytest.mark.parametrize("heading", OBJECTS)
def test_each_parameter_is_in_the_table_of_its_object(heading: str) -> None:
    table = re.split(r"^##", TEXT.partition(f"{heading}\n")[2], flags=re.MULTILINE)[0]
    missing = {field.alias for field in OBJECTS[heading].model_fields.values()} - _named(table)
    assert missing <= {"FillFrame"}, "its own parameters are there"
    if missing:
        assert {f"FillFrame.{field.alias}" for field in FillFrame.model_fields.values()} <= _named(table)


def _named(table: str) -> set[str | None]:
    """What stands in backticks in its first column."""
    rows = re.findall(r"^\| (.*?) \|", table, re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([\w.]+)`", row)}


def test_its_mix_is_taken() -> None:
    (asked,) = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)
    check(read(StartRecord, json.loads(asked), strict=True))


def test_each_code_and_rate_is_in_its_table() -> None:
    assert all(f"| {int(code)} |" in TEXT for code in Code if code is not Code.SUCCEED)
    assert all(re.search(rf"`{name}`.* \| {rate.per_second} \|", TEXT) for name, rate in RATES.items())
    assert TEXT.count(f" | {SELDOM.per_second} |") == 4
