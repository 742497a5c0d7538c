"""Objects in a Google Cloud Storage bucket, below a prefix.

Whoever reads the bucket sees no step in between: segments are create-only, and a playlist is replaced by
compare-and-swap on its generation. An answer that is lost is never guessed at: the object says whose it is.

Two controllers with two catalogs know nothing of each other; only the bucket does. So a store raises the epoch of a
hidden object of the output before it writes its first playlist, and looks at it before each further one: the older is
fenced off. What it had sent off before it looked replaces nothing that the newer has written: generations differ.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import re
import secrets
import socket
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import google_crc32c
import requests
from google.api_core import exceptions
from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError, RefreshError, TransportError
from google.cloud.storage import Client
from google.cloud.storage.exceptions import DataCorruption
from google.cloud.storage.retry import DEFAULT_RETRY

from livedvr.resources.errors import NotFound, ObjectConflict, StorageError, Superseded
from livedvr.resources.layout import cache_control, content_type
from livedvr.resources.times import SECOND
from livedvr.storage.base import ObjectStore, check_name, check_prefix

if TYPE_CHECKING:
    from google.cloud.storage import Blob, Bucket

CONNECT_SECONDS, ANSWER_SECONDS = 5.0, 10.0
RETRY_SECONDS = 15.0  # then it is said, and whoever asked tries again: the spool keeps what is not there yet
PAUSE = SECOND + SECOND // 20  # GCS takes one write a second of a name ("Quotas and limits")
THREADS = 16  # uploads of two inputs, the playlists of several sessions, what is deleted
OWNER_NAME = ".livedvr/owner"  # below the prefix; `list` does not show it
EPOCH, VERSION, OWNER = "livedvr-epoch", "livedvr-version", "livedvr-owner"

# What the client raises; requests' errors are OSErrors.
ERRORS = (exceptions.GoogleAPIError, GoogleAuthError, DataCorruption, OSError)
# What may pass by itself: 408, 429 and 5xx, a connection that breaks or says nothing, and bytes that arrived as others.
_PASSING = (
    exceptions.TooManyRequests,
    exceptions.ServerError,
    exceptions.RetryError,
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    ConnectionError,
    TransportError,
    DataCorruption,
)
_REQUEST = re.compile(r"^[A-Z]+ https?://\S+: ")  # "GET https://storage.googleapis.com/...: "
_SIGN_IN = "sign in: gcloud auth application-default login, or GOOGLE_APPLICATION_CREDENTIALS"
_HINTS = {
    401: _SIGN_IN,
    403: "the account needs storage.objects.create, get, list and delete on the bucket: see docs/gcs.md",
    404: "make the bucket first, or correct the output",
}


@dataclass(frozen=True, slots=True)
class Written:
    """What stands under a playlist's name: 0 for what is not there."""

    generation: int = 0
    epoch: int = 0
    version: int = 0


def open_bucket(bucket: str, prefix: str, *, gzipped: bool) -> GcsStore:
    """The store in a bucket. Nothing is asked of it yet."""
    return GcsStore(named_bucket(bucket), prefix, gzipped=gzipped, answer_seconds=ANSWER_SECONDS)


def named_bucket(bucket: str) -> Bucket:
    """The bucket, with application default credentials or at STORAGE_EMULATOR_HOST; StorageError: nobody signed in."""
    try:
        return Client().bucket(bucket)
    except (DefaultCredentialsError, OSError) as error:  # OSError: the file with them, or a project that none names
        raise StorageError(str(error).split("\n")[0], field=f"gs://{bucket}", hint=_SIGN_IN) from error


