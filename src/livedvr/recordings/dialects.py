"""In which words others are told of recordings: what is said when, how it is signed, how often it is tried. Pure."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Protocol

from livedvr.recordings.states import ENDED, Event, Notice
from livedvr.resources.recording import Notify, Recording
from livedvr.resources.times import SECOND


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """``delays``: microseconds before each further attempt, then it is given up; or earlier, when it would be older
    than ``longest``. ``timeout``: for an answer; ``redirects``: so many are followed."""

    delays: tuple[int, ...]
    timeout: int = 10 * SECOND
    redirects: int = 0
    longest: int | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What there is to be told of.

    Attributes:
        event: what has happened; None: it has just been asked for.
        recording: what it has become.
        notify: who is told, as it was asked for.
        now: UTC microseconds.
        sequence: how many messages have been told of this recording before.
    """

    event: Event | Notice | None
    recording: Recording
    notify: Notify
    now: int
    sequence: int = 0


def next_attempt(policy: RetryPolicy, created: int, attempts: int, now: int, others: int = 0) -> int | None:
    """When to send again what has been tried so many times before this failure; None: it is given up.

    ``others``: so many receivers are there beside the first, and each is tried before the delays begin.
    """
    delays = (0,) * others + policy.delays
    if attempts >= len(delays):
        return None
    until = now + delays[attempts]
    return until if policy.longest is None or until <= created + policy.longest else None


class Dialect(Protocol):
    """One system's way to tell."""

    @property
    def policy(self) -> RetryPolicy:
        """How often it is tried."""

    @property
    def needs(self) -> frozenset[str]:
        """What a `Notify.context` has to have; what needs anything is for recordings that its facade starts."""

    def messages(self, told: Told) -> Iterable[tuple[str, bytes]]:
        """What is said of it: events and bodies. Called in the catalog's thread."""

    def headers(self, uri: str, event: str, body: bytes, secret: str | None) -> Mapping[str, str]:
        """What goes with a body: its type, and its signature. Called at each attempt."""


class Native:
    """Ours: the recording itself as JSON, when it has ended.

    ``X-Livedvr-Signature: sha256=<hex>`` is the HMAC-SHA256 of URI (the one that was asked for, behind a redirect,
    too), event and body, with the secret.
    """

    policy = RetryPolicy(tuple(seconds * SECOND for seconds in (1, 2, 4, 8, 60, 1800, 3600, 7200)), redirects=5)
    needs = frozenset[str]()

    def messages(self, told: Told) -> Iterable[tuple[str, bytes]]:
        """One, at its end."""
        if told.recording.state in ENDED:
            yield f"RECORDING_{told.recording.state}", told.recording.model_dump_json(by_alias=True).encode()

    def headers(self, uri: str, event: str, body: bytes, secret: str | None) -> Mapping[str, str]:
        """Signed where there is a secret."""
        headers = {"Content-Type": "application/json; charset=utf-8", "X-Livedvr-Event": event}
        if secret is not None:
            digest = hmac.new(secret.encode(), uri.encode() + event.encode() + body, hashlib.sha256).hexdigest()
            headers["X-Livedvr-Signature"] = f"sha256={digest}"
        return headers


NATIVE: Mapping[str, Dialect] = MappingProxyType({"livedvr": Native()})
