"""An HTTP server that gives the answers which a test has prepared, and remembers what it was asked."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from answering import answering

LOCATION = "projects/default/locations/local"


@dataclass
class Asked:
    """A request: the path from the location on, the query, the body, the token."""

    verb: str
    path: str
    query: dict[str, str]
    body: Any
    token: str | None


@dataclass
class Stub:
    """``answers``: what is answered, one after the other, the last again and again: a body, or (status, body).
    ``played``: the status for whoever asks by HEAD whether something is there."""

    url: str = ""
    answers: list[Any] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    played: int = 404


@contextmanager
def stub_server(*answers: Any, tls: ssl.SSLContext | None = None) -> Iterator[Stub]:
    stub = Stub(answers=list(answers))

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            parts = urlsplit(self.path)
            text = self.rfile.read(int(self.headers.get("content-length") or 0))
            path = parts.path.removeprefix(f"/v1/{LOCATION}/")
            token = self.headers.get("authorization")
            body = json.loads(text) if text else None
            stub.asked.append(Asked(self.command, path, dict(parse_qsl(parts.query)), body, token))
            answer = stub.answers.pop(0) if len(stub.answers) > 1 else stub.answers[0]
            status, said = answer if isinstance(answer, tuple) else (200, answer)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(said if isinstance(said, bytes) else json.dumps(said).encode())

        do_GET = do_POST = do_PATCH = do_DELETE = _answer

        def do_HEAD(self) -> None:
            """Of what is played: not what a command is about."""
            self.send_response(stub.played)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that does not trust our certificate leaves in the middle."""

    server = Quiet(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    with answering(server) as authority:
        stub.url = f"{'https' if tls else 'http'}://{authority}"
        yield stub


def refusal(code: int, status: str, message: str, field: str | None = None) -> tuple[int, Any]:
    """As the API refuses (AIP-193)."""
    metadata = {"field": field} if field else {}
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": status, "metadata": metadata}
    return code, {"error": {"code": code, "status": status, "message": message, "details": [info]}}


def done(response: dict[str, Any] | None = None, name: str = "op1") -> dict[str, Any]:
    """An operation that is done."""
    response = {"@type": "type.googleapis.com/google.protobuf.Empty"} | (response or {})
    return {"name": f"{LOCATION}/operations/{name}", "done": True, "response": response}