class GcsStore:
    """An `ObjectStore` in a bucket. Blocking; may be called from several threads, for one name from one at a time.

    Args:
        bucket: with its client, which carries credentials and endpoint.
        prefix: what all names begin with in the bucket: empty, or ending with a slash.
        gzipped: playlists are stored compressed, with ``Content-Encoding: gzip``.
        answer_seconds: how long a request may go without an answer.
    """

    pause = PAUSE

    def __init__(
        self, bucket: Bucket, prefix: str, *, gzipped: bool = False, answer_seconds: float = ANSWER_SECONDS
    ) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._gzipped = gzipped
        # A request is repeated only where that is safe: reads, and what a precondition guards.
        retry = DEFAULT_RETRY.with_delay(initial=0.25, maximum=4.0).with_timeout(RETRY_SECONDS)
        self._once: dict[str, Any] = {"timeout": (CONNECT_SECONDS, answer_seconds), "retry": None}
        self._repeated: dict[str, Any] = {**self._once, "retry": retry}
        self._written: dict[str, Written] = {}  # what we know to stand under the names that we replace
        self._tried: dict[str, int] = {}  # the version of the newest attempt
        self._owning = threading.Lock()
        # Its own: a bucket that says nothing for half a minute must not hold up what else is done in threads.
        self.threads = ThreadPoolExecutor(THREADS, thread_name_prefix="gcs")
        self._owner = f"{socket.gethostname()} pid {os.getpid()} {secrets.token_hex(4)}"
        self._epoch = 0  # none claimed yet
        self._superseded: Superseded | None = None

    # who owns the output

    def _check_owner(self) -> None:
        """Superseded when a newer controller has claimed the output. The first time it is claimed."""
        with self._owning:
            self._check_superseded()
            found = self._look(OWNER_NAME)
            if not self._epoch:
                self._claim(found)
            elif (found_epoch := _number(found, EPOCH)) > self._epoch:
                self._give_way(found, found_epoch)

    def _claim(self, found: Blob | None) -> None:
        blob, epoch = self._bucket.blob(self._prefix + OWNER_NAME), _number(found, EPOCH) + 1
        blob.cache_control, blob.metadata = "no-store", {EPOCH: str(epoch), OWNER: self._owner}
        generation = found.generation if found else 0
        try:
            blob.upload_from_string(b"", content_type="text/plain", if_generation_match=generation, **self._once)
        except ERRORS as error:
            is_open = isinstance(error, exceptions.PreconditionFailed) or _is_passing(error)
            if not is_open or _told(self._look(OWNER_NAME), OWNER) != self._owner:
                raise self._error(OWNER_NAME, error, passing=is_open) from error
        self._epoch = epoch

    def _give_way(self, found: Blob | None, epoch: int) -> None:
        by = _told(found, OWNER)
        self._superseded = Superseded(
            f"another controller{f' ({by})' if by else ''} has taken this output, epoch {epoch} after {self._epoch}",
            field=f"gs://{self._bucket.name}/{self._prefix}".rstrip("/"),
            hint="two controllers must not write to one output; what was recorded here so far is kept",
        )
        self._check_superseded()

    def _check_superseded(self) -> None:
        if self._superseded is not None:
            raise self._superseded

    # the contract

    def put_new(self, name: str, source: Path) -> None:
        """See `ObjectStore`. ``ifGenerationMatch=0``: what stands there already is compared by size and CRC32C."""
        blob = self._blob(name)
        self._check_superseded()
        blob.content_type, blob.cache_control = content_type(name), cache_control(name, sealed=False)
        try:
            blob.upload_from_filename(source, if_generation_match=0, checksum="crc32c", **self._repeated)
        except exceptions.PreconditionFailed:
            self._compare(name, source.stat().st_size, _crc32c(source))
        except FileNotFoundError as error:
            raise StorageError("there is no such file", field=str(source)) from error
        except ERRORS as error:
            raise self._error(name, error) from error

    def _compare(self, name: str, size: int, crc32c: str) -> None:
        found = self._look(name)
        if found is None:
            raise StorageError("it came and went while it was written", field=self.uri(name), passing=True)
        if (found.size, found.crc32c) != (size, crc32c):
            raise ObjectConflict("other bytes stand under this name", field=self.uri(name))

    def copy_from(self, source: ObjectStore, name: str) -> None:
        """See `ObjectStore`. Of a bucket's object GCS makes the copy itself, in as many steps as it wants."""
        check_name(name)
        if isinstance(source, GcsStore):
            self._rewrite(source, name)
            return
        with tempfile.TemporaryDirectory(prefix="livedvr-copy-") as folder:
            source.fetch(name, Path(folder, "object"))
            self.put_new(name, Path(folder, "object"))

    def _rewrite(self, source: GcsStore, name: str) -> None:
        blob, token = self._blob(name), None
        self._check_superseded()
        # What is said of the copy replaces what the original says of itself.
        blob.content_type, blob.cache_control = content_type(name), cache_control(name, sealed=False)
        try:
            while True:
                original = source._blob(name)
                token, *_ = blob.rewrite(original, token=token, if_generation_match=0, **self._repeated)
                if token is None:
                    return
        except exceptions.PreconditionFailed:  # also where an earlier answer was lost
            found = source._look(name)
            if found is None:
                raise source._missing(name) from None
            self._compare(name, found.size, found.crc32c)
        except exceptions.NotFound as error:
            raise source._missing(name, error) from error
        except ERRORS as error:
            raise self._error(name, error) from error

    def replace(self, name: str, data: bytes) -> None:
        """See `ObjectStore`. Superseded: what another controller writes is the truth now."""
        check_name(name)
        self._check_owner()
        before = self._written.get(name) or self._read_back(name)
        # No number is ever used twice: an attempt that was given up may still arrive, and must not pass for this one.
        mine = Written(0, self._epoch, max(before.version, self._tried.get(name, 0)) + 1)
        self._tried[name] = mine.version
        try:
            generation = self._swap(name, data, before.generation, mine)
        except exceptions.PreconditionFailed:  # also when an answer was lost, and the library did not notice
            generation = self._decide(name, data, mine)
        except ERRORS as error:
            if not _is_passing(error):
                raise self._error(name, error) from error
            found = self._read_back(name)
            if (found.epoch, found.version) != (mine.epoch, mine.version):
                raise self._error(name, error) from error
            generation = found.generation  # it was carried out, the answer was lost
        self._written[name] = Written(generation, mine.epoch, mine.version)

    def _decide(self, name: str, data: bytes, mine: Written) -> int:
        """Something else stands there than we thought: ours, an older one, or a newer owner's. The generation now."""
        found = self._read_back(name)
        if (found.epoch, found.version) == (mine.epoch, mine.version):
            return found.generation
        # What is older came late: a write of ours that was given up, or of the owner before us. It is replaced.
        try:
            return self._swap(name, data, found.generation, mine)
        except ERRORS as error:
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
        """What stands under a playlist's name. Superseded when a newer owner has written it."""
        found = self._look(name)
        now = Written(int(found.generation) if found else 0, _number(found, EPOCH), _number(found, VERSION))
        self._written[name] = now
        if now.epoch > self._epoch:
            self._give_way(None, now.epoch)
        return now

    def get(self, name: str) -> bytes:
        """See `ObjectStore`. Decompressed."""
        try:
            data: bytes = self._blob(name).download_as_bytes(checksum="crc32c", **self._repeated)
        except exceptions.NotFound as error:
            raise self._missing(name, error) from error
        except ERRORS as error:
            raise self._error(name, error) from error
        return data

    def fetch(self, name: str, target: Path) -> None:
        """See `ObjectStore`. Google's client writes the file, and compares checksums."""
        try:
            self._blob(name).download_to_filename(target, checksum="crc32c", **self._repeated)
        except exceptions.NotFound as error:
            raise self._missing(name, error) from error
        except ERRORS as error:
            raise self._error(name, error) from error

    def _missing(self, name: str, error: exceptions.NotFound | None = None) -> NotFound | StorageError:
        """There is no such object, or not even the bucket."""
        if error is not None and "bucket does not exist" in error.message:
            return self._error(name, error)
        return NotFound("there is no such object", field=self.uri(name))

    def size(self, name: str) -> int | None:
        """See `ObjectStore`. As it is stored."""
        found = self._look(check_name(name))
        return None if found is None else found.size

    def _look(self, name: str) -> Blob | None:
        try:
            return self._bucket.get_blob(self._prefix + name, **self._repeated)
        except ERRORS as error:
            raise self._error(name, error) from error

    def list(self, prefix: str) -> Iterator[str]:
        """See `ObjectStore`."""
        check_prefix(prefix)
        try:
            found = [blob.name for blob in self._bucket.list_blobs(prefix=self._prefix + prefix, **self._repeated)]
        except ERRORS as error:
            raise self._error(prefix.removesuffix("/"), error) from error
        names = (name.removeprefix(self._prefix) for name in found)
        return iter(sorted(name for name in names if not any(part.startswith(".") for part in name.split("/"))))

    def delete(self, name: str) -> None:
        """See `ObjectStore`. Only what stood there when it was asked for: a request that comes late does no harm."""
        self._check_superseded()
        found = self._look(check_name(name))
        if found is not None:
            try:
                found.delete(if_generation_match=found.generation, **self._repeated)
            except exceptions.NotFound:
                pass  # an earlier answer was lost
            except ERRORS as error:
                raise self._error(name, error) from error
        self._written.pop(name, None)

    def uri(self, name: str) -> str:
        """See `ObjectStore`. ``gs://bucket/prefix/name``."""
        return self._named(check_name(name))

    def close(self) -> None:
        """See `ObjectStore`."""
        self.threads.shutdown(wait=False, cancel_futures=True)

    def _named(self, name: str) -> str:
        return f"gs://{self._bucket.name}/{self._prefix}{name}"

    def _blob(self, name: str) -> Blob:
        return self._bucket.blob(self._prefix + check_name(name))

    def _error(self, name: str, error: Exception, *, passing: bool | None = None) -> StorageError:
        return storage_error(self._named(name), error, passing=passing)


