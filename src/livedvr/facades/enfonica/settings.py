"""``[enfonica]`` in the file of ``--facades``."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Literal

from pydantic import Field, SecretStr, StringConstraints, field_validator

from livedvr.facades.facade import FacadeSettings
from livedvr.resources.base import Resource

Permission = Literal[
    "voice.calls.create",
    "voice.calls.get",
    "voice.calls.list",
    "voice.recordings.get",
    "voice.recordings.list",
    "voice.recordings.delete",
    "voice.transcriptions.get",
    "voice.transcriptions.list",
    "voice.transcriptions.delete",
]
KEY_BYTES = 64  # of a signing key (docs/platform/request-signing)


class Token(Resource):
    """Who may do what. ``token``: what comes behind ``Bearer``."""

    token: SecretStr = Field(min_length=16)
    permissions: frozenset[Permission]


class EnfonicaSettings(FacadeSettings):
    """The section.

    Attributes:
        project: the one whose calls these are.
        signing_key: the project's, as its console shows it: 64 bytes in base64. It signs webhooks.
        url: under which clients reach ``listen``, for the URIs of audio; ``http://`` and ``listen`` unless it is given.
    """

    project: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    signing_key: SecretStr
    tokens: tuple[Token, ...] = Field(min_length=1)
    url: Annotated[str, StringConstraints(pattern=r"^(https?://[^/?#]+[^?#]*)?$")] = ""

    @field_validator("signing_key")
    @classmethod
    def _check_key(cls, key: SecretStr) -> SecretStr:
        try:
            size = len(base64.b64decode(key.get_secret_value(), validate=True))
        except (binascii.Error, ValueError):
            size = 0
        if size != KEY_BYTES:
            raise ValueError(f"it is {KEY_BYTES} bytes in base64: openssl rand -base64 {KEY_BYTES} | tr -d '\\n'")
        return key

    @property
    def key(self) -> bytes:
        """The signing key itself."""
        return base64.b64decode(self.signing_key.get_secret_value())

    @property
    def base(self) -> str:
        """What the URIs of audio begin with."""
        return (self.url or f"http://{self.listen}").rstrip("/")
