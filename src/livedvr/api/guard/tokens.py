"""The token file: who may ask this server. Hashes are kept, never the tokens."""

from __future__ import annotations

import hashlib
import hmac
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from livedvr.resources.errors import InvalidArgument

OPTION = "--token-file"
SHORTEST_TOKEN = 16  # characters: nobody guesses it
LARGEST_FILE = 1 << 20
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")  # what may stand behind Bearer (RFC 6750, section 2.1)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,62}")
_SCOPES = ("read", "write")


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks. ``name``: as logs and metrics say it. ``writes``: whether it may change something."""

    name: str
    writes: bool


class Tokens:
    """The clients of a token file. Made by `read_tokens`."""

    def __init__(self, clients: dict[bytes, Client]) -> None:
        self._clients = clients

    def find(self, token: str) -> Client | None:
        """Whose token this is. How long it takes tells nothing of the tokens there are."""
        asked, found = _digest(token), None
        for digest, client in self._clients.items():
            if hmac.compare_digest(digest, asked):
                found = client
        return found


def read_tokens(path: Path) -> Tokens:
    """Lines of ``TOKEN SCOPE [NAME]``; SCOPE is read or write (which may read too), ``#`` begins a comment.

    INVALID_ARGUMENT names the line and what is wrong with it, never what stands in it.
    """
    clients: dict[bytes, Client] = {}
    for number, line in enumerate(_text(path).splitlines(), start=1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        token, client = _client(words, f"{path}:{number}", number)
        if _digest(token) in clients:
            raise InvalidArgument(
                "this token stands there twice", field=f"{path}:{number}", hint="each line has its own"
            )
        if any(known.name == client.name for known in clients.values()):
            raise InvalidArgument(
                f"another token is called '{client.name}'", field=f"{path}:{number}", hint="logs tell clients by name"
            )
        clients[_digest(token)] = client
    if not clients:
        raise InvalidArgument("there is no token in it", field=f"{OPTION} {path}", hint="lines of TOKEN SCOPE [NAME]")
    return Tokens(clients)


def _text(path: Path) -> str:
    field = f"{OPTION} {path}"
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST_FILE:
            raise InvalidArgument("this is no file of tokens", field=field, hint="lines of TOKEN SCOPE [NAME]")
        if stat.S_IMODE(status.st_mode) & stat.S_IRWXO:
            raise InvalidArgument("everybody on this machine can read it", field=field, hint=f"chmod 600 {path}")
        return path.read_text("ascii")
    except OSError as error:
        raise InvalidArgument(f"cannot be read: {error.strerror}", field=field) from error
    except UnicodeDecodeError as error:
        raise InvalidArgument("this is no text of ASCII characters", field=field) from error


def _client(words: list[str], field: str, number: int) -> tuple[str, Client]:
    if len(words) not in (2, 3) or words[1] not in _SCOPES:
        raise InvalidArgument("this is no line of TOKEN SCOPE [NAME]", field=field, hint="the scope is read or write")
    token, scope, name = words[0], words[1], words[2] if len(words) == 3 else f"line-{number}"
    if len(token) < SHORTEST_TOKEN or not _TOKEN.fullmatch(token):
        raise InvalidArgument(
            f"a token is {SHORTEST_TOKEN} or more of letters, digits and -._~+/",
            field=field,
            hint="openssl rand -hex 24",
        )
    if not _NAME.fullmatch(name):
        raise InvalidArgument("a name is up to 63 letters, digits and -._@", field=field)
    return token, Client(name, writes=scope == "write")


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
