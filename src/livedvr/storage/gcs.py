"""Objects in a Google Cloud Storage bucket, below a prefix.

Whoever reads the bucket sees no step in between: segments are create-only, and a playlist is replaced by
compare-and-swap on its generation. An answer that is lost is never guessed at: the object says whose it is.
"""

from __future__ import annotations

import base64
import gzip
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import google_crc32c
import requests
from google.api_core import exceptions
from google.cloud.storage.retry import DEFAULT_RETRY

from livedvr.resources.errors import Aborted, NotFound, ObjectConflict, StorageError
from livedvr.resources.layout import cache_control, content_type
from livedvr.storage.base import check_name, check_prefix

if TYPE_CHECKING:
    from google.cloud.storage import Blob, Bucket

CONNECT_SECONDS, ANSWER_SECONDS = 5.0, 30.0
RETRY_SECONDS = 15.0  # then it is said, and whoever asked tries again: the spool keeps what is not there yet
EPOCH, VERSION = "livedvr-epoch", "livedvr-version"

# What may pass by itself: 408, 429 and 5xx, and a connection that breaks or says nothing.
_PASSING = (
    exceptions.TooManyRequests,
    exceptions.ServerError,
    exceptions.RetryError,
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    ConnectionError,
)
_HINTS = {
    401: "sign in: gcloud auth application-default login, or GOOGLE_APPLICATION_CREDENTIALS",
    403: "the account needs storage.objects.create, get, list and delete on the bucket: see docs/gcs.md",
    404: "make the bucket first, or correct the output",
}


@dataclass(frozen=True, slots=True)
class Written:
    """What stands under a playlist's name: 0 for what is not there."""

    generation: int = 0
    epoch: int = 0
    version: int = 0


