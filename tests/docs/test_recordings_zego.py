"""docs/recordings-zego.md says of each parameter and code what becomes of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from livedvr.facades.config import read_facades
from livedvr.facades.zego.door import RATES, SELDOM
from livedvr.facades.zego.errors import Code
from livedvr.facades.zego.params import FillFrame, MixConfig, RecordInput, RecordOutput, StartRecord, Storage

TEXT = (Path(__file__).parents[2] / "docs" / "recordings-zego.md").read_text()
OBJECTS = ("RecordInputParams", "RecordOutputParams", "StorageParams", "FillFrame", "MixConfig")


def test_the_section_is_one(tmp_path: Path) -> None:
    (section,) = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
    path = tmp_path / "facades.toml"
    path.write_text(section)
    (facade,) = read_facades(path)
    assert (facade.name, facade.listen) == ("zego", "127.0.0.1:8093")


PARAMETERS = [*StartRecord.model_fields.values(), *Storage.model_fields.values(), *FillFrame.model_fields.values()]
PARAMETERS += [
    *RecordInput.model_fields.values(),
    *RecordOutput.model_fields.values(),
    *MixConfig.model_fields.values(),
]
NAMES = sorted({field.alias or "" for field in PARAMETERS} - set(OBJECTS))


@pytest.mark.parametrize("name", NAMES)
def test_each_parameter_is_in_the_table(name: str) -> None:
    table = TEXT[TEXT.index("## Parameters of StartRecord") :]
    assert re.search(rf"`([A-Za-z]+\.)?{name}`", table)


def test_each_code_and_rate_is_in_its_table() -> None:
    assert all(f"| {int(code)} |" in TEXT for code in Code if code is not Code.SUCCEED)
    assert all(re.search(rf"`{name}`.* \| {rate.per_second} \|", TEXT) for name, rate in RATES.items())
    assert TEXT.count(f" | {SELDOM.per_second} |") == 4
