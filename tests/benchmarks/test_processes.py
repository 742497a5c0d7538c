"""Whose CPU is whose."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.processes import running, working_in


def test_a_folder_whose_name_goes_on_is_another_one(tmp_path: Path) -> None:
    def waiting(name: str) -> list[str]:
        return [sys.executable, "-c", "input()", f"file:{tmp_path / name}"]

    with running(waiting("one"), waiting("one/below"), waiting("one-more")) as begun:
        own = [process.pid for process in begun[:2]]
        assert sorted(working_in(tmp_path / "one")) == sorted(own)
        assert working_in(tmp_path / "one-more") == [begun[2].pid]