class GcsStore:
    """An `ObjectStore` in a bucket. Blocking; may be called from several threads.

    Args:
        bucket: with its client, which carries credentials and endpoint.
        prefix: what all names begin with in the bucket: empty, or ending with a slash.
        epoch: the channel owner's; a playlist that a newer owner has written is ABORTED, and left as it is.
        gzipped: playlists are stored compressed, with ``Content-Encoding: gzip``.
        answer_seconds: how long a request may go without an answer.
    """

    def __init__(
        self,
        bucket: Bucket,
        prefix: str,
        *,
        epoch: int = 0,
        gzipped: bool = False,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._epoch = epoch
        self._gzipped = gzipped
        # A request is repeated only where that is safe: reads, and what a precondition guards.
        retry = DEFAULT_RETRY.with_delay(initial=0.25, maximum=4.0).with_timeout(RETRY_SECONDS)
        self._once: dict[str, Any] = {"timeout": (CONNECT_SECONDS, answer_seconds), "retry": None}
        self._repeated: dict[str, Any] = {**self._once, "retry": retry}
        self._written: dict[str, Written] = {}  # what we know to stand under the names that we replace
        self._tried: dict[str, int] = {}  # the version of the newest attempt
        self._lock = threading.Lock()

    def put_new(self, name: str, source: Path) -> None:
        """See `ObjectStore`. ``ifGenerationMatch=0``: what stands there already is compared by size and CRC32C."""
        blob = self._blob(name)
        blob.content_type, blob.cache_control = content_type(name), cache_control(name, sealed=False)
        try:
            blob.upload_from_filename(source, if_generation_match=0, checksum="crc32c", **self._repeated)
        except exceptions.PreconditionFailed:
            self._compare(name, source)
        except FileNotFoundError as error:
            raise StorageError("there is no such file", field=str(source)) from error
        except OSError as error:
            raise self._error(name, error) from error
        except exceptions.GoogleAPIError as error:
            raise self._error(name, error) from error

    def _compare(self, name: str, source: Path) -> None:
        found = self._look(name)
        if found is None:
            raise StorageError("it came and went while it was written", field=self.uri(name), passing=True)
        checksum = google_crc32c.Checksum()
        with source.open("rb") as file:
            for _ in checksum.consume(file, 1 << 20):
                pass
        if (found.size, found.crc32c) != (source.stat().st_size, base64.b64encode(checksum.digest()).decode()):
            raise ObjectConflict("other bytes stand under this name", field=self.uri(name))

    def replace(self, name: str, data: bytes) -> None:
        """See `ObjectStore`. ABORTED: a newer owner has written it, ours is not the truth any more."""
        with self._lock:
            before = self._written.get(name)
        before = self._read_back(name) if before is None else before
        self._check_owner(name, before)
        # No number is ever used twice: an attempt that was given up may still arrive, and must not pass for this one.
        mine = Written(0, self._epoch, max(before.version, self._tried.get(name, 0)) + 1)
        self._tried[name] = mine.version
        try:
            generation = self._swap(name, data, before.generation, mine)
        except exceptions.PreconditionFailed:  # also when an answer was lost, and the library did not notice
            generation = self._decide(name, data, mine)
        except (exceptions.GoogleAPIError, OSError) as error:
            if not _is_passing(error):
                raise self._error(name, error) from error
            found = self._read_back(name)
            if (found.epoch, found.version) != (mine.epoch, mine.version):
                raise self._error(name, error) from error
            generation = found.generation  # it was carried out, the answer was lost
        self._remember(name, Written(generation, mine.epoch, mine.version))

    def _decide(self, name: str, data: bytes, mine: Written) -> int:
        """Something else stands there than we thought: ours, an older one, or a newer owner's. The generation now."""
        found = self._read_back(name)
        if (found.epoch, found.version) == (mine.epoch, mine.version):
            return found.generation
        # What is older came late: a write of ours that was given up, or of the owner before us. It is replaced.
        try:
            return self._swap(name, data, found.generation, mine)
        except (exceptions.GoogleAPIError, OSError) as error:
            passing = isinstance(error, exceptions.PreconditionFailed) or _is_passing(error)
            raise self._error(name, error, passing=passing) from error

    def _swap(self, name: str, data: bytes, generation: int, mine: Written) -> int:
        """One attempt: never repeated by the library, for a lost answer would look like somebody else's write."""
        blob = self._blob(name)
        blob.cache_control = cache_control(name, sealed=data.endswith(b"#EXT-X-ENDLIST\n"))
        blob.metadata = {EPOCH: str(mine.epoch), VERSION: str(mine.version)}
        if self._gzipped:
            blob.content_encoding, data = "gzip", gzip.compress(data, 6, mtime=0)
        blob.upload_from_string(
            data, content_type=content_type(name), if_generation_match=generation, checksum="crc32c", **self._once
        )
        return int(blob.generation)

    def _read_back(self, name: str) -> Written:
        """What stands under a playlist's name. ABORTED when a newer owner has written it."""
        found = self._look(name)
        if found is None:
            now = Written()
        else:
            said = found.metadata or {}
            now = Written(int(found.generation), int(said.get(EPOCH, 0)), int(said.get(VERSION, 0)))
        self._remember(name, now)
        self._check_owner(name, now)
        return now

    def _check_owner(self, name: str, found: Written) -> None:
        if found.epoch > self._epoch:
            raise Aborted(
                "another controller has taken the channel, and writes this playlist now",
                field=self.uri(name),
                hint="two controllers must not write to one output",
            )

    def _remember(self, name: str, now: Written) -> None:
        with self._lock:
            self._written[name] = now

    def get(self, name: str) -> bytes:
        """See `ObjectStore`. Decompressed."""
        try:
            data: bytes = self._blob(name).download_as_bytes(checksum="crc32c", **self._repeated)
        except exceptions.NotFound:
            raise NotFound("there is no such object", field=self.uri(name)) from None
        except (exceptions.GoogleAPIError, OSError) as error:
            raise self._error(name, error) from error
        return data

    def size(self, name: str) -> int | None:
        """See `ObjectStore`. As it is stored."""
        found = self._look(name)
        return None if found is None else found.size

    def _look(self, name: str) -> Blob | None:
        try:
            return self._bucket.get_blob(self._prefix + check_name(name), **self._repeated)
        except (exceptions.GoogleAPIError, OSError) as error:
            raise self._error(name, error) from error

    def list(self, prefix: str) -> Iterator[str]:
        """See `ObjectStore`."""
        check_prefix(prefix)
        try:
            found = [blob.name for blob in self._bucket.list_blobs(prefix=self._prefix + prefix, **self._repeated)]
        except (exceptions.GoogleAPIError, OSError) as error:
            raise self._error(prefix.removesuffix("/") or "all", error) from error
        names = (name.removeprefix(self._prefix) for name in found)
        return iter(sorted(name for name in names if not any(part.startswith(".") for part in name.split("/"))))

    def delete(self, name: str) -> None:
        """See `ObjectStore`. Only what stood there when it was asked for: a request that comes late does no harm."""
        found = self._look(name)
        if found is not None:
            try:
                found.delete(if_generation_match=found.generation, **self._repeated)
            except exceptions.NotFound:
                pass  # an earlier answer was lost
            except (exceptions.GoogleAPIError, OSError) as error:
                raise self._error(name, error) from error
        with self._lock:
            self._written.pop(name, None)

    def uri(self, name: str) -> str:
        """See `ObjectStore`. ``gs://bucket/prefix/name``."""
        return f"gs://{self._bucket.name}/{self._prefix}{check_name(name)}"

    def _blob(self, name: str) -> Blob:
        return self._bucket.blob(self._prefix + check_name(name))

    def _error(self, name: str, error: Exception, *, passing: bool | None = None) -> StorageError:
        """GCS's own words."""
        code = error.code if isinstance(error, exceptions.GoogleAPICallError) else None
        text = error.message if isinstance(error, exceptions.GoogleAPICallError) else str(error)
        return StorageError(
            f"{code} {text}" if code else text,
            field=self.uri(name),
            hint=_HINTS.get(code or 0),
            passing=_is_passing(error) if passing is None else passing,
        )


def _is_passing(error: Exception) -> bool:
    return isinstance(error, _PASSING)
