"""What the section ``[graph]`` has."""

from __future__ import annotations

import hmac
from datetime import timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr

from livedvr.facades.facade import FacadeSettings
from livedvr.resources.base import Resource

Permission = Literal["Calls.AccessMedia.All", "Calls.Initiate.All"]


class GraphApp(Resource):
    """A client: an application of its own (delegated permissions are not known here).

    ``id``: as it is told in the tokens of notifications; ``token``: what it shows as its bearer token.
    """

    id: str = Field(min_length=1)
    token: SecretStr = Field(min_length=16)
    permissions: tuple[Permission, ...] = ("Calls.AccessMedia.All", "Calls.Initiate.All")


class GraphSettings(FacadeSettings):
    """Of the facade.

    Attributes:
        apps: who may ask.
        key_file: the RSA key that signs, PEM; made if it is not there.
        issuer: who signs, as clients expect it.
        url: where clients reach it, where a proxy stands before it; else as they name it themselves.
        keep: how long recordings can still be fetched when their call has ended.
    """

    apps: tuple[GraphApp, ...] = Field(min_length=1)
    key_file: Path
    issuer: str = "https://api.botframework.com"
    url: str = ""
    keep: timedelta = timedelta(minutes=10)

    def app_of(self, token: str) -> GraphApp | None:
        """Whose token it is. All are compared, in constant time."""
        given = token.encode()
        found = [one for one in self.apps if hmac.compare_digest(one.token.get_secret_value().encode(), given)]
        return found[0] if found else None
