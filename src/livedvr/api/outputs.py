"""Where channels may write: below what the operator names, whatever a client asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from livedvr.resources.errors import InvalidArgument
from livedvr.storage.open_store import place_of

_GS = re.compile(r"gs://([a-z0-9][a-z0-9._-]{1,220}[a-z0-9])((?:/[^\0-\x1f\x7f]*)?)")


@dataclass(frozen=True, slots=True)
class Outputs:
    """``root``: a directory, a ``gs://bucket/prefix``, or ``gs://`` for any bucket.

    Clients of the original write ``gs://bucket/path``. Over a directory that means ``DIR/bucket/path``, so that they
    need not be changed; a path below the directory (also as ``file://``) means itself.
    """

    root: str

    def place(self, uri: str, *, field: str) -> str:
        """The domain's output URI for a client's. INVALID_ARGUMENT: it is no URI, or not below the root."""
        text = uri.rstrip("/")
        if self.root.startswith("gs://"):
            return self._in_bucket(text, field)
        directory = place_of(self.root).root
        assert directory is not None  # what is in no bucket is a directory
        root = directory.resolve()
        bucket = _GS.fullmatch(text)
        if bucket is not None:
            asked = root / bucket[1] / bucket[2].lstrip("/")
            self._check_parts(bucket[2], uri, field)
        elif text.startswith(("/", "file:///")):
            path = unquote(text.removeprefix("file://"))
            self._check_parts(path, uri, field)
            asked = Path(path)
        else:
            raise InvalidArgument(
                f"'{uri}' is no output",
                field=field,
                hint="an absolute path, or gs://bucket/path, where a bucket has 3 to 222 of a-z 0-9 . _ -",
            )
        resolved = asked.resolve()  # a symbolic link may lead out of it
        if root not in resolved.parents:
            raise InvalidArgument(f"'{uri}' is not below the server's output", field=field, hint=f"below {root}")
        return str(resolved)

    def _in_bucket(self, text: str, field: str) -> str:
        if _GS.fullmatch(text) is None:
            raise InvalidArgument(f"'{text}' is no output of this server", field=field, hint="gs://bucket/path")
        self._check_parts(text.removeprefix("gs://"), text, field)
        root = self.root.rstrip("/")
        if root != "gs:" and not text.startswith(f"{root}/"):
            raise InvalidArgument(f"'{text}' is not below the server's output", field=field, hint=f"below {root}/")
        return text

    @staticmethod
    def _check_parts(path: str, uri: str, field: str) -> None:
        parts = path.removeprefix("/").split("/") if path.strip("/") else []
        if "\\" in path or "\0" in path or not {"", ".", "..", ".livedvr"}.isdisjoint(parts):
            raise InvalidArgument(f"'{uri}' is no plain path", field=field, hint="without . and .. and empty parts")
