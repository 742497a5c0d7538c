"""A whole copy of a catalog, made while others read and write it."""

from __future__ import annotations

import contextlib
import os
import secrets
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from livedvr.catalog.schema import check_version
from livedvr.resources.errors import NotFound

PAGES = 1024  # copied at a time: 4 MiB

_COUNTED = ("channels", "sessions")  # in every schema


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy's schema, and how many channels and sessions it has."""

    schema: int
    channels: int
    sessions: int


def copy_catalog(catalog: Path, target: Path, *, replace: bool) -> Copy:
    """Copy the catalog as it is at one moment; ``target`` is there whole, private to its user, or not at all.

    The copy is read within one transaction. Of a catalog in WAL mode that keeps no writer waiting, and no write makes
    it begin again. Raises NOT_FOUND (no catalog of livedvr), FAILED_PRECONDITION (a newer one's), sqlite3.Error,
    OSError; FileExistsError only without ``replace``.
    """
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))  # inputs carry passphrases
        copied = _copy(catalog, draft)
        _sync(draft)
        if replace:
            draft.replace(target)
        else:
            os.link(draft, target)  # somebody may have made it meanwhile
        _sync(target.parent)
    finally:
        for left in (draft, *beside(draft)):
            left.unlink(missing_ok=True)
    return copied


def beside(path: Path) -> tuple[Path, Path]:
    """What SQLite keeps beside a database that is open."""
    return path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")


def _copy(catalog: Path, draft: Path) -> Copy:
    """What has been copied has also been read, to be whole."""
    source = sqlite3.connect(f"file:{quote(str(catalog))}?mode=ro", uri=True, isolation_level=None)
    with contextlib.closing(source):
        source.execute("BEGIN")
        schema = check_version(source)  # from here on it is one moment's
        if not schema:
            raise NotFound("this is no catalog of livedvr", field=str(catalog))
        with contextlib.closing(sqlite3.connect(draft, isolation_level=None)) as copy:
            source.backup(copy, pages=PAGES, sleep=0)
            (found,) = copy.execute("PRAGMA quick_check(1)").fetchone()
            if found != "ok":
                raise sqlite3.DatabaseError(f"it is damaged: {found}")
            counts = [copy.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in _COUNTED]
    return Copy(schema, *counts)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
