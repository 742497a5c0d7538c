"""The section ``[tencent]`` of `--facades`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, SecretStr, StringConstraints

from livedvr.facades.facade import FacadeSettings
from livedvr.resources.base import Resource

SecretId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,128}$")]
AppId = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,9}$")]
CallbackKey = Annotated[SecretStr, Field(min_length=1, max_length=32)]


class App(Resource):
    """One SdkAppId, as its owner would set it up in the vendor's console.

    ``user_sig_key``: what UserSigs are signed with; none: they are not looked at. ``callback_url``: who is told of its
    recordings, signed with ``callback_key``.
    """

    user_sig_key: SecretStr | None = None
    callback_url: str | None = None
    callback_key: CallbackKey | None = None


class TencentSettings(FacadeSettings):
    """``keys``: SecretId to SecretKey, of who may ask; ``apps``: by SdkAppId."""

    keys: Mapping[SecretId, SecretStr] = Field(min_length=1)
    apps: Mapping[AppId, App] = Field(min_length=1)
