"""From an output URI to its place: the store behind it, and where on this machine the rest of its channel lies."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from livedvr.resources.errors import InvalidArgument, StorageError
from livedvr.storage.base import ObjectStore, check_name
from livedvr.storage.local import LocalStore, check_local_root

PRIVATE = ".livedvr"  # hidden from everybody who reads the output
LONGEST_PREFIX = 700  # bytes of UTF-8; GCS's names have 1024, and ours come behind it
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")


class Place(Protocol):
    """An output. Two are equal when they are the same place, however it was written."""

    @property
    def uri(self) -> str:
        """How a user names it, without a slash at its end."""

    @property
    def root(self) -> Path | None:
        """The directory; None where it is not on this machine."""

    @property
    def default_data_dir(self) -> Path:
        """Where the catalog lives unless a user says otherwise."""

    def private(self, data_dir: Path, channel: str) -> Path:
        """The folder of this machine that holds the channel's lock, control socket and spool."""

    def check(self, *, make: bool) -> None:
        """Blocking. StorageError says what does not work there. ``make``: it is a channel's first time."""

    def check_start(self) -> None:
        """Blocking, before ingest is started. StorageError: it refuses for good. (What passes is waited for.)"""

    def open(self, *, gzipped: bool) -> ObjectStore:
        """Blocking. The store; StorageError when nobody is signed in. ``gzipped``: its playlists are compressed."""

    def object_uri(self, name: str) -> str:
        """How a user names an object in it."""

    def meets(self, other: Place) -> bool:
        """Whether it is another one, or lies in it, or the other in this: objects of both could have one name."""


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory of this machine. Everything lies below it, so that an object is a link to what is in the spool."""

    root: Path

    @property
    def uri(self) -> str:
        """See `Place`."""
        return str(self.root)

    @property
    def default_data_dir(self) -> Path:
        """See `Place`."""
        return self.root / PRIVATE

    def private(self, data_dir: Path, channel: str) -> Path:
        """See `Place`. In the output, not in the data dir: two catalogs must not write one output either."""
        return self.root / PRIVATE

    def check(self, *, make: bool) -> None:
        """See `Place`. Made anew, a directory would hold nothing of what sessions list: so only the first time."""
        check_local_root(self.root, make=make)

    def check_start(self) -> None:
        """See `Place`. `check` has looked when the channel was opened."""

    def open(self, *, gzipped: bool) -> ObjectStore:
        """See `Place`. A file cannot say that it is compressed: `Output` refuses it."""
        return LocalStore(self.root)

    def object_uri(self, name: str) -> str:
        """See `Place`."""
        return str(self.root / check_name(name))

    def meets(self, other: Place) -> bool:
        """See `Place`."""
        if not isinstance(other, Directory):
            return False
        mine, theirs = self.root.resolve(), other.root.resolve()
        return mine.is_relative_to(theirs) or theirs.is_relative_to(mine)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Directory) and self.root.resolve() == other.root.resolve()

    def __hash__(self) -> int:
        return hash(self.root.resolve())


@dataclass(frozen=True, slots=True)
class InBucket:
    """A prefix of a Cloud Storage bucket; empty, or without a slash at its end."""

    bucket: str
    prefix: str

    @property
    def uri(self) -> str:
        """See `Place`."""
        return f"gs://{self.bucket}/{self.prefix}".rstrip("/")

    @property
    def root(self) -> Path | None:
        """See `Place`."""
        return None

    @property
    def default_data_dir(self) -> Path:
        """See `Place`. XDG Base Directory Specification: relative paths count as unset."""
        given = Path(os.environ.get("XDG_STATE_HOME", ""))
        return (given if given.is_absolute() else Path.home() / ".local" / "state") / "livedvr"

    def private(self, data_dir: Path, channel: str) -> Path:
        """See `Place`. Of two catalogs with one output the bucket itself knows: see `GcsStore`."""
        return data_dir.absolute() / "channels" / channel

    def check(self, *, make: bool) -> None:
        """See `Place`. A channel that is taken up again goes on in its spool while the bucket cannot be reached."""
        if make:
            from livedvr.storage.gcs_check import check_bucket  # the client costs a second: who has no bucket has none

            check_bucket(self.bucket, self._prefix)

    def check_start(self) -> None:
        """See `Place`."""
        from livedvr.storage.gcs_check import check_granted

        try:
            check_granted(self.bucket, self._prefix)
        except StorageError as error:
            if not error.passing:
                raise

    def examine(self) -> list[str]:
        """Blocking. `check`, then what is not as it should be, though recording works; for people."""
        from livedvr.storage.gcs_check import examine_bucket

        self.check(make=True)
        return list(examine_bucket(self.bucket, self._prefix))

    def open(self, *, gzipped: bool) -> ObjectStore:
        """See `Place`."""
        from livedvr.storage.gcs import open_bucket

        return open_bucket(self.bucket, self._prefix, gzipped=gzipped)

    def object_uri(self, name: str) -> str:
        """See `Place`."""
        return f"{self.uri}/{check_name(name)}"

    def meets(self, other: Place) -> bool:
        """See `Place`."""
        if not isinstance(other, InBucket) or self.bucket != other.bucket:
            return False
        return self._prefix.startswith(other._prefix) or other._prefix.startswith(self._prefix)

    @property
    def _prefix(self) -> str:
        return f"{self.prefix}/" if self.prefix else ""


def place_of(uri: str) -> Place:
    """The place an output URI names: a path, ``file:///...`` or ``gs://bucket/prefix``; else INVALID_ARGUMENT."""
    if "://" not in uri:
        return Directory(Path(uri).absolute())
    if uri.startswith("gs://"):
        return _in_bucket(uri)
    parts = urlsplit(uri)
    if parts.scheme == "file" and parts.netloc in ("", "localhost"):
        return Directory(Path(unquote(parts.path)))
    raise InvalidArgument(
        f"'{uri}' is not an output livedvr can write to",
        field="--output",
        hint="use a directory, file:///... or gs://bucket/prefix",
    )


def _in_bucket(uri: str) -> InBucket:
    """As gcloud reads it: nothing is percent-encoded, and a name may hold what a URL's path may not."""
    bucket, _, prefix = uri.removeprefix("gs://").partition("/")
    prefix = prefix.removesuffix("/")
    if not _BUCKET.fullmatch(bucket):
        raise InvalidArgument(f"'{bucket}' is not a bucket's name", field="--output", hint="write gs://bucket/prefix")
    if prefix:
        try:
            check_name(prefix)
        except InvalidArgument as error:
            raise InvalidArgument(error.message, field="--output", hint="write gs://bucket/prefix") from None
    odd = next((char for char in prefix if char in "#?[]*%"), None)
    if odd is not None:
        raise InvalidArgument(
            f"a '{odd}' in the prefix '{prefix}'", field="--output", hint="players and gcloud would misread it"
        )
    if len(prefix.encode()) > LONGEST_PREFIX:
        raise InvalidArgument(f"the prefix is longer than {LONGEST_PREFIX} bytes", field="--output")
    return InBucket(bucket, prefix)
