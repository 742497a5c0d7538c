"""Lets requests in: what both doors ask before they read one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from livedvr.api.guard.rates import READS, STRANGERS, WRITES, Rates
from livedvr.api.guard.tokens import Client, Tokens, read_tokens
from livedvr.resources.errors import PermissionDenied
from livedvr.wallclock import WallClock


class Porter:
    """With a token file each request needs a token of it; without one all that reach the doors may do everything.

    Never UNAUTHENTICATED: an anonymous client would look for credentials instead of saying what is wrong (reference,
    section 4). Without tokens there is no limit of rates either: the doors are on loopback then, where an address
    tells nobody apart.
    """

    def __init__(self, token_file: Path | None, clock: WallClock) -> None:
        self._file = token_file
        self._clock = clock
        self._rates = Rates()
        self._tokens: Tokens | None = None
        self.reload()

    @property
    def asks_for_tokens(self) -> bool:
        """Whether there is a token file."""
        return self._file is not None

    def reload(self) -> None:
        """Read the token file again. INVALID_ARGUMENT: it is wrong, and what was read before counts."""
        if self._file is not None:
            self._tokens = read_tokens(self._file)

    def admit(self, headers: Mapping[str, str], peer: str, *, reads: bool) -> str:
        """The name of who asks. ``headers``: by lower-case names; ``peer``: the address it comes from.

        PERMISSION_DENIED: no token, a wrong one, or one that may only read. RESOURCE_EXHAUSTED: too often.
        """
        if self._tokens is None:
            return peer
        now = self._clock.now()
        given = _tokens_in(headers)
        client = next((found for token in given if (found := self._tokens.find(token))), None)
        if client is None:
            self._rates.take(f"address {peer}", STRANGERS, now)  # no name has a space in it
            raise PermissionDenied(
                "this token is not known here" if given else "a token is needed",
                field="authorization",
                hint="authorization: Bearer TOKEN, or x-goog-api-key: TOKEN; the operator has them in --token-file",
            )
        return self._admit(client, reads, now)

    def _admit(self, client: Client, reads: bool, now: int) -> str:
        self._rates.take(client.name, READS if reads else WRITES, now)
        if not reads and not client.writes:
            raise PermissionDenied(
                f"the token '{client.name}' has the scope read, this needs write",
                field="authorization",
                hint="the operator gives scopes in --token-file",
            )
        return client.name


def _tokens_in(headers: Mapping[str, str]) -> list[str]:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    given = [token.strip()] if scheme.lower() == "bearer" and token else []
    return [*given, headers["x-goog-api-key"]] if headers.get("x-goog-api-key") else given
