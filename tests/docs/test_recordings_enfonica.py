"""docs/recordings-enfonica.md: its line that makes a call is taken, with the token of its section."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from urllib.parse import urlsplit

from facades.house import House
from livedvr.facades.config import read_facades

TEXT = (Path(__file__).parents[2] / "docs" / "recordings-enfonica.md").read_text()
BLOCKS = dict(re.findall(r"```(\w+)\n(.*?)```", TEXT, re.DOTALL))


async def test_its_line_makes_a_call(tmp_path: Path) -> None:
    config = tmp_path / "facades.toml"
    config.write_text(BLOCKS["toml"])
    (facade,) = read_facades(config)
    curl, flags, url, *options = shlex.split(BLOCKS["bash"].replace("\\\n", " "))
    assert (curl, flags, urlsplit(url).netloc) == ("curl", "-sS", facade.listen)
    given = list(zip(options[::2], options[1::2], strict=True))
    headers = dict(value.split(": ") for option, value in given if option == "-H")
    assert [value for option, value in given if option == "-d"] == ["@call.json"] and "`call.json`" in TEXT
    async with House(tmp_path, facade) as house:
        made = await house.ask("POST", urlsplit(url).path, BLOCKS["json"].encode(), headers)
        assert made.status == 200 and made.json()["state"] == "QUEUED"
        assert len(await house.dvr.recordings.list("live")) == 1
