"""The section ``[zego]`` of `--facades`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr

from livedvr.facades.facade import FacadeSettings

Secret = Annotated[SecretStr, Field(min_length=1, max_length=256)]


class ZegoSettings(FacadeSettings):
    """An app as the vendor's console has it.

    ``app_id`` and ``server_secret`` sign requests, ``callback_secret`` signs callbacks. ``file_url``: where the outputs
    of channels are published, with ``{channel}`` for a channel's id; none: a FileUrl is a ``file://``.
    """

    app_id: int = Field(ge=1, le=2**32 - 1)
    server_secret: Secret
    callback_secret: Secret
    file_url: str = Field(default="", pattern=r"^(https?://[^\s?#]+)?$")
