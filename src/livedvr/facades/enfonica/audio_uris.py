"""URIs under which a recording's audio is to be had for an hour, by whoever has one. Pure.

Their key is made of the signing key and of all tokens: who has but one of them makes none, no restart ends one, and
a change of a token ends all.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from livedvr.facades.enfonica.settings import EnfonicaSettings
from livedvr.resources.errors import PermissionDenied
from livedvr.resources.times import SECOND

VALID = 60 * 60 * SECOND  # recordings.proto, RecordingAudio.uri


@dataclass(frozen=True, slots=True)
class AudioUris:
    """``base``: see `EnfonicaSettings`; ``key`` signs."""

    base: str
    key: bytes

    @classmethod
    def of(cls, settings: EnfonicaSettings) -> AudioUris:
        """Those of a section."""
        tokens = "\0".join(sorted(one.token.get_secret_value() for one in settings.tokens))
        return cls(settings.base, hmac.new(settings.key, b"audio\0" + tokens.encode(), hashlib.sha256).digest())

    def make(self, path: str, now: int) -> str:
        """One that is valid from now on, UTC microseconds. ``path``: what it leads to."""
        expires = (now + VALID) // SECOND
        return f"{self.base}/audio/{path}?expires={expires}&signature={self._sign(path, str(expires))}"

    def check(self, path: str, expires: str, signature: str, now: int) -> None:
        """PERMISSION_DENIED: it is none of ours, or its time is over. ``path``: behind ``/audio/``."""
        is_ours = hmac.compare_digest(self._sign(path, expires).encode(), signature.encode())
        if not is_ours or now >= int(expires) * SECOND:
            raise PermissionDenied(
                "this URI is not, or no longer, valid", field="uri", hint="GetRecording has a new one, for 60 minutes"
            )

    def _sign(self, path: str, expires: str) -> str:
        return hmac.new(self.key, f"{path}\0{expires}".encode(), hashlib.sha256).hexdigest()
