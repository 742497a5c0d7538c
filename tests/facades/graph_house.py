"""What the tests of the Graph facade share: its settings, its official clients, who is told, and a prompt."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import requests
from azure.core.credentials import AccessToken
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider

from answering import answering
from recordings.sounds import a_wav

TOKEN = "a-token-of-the-test-app"
APP = "5b2a5b0e-1f6f-4a43-9d06-9e1a3f6d2a11"
LISTENER = "a-token-that-may-not-initiate"
PROMPT = a_wav(0.4)


def toml(listen: str, folder: Path) -> str:
    return f"""\
[graph]
listen = "{listen}"
key_file = "{folder / "graph.pem"}"
channels = {{ "+15550100" = "live" }}

[[graph.apps]]
id = "{APP}"
token = "{TOKEN}"
"""


class _Credential:
    """As azure-identity's: a token for whoever asks."""

    def __init__(self, token: str) -> None:
        self._token = token

    def get_token(self, *_: str, **__: Any) -> AccessToken:
        return AccessToken(self._token, int(time.time()) + 3600)

    def close(self) -> None:
        pass


@asynccontextmanager
async def client(version: str, listen: str, token: str = TOKEN) -> AsyncIterator[Any]:
    """Microsoft's client, of ``v1.0`` or ``beta``, as it is installed."""
    if version == "beta":
        from msgraph_beta import GraphRequestAdapter, GraphServiceClient
    else:
        from msgraph import GraphRequestAdapter, GraphServiceClient
    adapter = GraphRequestAdapter(AzureIdentityAuthenticationProvider(_Credential(token), scopes=["x/.default"]))
    adapter.base_url = f"http://{listen}/{version}"
    yield GraphServiceClient(request_adapter=adapter)
    await adapter._http_client._transport.transport.aclose()  # theirs forgets the one that it has wrapped


class Bot:
    """An application: is told of its calls, and has prompts."""

    def __init__(self, authority: str) -> None:
        self.authority = authority
        self.callback = f"http://{self.authority}/callback"
        self.prompt = f"http://{self.authority}/prompt.wav"
        self.told: list[tuple[str, dict[str, Any]]] = []  # bearer token, the one notification

    def of(self, operation: str) -> list[dict[str, Any]]:
        """What it was told of an operation."""
        found = operation.replace("-", "").upper()
        return [one for _, one in list(self.told) if one["resourceUrl"].endswith(f"/operations/{found}")]

    def verified(self, openid: str) -> list[dict[str, Any]]:
        """The claims of all tokens, by the published keys."""
        with requests.Session() as http:
            http.trust_env = False
            jwks = http.get(http.get(openid).json()["jwks_uri"]).json()
        keys = {one["kid"]: jwt.PyJWK(one) for one in jwks["keys"]}
        claims = []
        for token, _ in list(self.told):
            key = keys[jwt.get_unverified_header(token)["kid"]]
            claims.append(jwt.decode(token, key, algorithms=["RS256"], audience=APP))
        return claims


@contextmanager
def a_bot() -> Iterator[Bot]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer(200 if self.path == "/prompt.wav" else 404, PROMPT)

        def do_POST(self) -> None:
            told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            (one,) = told["value"]
            bot.told.append((self.headers["Authorization"].removeprefix("Bearer "), one))
            self.answer(202, b"")

        def answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with answering(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as authority:
        bot = Bot(authority)
        yield bot
