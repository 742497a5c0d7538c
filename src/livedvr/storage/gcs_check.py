"""Whether a bucket will do: before a channel relies on it, and for who sets it up (`livedvr check gs://bucket/prefix`)."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from google.api_core import exceptions

from livedvr.resources.errors import StorageError
from livedvr.storage.gcs import ANSWER_SECONDS, CONNECT_SECONDS, ERRORS, named_bucket, storage_error

if TYPE_CHECKING:
    from google.cloud.storage import Bucket

NEEDED = ("storage.objects.create", "storage.objects.delete", "storage.objects.get", "storage.objects.list")
LOOKED_AT = 1000  # playlists


def check_bucket(bucket: str, prefix: str) -> None:
    """Blocking. StorageError, in GCS's own words, when objects cannot be written, read, listed and removed there."""
    asked, once = named_bucket(bucket), {"timeout": (CONNECT_SECONDS, ANSWER_SECONDS), "retry": None}
    uri = f"gs://{bucket}/{prefix}"
    try:
        _check_granted(asked, uri, once)
        probe = asked.blob(f"{prefix}.livedvr/probe-{secrets.token_hex(8)}")
        probe.upload_from_string(b"livedvr", if_generation_match=0, **once)
        try:
            list(asked.list_blobs(prefix=probe.name, max_results=1, **once))
        finally:
            probe.delete(**once)
    except ERRORS as error:
        raise storage_error(uri, error) from error


def check_granted(bucket: str, prefix: str) -> None:
    """Blocking. The part of `check_bucket` that one request tells: whether the bucket is there, and open to us."""
    asked, once = named_bucket(bucket), {"timeout": (CONNECT_SECONDS, ANSWER_SECONDS), "retry": None}
    uri = f"gs://{bucket}/{prefix}"
    try:
        _check_granted(asked, uri, once)
    except ERRORS as error:
        raise storage_error(uri, error) from error


def _check_granted(bucket: Bucket, uri: str, once: dict[str, Any]) -> None:
    granted = _permissions(bucket, once)
    missing = [one for one in NEEDED if one not in granted]
    if missing:
        raise StorageError(
            f"this account does not have {', '.join(missing)}", field=uri, hint="see docs/gcs.md for a fitting role"
        )


def _permissions(bucket: Bucket, once: dict[str, Any]) -> Iterable[str]:
    """Those of the needed ones that the account has; all of them where that cannot be asked (emulators)."""
    try:
        granted: list[str] = bucket.test_iam_permissions(NEEDED, **once)
    except (exceptions.MethodNotImplemented, exceptions.MethodNotAllowed):
        return NEEDED
    return granted


def examine_bucket(bucket: str, prefix: str) -> Iterator[str]:
    """Blocking. What of the settings is not as players, or who pays, would want it; `check_bucket` first."""
    asked, once = named_bucket(bucket), {"timeout": (CONNECT_SECONDS, ANSWER_SECONDS)}
    try:
        asked.reload(**once)
        yield from _settings(asked)
    except exceptions.Forbidden:
        yield "its settings cannot be looked at: that needs storage.buckets.get (recording does not)"
    except ERRORS as error:
        raise storage_error(f"gs://{bucket}", error) from error
    try:
        blobs = itertools.islice(asked.list_blobs(prefix=prefix, match_glob="**.m3u8", **once), LOOKED_AT)
        cached = [blob.name for blob in blobs if not blob.cache_control]
    except ERRORS as error:
        raise storage_error(f"gs://{bucket}/{prefix}", error) from error
    if cached:
        yield f"{len(cached)} playlists have no Cache-Control, so caches keep them for an hour: {cached[0]}"


def _settings(bucket: Bucket) -> Iterator[str]:
    kept = bucket.soft_delete_policy.retention_duration_seconds or 0
    if kept:
        yield (
            f"soft delete is on: every version of every playlist is paid for {kept // 86400} days longer: "
            f"gcloud storage buckets update gs://{bucket.name} --clear-soft-delete"
        )
    if bucket.versioning_enabled:
        yield "object versioning is on: every version of every playlist is kept and paid for"
    if not any({"GET", "*"} & set(rule.get("method", [])) for rule in bucket.cors):
        yield "no CORS rule allows GET: players in web pages of other origins get nothing (docs/gcs.md)"
    if any(rule.get("action", {}).get("type") == "Delete" for rule in bucket.lifecycle_rules):
        yield "a lifecycle rule deletes objects: what it takes away is still listed (livedvr has its own retention)"
    if bucket.retention_period:
        yield "a retention policy forbids to replace and delete objects: playlists cannot grow"
    access = bucket.iam_configuration
    if not access.uniform_bucket_level_access_enabled:
        yield "uniform bucket-level access is off: objects may have access rules of their own"
    if access.public_access_prevention == "enforced":
        yield "public access is prevented: players need a CDN that signs its requests, or signed cookies"
