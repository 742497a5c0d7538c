"""Whether a bucket will do, before a channel relies on it."""

from __future__ import annotations

import secrets
from typing import Any

from google.api_core import exceptions

from livedvr.resources.errors import StorageError
from livedvr.storage.gcs import ANSWER_SECONDS, CONNECT_SECONDS, ERRORS, named_bucket, storage_error

NEEDED = ("storage.objects.create", "storage.objects.delete", "storage.objects.get", "storage.objects.list")


def check_bucket(bucket: str, prefix: str) -> None:
    """Blocking. StorageError, in GCS's own words, when objects cannot be written, read, listed and removed there."""
    asked, once = named_bucket(bucket), {"timeout": (CONNECT_SECONDS, ANSWER_SECONDS), "retry": None}
    uri = f"gs://{bucket}/{prefix}"
    try:
        missing = [one for one in NEEDED if one not in _permissions(asked, once)]
        if missing:
            raise StorageError(
                f"this account does not have {', '.join(missing)}", field=uri, hint="see docs/gcs.md for a fitting role"
            )
        probe = asked.blob(f"{prefix}.livedvr/probe-{secrets.token_hex(8)}")
        probe.upload_from_string(b"livedvr", if_generation_match=0, **once)
        try:
            list(asked.list_blobs(prefix=probe.name, max_results=1, **once))
        finally:
            probe.delete(**once)
    except ERRORS as error:
        raise storage_error(uri, error) from error


def _permissions(bucket: Any, once: dict[str, Any]) -> tuple[str, ...] | list[str]:
    """Those of the needed ones that the account has; all of them where that cannot be asked (emulators)."""
    try:
        granted: list[str] = bucket.test_iam_permissions(NEEDED, **once)
    except (exceptions.MethodNotImplemented, exceptions.MethodNotAllowed):
        return NEEDED
    return granted
