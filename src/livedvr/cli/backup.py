"""`livedvr backup`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from livedvr.catalog.backup import Backup, back_up
from livedvr.resources.errors import InvalidArgument, LiveDvrError, NotFound, StorageError

INTERNAL, USAGE, NOT_FOUND, STORAGE, REFUSED = 1, 2, 3, 4, 6

_EXIT_CODES = ((InvalidArgument, USAGE), (NotFound, NOT_FOUND), (StorageError, STORAGE), (LiveDvrError, REFUSED))


@click.command(
    epilog="Exit codes: 0 saved; 2 bad usage; 3 no data there; 4 storage; 6 refused (it exists, it is open, the catalog"
    " is a newer livedvr's)."
)
@click.argument("dest", metavar="DEST", type=click.Path(path_type=Path))
@click.option(
    "--data-dir", metavar="DIR", required=True, type=click.Path(path_type=Path), help="Where the catalog lives."
)
@click.option("--force", is_flag=True, help="Replace DEST if it is there.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def backup(dest: Path, data_dir: Path, force: bool, as_json: bool) -> None:
    """Copy the catalog of a data dir into the file DEST, also while a controller runs.

    The catalog says what of the media is whose; media and manifests lie in the channels' outputs and are not copied.
    How a copy is put back: docs/backup.md.
    """
    try:
        saved = back_up(data_dir / "catalog.sqlite3", dest.absolute(), force=force)
    except LiveDvrError as error:
        click.echo(f"livedvr: {error}", err=True)
        sys.exit(next((code for kind, code in _EXIT_CODES if isinstance(error, kind)), INTERNAL))
    click.echo(json.dumps(_shown(saved), indent=2) if as_json else _line(saved))


def _shown(saved: Backup) -> dict[str, str | int]:
    return {
        "path": str(saved.path),
        "schema": saved.copy.schema,
        "channels": saved.copy.channels,
        "sessions": saved.copy.sessions,
        "size": saved.size,
    }


def _line(saved: Backup) -> str:
    what = f"{saved.copy.channels} channel(s), {saved.copy.sessions} session(s), schema {saved.copy.schema}"
    return f"saved {what}, {saved.size} bytes: {saved.path}"