def storage_error(uri: str, error: Exception, *, passing: bool | None = None) -> StorageError:
    """What GCS said, in its own words; the last ones, where it has been asked for as long as the library does."""
    passing = _is_passing(error) if passing is None else passing
    if isinstance(error, exceptions.RetryError) and error.cause is not None:
        error = error.cause
    code = error.code if isinstance(error, exceptions.GoogleAPICallError) else None
    text = _said(error.message) if isinstance(error, exceptions.GoogleAPICallError) else str(error)
    return StorageError(
        f"{code} {text}" if code else text,
        field=uri,
        hint=_SIGN_IN if isinstance(error, RefreshError) else _HINTS.get(code or 0),
        passing=passing,
    )


def _said(message: str) -> str:
    """GCS's words without the request that the client puts before them, and out of the JSON that it leaves them in."""
    text = _REQUEST.sub("", message)
    try:
        return str(json.loads(text)["error"]["message"])
    except (ValueError, TypeError, KeyError):
        return text


def _crc32c(path: Path) -> str:
    """As GCS writes it: base64 of four bytes, big-endian."""
    value = 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            value = google_crc32c.extend(value, block)
    return base64.b64encode(value.to_bytes(4, "big")).decode()


def _is_passing(error: Exception) -> bool:
    return isinstance(error, _PASSING)


def _told(found: Blob | None, key: str) -> str:
    return str(((found.metadata if found else None) or {}).get(key, ""))


def _number(found: Blob | None, key: str) -> int:
    """A number in an object's metadata; 0 where somebody else has written it."""
    text = _told(found, key)
    return int(text) if text.isdecimal() else 0
