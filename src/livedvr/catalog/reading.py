"""A look into the catalog without taking part: nothing is migrated, changed or kept from anybody.

(SQLite itself may leave an empty ``-wal`` and ``-shm`` beside it, as WAL needs them also for reading.)
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from livedvr.catalog.catalog import BUSY_SECONDS, storage_error
from livedvr.catalog.schema import MIGRATIONS, check_version
from livedvr.resources.errors import FailedPrecondition, NotFound


@contextlib.contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that cannot write, for queries of the row modules; all of them see the same moment.

    NOT_FOUND when there is no catalog, FAILED_PRECONDITION when it has another schema.
    """
    try:
        if not path.is_file():
            raise NotFound("there is no livedvr data here", field=str(path.parent))
        connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=BUSY_SECONDS)
        with contextlib.closing(connection):
            connection.row_factory = sqlite3.Row
            connection.execute("BEGIN")
            if check_version(connection) < len(MIGRATIONS):
                raise FailedPrecondition(
                    "the catalog was written by an older livedvr",
                    field=str(path),
                    hint="the next controller, an update or a delete brings it up to date",
                )
            yield connection
    except (sqlite3.Error, OSError) as error:
        raise storage_error(path, error) from error
