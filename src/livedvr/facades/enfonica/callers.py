"""Who asks: ``Authorization: Bearer TOKEN``, with a permission for each method (the comments of the protos)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from livedvr.api.aip.values import printable
from livedvr.api.guard.rates import STRANGERS, Rates
from livedvr.facades.enfonica.settings import EnfonicaSettings, Token
from livedvr.resources.errors import LiveDvrError, PermissionDenied


class Unauthenticated(LiveDvrError):
    """Nobody knows who asks."""

    code = "UNAUTHENTICATED"


class Callers:
    """The tokens of a section. Hashes are compared, all of them: how long it takes tells nothing."""

    def __init__(self, settings: EnfonicaSettings) -> None:
        self._project = settings.project
        self._tokens = [(_digest(one.token.get_secret_value()), one) for one in settings.tokens]
        self._rates = Rates()

    def check(self, headers: Mapping[str, str], peer: str, permission: str, project: str, now: int) -> None:
        """UNAUTHENTICATED: no token, or a wrong one; PERMISSION_DENIED: not with this one, or not on this project.

        RESOURCE_EXHAUSTED: somebody guesses. ``peer``: the address that it comes from.
        """
        scheme, _, given = headers.get("authorization", "").partition(" ")
        token = self._find(given.strip()) if scheme.lower() == "bearer" else None
        if token is None:
            self._rates.take(peer, STRANGERS, now)
            raise Unauthenticated(
                "this token is not known here" if given else "a token is needed",
                field="authorization",
                hint="Authorization: Bearer TOKEN; the operator has them in the section [enfonica]",
            )
        if project != self._project or permission not in token.permissions:
            raise PermissionDenied(
                f"it needs {permission} on project '{printable(project)}', or that does not exist",
                field="authorization",
                hint="the operator gives permissions in the section [enfonica]",
            )

    def _find(self, given: str) -> Token | None:
        asked, found = _digest(given), None
        for digest, token in self._tokens:
            if hmac.compare_digest(digest, asked):
                found = token
        return found


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
