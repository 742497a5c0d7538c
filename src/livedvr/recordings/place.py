"""Where recordings go: directories, from channels that write to directories. Blocking."""

from __future__ import annotations

from pathlib import Path

from livedvr.resources.errors import InvalidArgument, Unimplemented
from livedvr.storage.local import LocalStore
from livedvr.storage.open_store import place_of


def local_root(uri: str) -> Path:
    """The directory that a URI names. UNIMPLEMENTED: it lies in a bucket; INVALID_ARGUMENT: nothing can be written."""
    try:
        root = place_of(uri).root
    except InvalidArgument as error:
        raise InvalidArgument(error.message, field="outputUri", hint=error.hint) from None
    if root is None:
        raise Unimplemented(
            "recordings are made in directories, not in buckets yet", field="outputUri", hint="use a directory"
        )
    return root


def open_place(uri: str) -> LocalStore:
    """The store that a recording is written to."""
    return LocalStore(local_root(uri))
