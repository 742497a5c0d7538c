"""What is wrong in the file of `--facades` is told by section and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from livedvr.facades.config import read_facades
from livedvr.resources.errors import InvalidArgument


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = ", "is no TOML"),
        ("[pigeon]\nlisten = '127.0.0.1:1'\n", "there is no facade 'pigeon'"),
    ],
)
def test_a_file_that_is_wrong(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "facades.toml"
    path.write_text(text)
    with pytest.raises(InvalidArgument, match=message) as caught:
        read_facades(path)
    assert caught.value.field == "--facades"


def test_no_file(tmp_path: Path) -> None:
    assert read_facades(None) == []
    with pytest.raises(InvalidArgument, match="No such file"):
        read_facades(tmp_path / "none.toml")
