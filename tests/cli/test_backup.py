from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result

from livedvr.catalog.catalog import Catalog
from livedvr.catalog.schema import MIGRATIONS
from livedvr.cli import main


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["backup", *map(str, arguments)])


def test_it_says_what_it_has_saved(tmp_path: Path) -> None:
    Catalog(tmp_path / "catalog.sqlite3").close()
    done = run(tmp_path / "a", "--data-dir", tmp_path)
    size = (tmp_path / "a").stat().st_size
    assert (done.exit_code, done.stderr) == (0, "")
    assert (
        done.stdout == f"saved 0 channel(s), 0 session(s), schema {len(MIGRATIONS)}, {size} bytes: {tmp_path / 'a'}\n"
    )
    done = run(tmp_path / "a", "--data-dir", tmp_path, "--force", "--json")
    shown = {"path": str(tmp_path / "a"), "schema": len(MIGRATIONS), "channels": 0, "sessions": 0, "size": size}
    assert (done.exit_code, json.loads(done.stdout)) == (0, shown)


def test_each_error_has_its_line_and_its_exit_code(tmp_path: Path) -> None:
    Catalog(tmp_path / "catalog.sqlite3").close()
    (tmp_path / "old").touch()
    for code, arguments, text in (
        (2, (tmp_path / "a",), "--data-dir"),
        (2, (tmp_path, "--data-dir", tmp_path), "livedvr: DEST: "),
        (3, (tmp_path / "a", "--data-dir", tmp_path / "none"), "there is no livedvr data here"),
        (6, (tmp_path / "old", "--data-dir", tmp_path), "exists already (--force replaces it)"),
    ):
        done = run(*arguments)
        assert (done.exit_code, done.stdout) == (code, "")
        assert text in done.stderr
