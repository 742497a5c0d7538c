"""Stream keys (SEMANTICS I4): made at random when the user gives none, and kept when settings change."""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

from pydantic import SecretStr

from livedvr.resources.addresses import listens_for_rtmp
from livedvr.resources.models import Channel, Input

_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # 32 letters without look-alikes: it may be typed from a screen
_LENGTH = 24  # 120 bits


def with_stream_key(channel: Channel, before: Channel | None = None) -> Channel:
    """The channel with a key where an input needs one: what is given, else what it had ``before``, else a new one."""
    backup = channel.backup_input
    inputs = {
        "input": _with_key(channel.input, before.input if before else None),
        "backup_input": backup and _with_key(backup, before.backup_input if before else None),
    }
    return channel.model_copy(update=inputs)


def _with_key(given: Input, before: Input | None) -> Input:
    if given.stream_key is not None or not wants_stream_key(given):
        return given
    kept = before.stream_key if before is not None and before.uri == given.uri else None
    return given.model_copy(update={"stream_key": kept or _new_key()})


def wants_stream_key(given: Input) -> bool:
    """Whether publishers of this input have to know a key."""
    return listens_for_rtmp(urlsplit(given.uri))


def publish_url(given: Input) -> str | None:
    """Where a publisher pushes to, with the key: for its user's eyes. None: the input has no key."""
    if given.stream_key is None:
        return None
    parts = urlsplit(given.uri)
    host = parts.netloc if parts.hostname else f"127.0.0.1{parts.netloc}"
    return parts._replace(netloc=host, path=f"{parts.path}/{given.stream_key.get_secret_value()}", query="").geturl()


def _new_key() -> SecretStr:
    return SecretStr("".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH)))
