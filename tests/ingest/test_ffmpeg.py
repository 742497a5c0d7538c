from __future__ import annotations

from pathlib import Path

import imageio_ffmpeg
import pytest

from livedvr.ingest.ffmpeg import find_ffmpeg
from livedvr.resources.errors import FailedPrecondition


def _fake(path: Path, first_line: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{first_line}'\n")
    path.chmod(0o755)
    return path


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("LIVEDVR_FFMPEG", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/nowhere")


def test_the_variable_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _fake(tmp_path / "bin/ffmpeg", "ffmpeg version 8.0 Copyright")
    mine = _fake(tmp_path / "mine", "ffmpeg version n6.1.1-3 Copyright")
    monkeypatch.setenv("LIVEDVR_FFMPEG", str(mine))
    assert (find_ffmpeg().path, find_ffmpeg().version) == (mine, (6, 1))


def test_the_variable_is_obeyed_or_refused_never_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path, says in (
        (tmp_path / "nothing", "is not an ffmpeg"),
        (_fake(tmp_path / "other", "something else"), "is not an ffmpeg"),
        (_fake(tmp_path / "old", "ffmpeg version 5.0.3 Copyright"), "5.1 or newer"),
    ):
        monkeypatch.setenv("LIVEDVR_FFMPEG", str(path))
        with pytest.raises(FailedPrecondition, match=says):
            find_ffmpeg()


def test_one_on_the_path_is_taken_if_it_is_new_enough(tmp_path: Path) -> None:
    on_path = _fake(tmp_path / "bin/ffmpeg", "ffmpeg version 5.1.9-0+deb12u1 Copyright")
    assert find_ffmpeg().path == on_path
    _fake(on_path, "ffmpeg version 4.3 Copyright")
    assert find_ffmpeg().path == Path(imageio_ffmpeg.get_ffmpeg_exe()), "else the wheel's"


def test_none_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing() -> str:
        raise RuntimeError("no binary in this wheel")

    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", nothing)
    with pytest.raises(FailedPrecondition, match="no ffmpeg"):
        find_ffmpeg()
