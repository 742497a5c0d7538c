"""A copy of the catalog in the user's own place (docs/backup.md)."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from livedvr.catalog.catalog import storage_error
from livedvr.catalog.copying import Copy, beside, copy_catalog
from livedvr.resources.errors import AlreadyExists, FailedPrecondition, InvalidArgument, LiveDvrError, NotFound


@dataclass(frozen=True, slots=True)
class Backup:
    """What has been saved, where, and its size in bytes."""

    path: Path
    copy: Copy
    size: int


def back_up(catalog: Path, target: Path, *, force: bool = False) -> Backup:
    """Copy the catalog into the file ``target``; see `copy_catalog`. An older catalog is copied as it is.

    Raises NOT_FOUND: there is no catalog. ALREADY_EXISTS: there is a target, and no ``force``. INVALID_ARGUMENT: it can
    be no target. FAILED_PRECONDITION: somebody may have it open, or the catalog is a newer livedvr's. CatalogError: it
    cannot be read or written.
    """
    if not catalog.is_file():
        raise NotFound("there is no livedvr data here", field=str(catalog.parent))
    _check_target(catalog, target, force=force)
    try:
        copied = copy_catalog(catalog, target, replace=force)
        return Backup(target, copied, target.stat().st_size)
    except FileExistsError as error:
        raise _exists(target) from error
    except sqlite3.Error as error:
        raise storage_error(catalog, error) from error
    except OSError as error:
        raise storage_error(target, error) from error


def _check_target(catalog: Path, target: Path, *, force: bool) -> None:
    if target.is_dir() or not target.parent.is_dir():
        what = "is a folder" if target.is_dir() else "has no folder to lie in"
        raise InvalidArgument(f"'{target}' {what}", field="DEST", hint="name a file in a folder that is there")
    if target.exists() and any(target.samefile(one) for one in (catalog, *beside(catalog)) if one.exists()):
        raise InvalidArgument("it is the catalog itself", field="DEST", hint="name another file")
    if any(one.exists() for one in beside(target)):
        raise FailedPrecondition(
            f"'{target}' is open, or was not closed: {target.name}-wal or -shm lies beside it, and would be applied",
            field="DEST",
            hint="name another file",
        )
    if target.exists() and not force:
        raise _exists(target)


def _exists(target: Path) -> LiveDvrError:
    return AlreadyExists(f"'{target}' exists already", field="DEST", hint="--force replaces it")
