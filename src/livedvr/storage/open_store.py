"""From an output URI to the store behind it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from livedvr.resources.errors import InvalidArgument


def local_root(uri: str) -> Path:
    """The directory an output URI names: a path or ``file:///...``; INVALID_ARGUMENT for anything else."""
    if "://" not in uri:
        return Path(uri).absolute()
    parts = urlsplit(uri)
    if parts.scheme == "file" and parts.netloc in ("", "localhost"):
        return Path(unquote(parts.path))
    raise InvalidArgument(
        f"'{uri}' is not an output livedvr can write to", field="--output", hint="use a directory or file:///..."
    )
