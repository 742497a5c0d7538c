"""Notifications: what is posted to a call's ``callbackUri``, and the token that says from whom it is."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from livedvr.facades.graph.keys import SigningKey
from livedvr.facades.graph.names import resource_url
from livedvr.facades.graph.operations import described, has_location
from livedvr.recordings.dialects import RetryPolicy, Told
from livedvr.recordings.states import ENDED
from livedvr.resources.models import to_micros
from livedvr.resources.recording import Recording
from livedvr.resources.times import SECOND
from livedvr.wallclock import SystemClock, WallClock

VALID_SECONDS = 3600
# Graph documents none for calls. Change notifications: 10 s for an answer, then exponentially up to 4 h; a call is over
# by then, so: up to ten minutes.
DELAYS = tuple(seconds * SECOND for seconds in (1, 2, 4, 8, 15, 30, 60, 120, 360))


class GraphDialect:
    """``clock``: dates the tokens; the server's, when there is one."""

    policy = RetryPolicy(DELAYS)
    needs = frozenset({"call", "kind", "version", "clientContext", "url"})

    def __init__(self, key: SigningKey, issuer: str) -> None:
        self._key = key
        self._issuer = issuer
        self.clock: WallClock = SystemClock()

    def messages(self, told: Told) -> Iterable[tuple[str, bytes]]:
        """One of an operation: that it is over. (That it is under way was the answer of who asked for it.)"""
        if told.recording.state in ENDED:
            call = told.notify.context["call"]
            url = resource_url(call, told.recording.recording_id)
            yield notification("deleted", url, self.operation(told.recording), told.sequence + 1)

    def operation(self, recording: Recording) -> dict[str, Any]:
        """An operation with its token, if there is something to fetch."""
        return described(recording, self.access_token(recording) if has_location(recording) else None)

    def access_token(self, recording: Recording) -> str:
        """What opens a recording; the same each time."""
        return self._key.sign({**self.opens(recording.recording_id), "iat": to_micros(recording.update_time) // SECOND})

    def opens(self, recording_id: str) -> dict[str, str]:
        """What a token claims that opens a recording."""
        return {"iss": self._issuer, "sub": recording_id, "aud": "recording"}

    def headers(self, uri: str, event: str, body: bytes, secret: str | None) -> Mapping[str, str]:
        """With a token for the app that is told: its id is what is kept as a receiver's secret."""
        now = self.clock.now() // SECOND
        claims = {"iss": self._issuer, "aud": secret, "iat": now, "nbf": now, "exp": now + VALID_SECONDS}
        return {"Content-Type": "application/json", "Authorization": f"Bearer {self._key.sign(claims)}"}


def notification(change: str, url: str, resource: Mapping[str, Any], number: int) -> tuple[str, bytes]:
    """One change of one resource. ``number``: which of its versions this is."""
    data = {**resource, "@odata.id": url, "@odata.etag": f'W/"{number}"'}
    one = {
        "@odata.type": "#microsoft.graph.commsNotification",
        "changeType": change,
        "resourceUrl": url,
        "resourceData": data,
    }
    return change, json.dumps({"@odata.type": "#microsoft.graph.commsNotifications", "value": [one]}).encode()
