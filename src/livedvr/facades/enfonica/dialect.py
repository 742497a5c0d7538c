"""How Enfonica tells of a recording: RECORDING_READY when it has come to an end (docs/cloud-voice/webhooks). Pure."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping

from livedvr.facades.enfonica.audio_uris import AudioUris
from livedvr.facades.enfonica.messages import to_json
from livedvr.facades.enfonica.settings import EnfonicaSettings
from livedvr.facades.enfonica.shown import recording_message
from livedvr.recordings.dialects import RetryPolicy, Told
from livedvr.recordings.states import ENDED, State
from livedvr.resources.times import SECOND

EVENT = "RECORDING_READY"
DELAYS = (1, 2, 4, 8, 60, 1800, 3600, 7200)  # seconds


class EnfonicaDialect:
    """The project's. A recording of the native API that is told in it, is told as of the call that is its channel."""

    policy = RetryPolicy(tuple(seconds * SECOND for seconds in DELAYS), redirects=5)
    needs = frozenset[str]()

    def __init__(self, settings: EnfonicaSettings) -> None:
        self._project = settings.project
        self._key = settings.key
        self._uris = AudioUris.of(settings)

    def messages(self, told: Told) -> Iterable[tuple[str, bytes]]:
        """One, at its end: the recording in the view FULL, whose URIs are valid for an hour from now."""
        recording = told.recording
        if recording.state in ENDED and recording.state != State.CANCELED:
            call = told.notify.context.get("call")
            name, is_call = call or recording.channel_id, call is not None
            shown = recording_message(recording, self._project, name, is_call=is_call, uris=self._uris, now=told.now)
            yield EVENT, json.dumps(to_json(shown), separators=(",", ":")).encode()

    def headers(self, uri: str, event: str, body: bytes, secret: str | None) -> Mapping[str, str]:
        """Signed with the project's key, as docs/platform/request-signing says; ``secret`` is not used."""
        digest = hmac.new(self._key, uri.encode() + event.encode() + body, hashlib.sha256).digest()
        return {
            "Content-Type": "application/json; charset=utf-8",
            "X-Enfonica-Event": event,
            "X-Enfonica-Signature": base64.b64encode(digest).decode(),
        }
