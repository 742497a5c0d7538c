"""Reads a channel's HLS sources for ffmpeg, each request held against the operator's list (SEMANTICS I6).

ffmpeg would look a name up again, follow redirects to anywhere, and open whatever hosts a playlist names. So where
there is a list it reads from loopback, and this connects: to the address that was checked, hop by hop, and playlists
name nothing but us. Media streams through on its way to ffmpeg; nothing is kept.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
import socket
import ssl
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable

import httpcore
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from livedvr.checked_network import CheckedNetwork
from livedvr.fetch import resolve
from livedvr.hls.mirror import BEGINNING, below, mirrored_playlist, plain
from livedvr.http_server import HttpServer
from livedvr.resources.addresses import public_uri
from livedvr.resources.errors import InvalidArgument, LiveDvrError, PermissionDenied, SourceError
from livedvr.resources.pull_policy import PullPolicy

PLAYLIST_LIMIT = 16 << 20  # bytes; a day of two second segments is 5 MB
MEDIA_LIMIT = 256 << 20
SILENCE = 15.0  # seconds without a byte, or to connect
LONGEST = 150.0  # seconds for one answer: a segment comes in less time than it plays
REDIRECTS = 5
SAID = 100  # different refusals that are told; after that nobody reads them

_HTTP = re.compile(r"(https?)://([^/?@]+)(.*)")
_RANGE = re.compile(rb"bytes=\d+-\d*")
_PASSED = (b"content-type", b"content-length", b"content-range", b"accept-ranges")
_TIMEOUTS = {"timeout": dict.fromkeys(("connect", "read", "write", "pool"), SILENCE)}
_TROUBLE = (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, TimeoutError, SourceError)

Note = Callable[[str, str], Awaitable[None]]
Header = tuple[bytes, bytes]


class PullFetcher:
    """One channel's way to its HLS sources. `open` comes first, `close` last.

    Args:
        policy: which hosts may be asked.
        note: takes kind and text of what the channel's user should know: each reason once, not each segment.
        tasks: owns the server's task.
    """

    def __init__(self, policy: PullPolicy, note: Note, tasks: asyncio.TaskGroup) -> None:
        self._policy = policy
        self._note = note
        self._said: set[str] = set()
        self._token = secrets.token_urlsafe(32)  # other users of this machine do not know where we are
        self._server = _LoopbackServer(self, tasks)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=16,
            # As ffmpeg does: a kept connection that its server closes just then would cost the run.
            max_keepalive_connections=0,
            network_backend=CheckedNetwork(
                policy.permits, "loopback and link-local addresses have to be on the list themselves"
            ),
        )

    def open(self) -> None:
        """Serve from now on."""
        self._server.open()

    @property
    def mirror(self) -> str:
        """Below which URL the sources are, see `livedvr.hls.mirror`."""
        return f"http://127.0.0.1:{self._server.port}/{self._token}"

    async def close(self) -> None:
        """Serve no more."""
        await self._server.close()
        await self._pool.aclose()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request (ASGI)."""
        assert scope["type"] == "http"  # the server knows no websockets and no lifespan
        asked, answer = self._asked(scope), _Answer(scope, receive, send)
        if asked is None or scope["method"] != "GET":
            await answer.refuse(404)
            return
        url = below(asked)
        shown = public_uri(url or asked)
        try:
            if url is None:
                raise PermissionDenied("it is no URL of HTTP", field=shown)
            async with asyncio.timeout(LONGEST), self._opened(url, _range(scope)) as (upstream, base):
                await self._pass_on(upstream, base, answer)
        except (PermissionDenied, InvalidArgument) as error:
            error.field = None if error.field == shown else error.field
            await self._say("PULL_REFUSED", error.message, f"{shown} is not read: {error}")
            await answer.refuse(403)
        except _TROUBLE as error:
            why = str(error) or type(error).__name__
            await self._say("PULL_FAILED", why, f"{shown}: {why}")
            await answer.refuse(502)

    def _asked(self, scope: Scope) -> str | None:
        """What stands behind the token, as it was sent; None: who asks does not know it."""
        path, query = scope["raw_path"].decode("latin-1"), scope["query_string"].decode("latin-1")
        token, _, asked = path.removeprefix("/").partition("/")
        if not secrets.compare_digest(token.encode(), self._token.encode()):
            return None
        return f"{asked}?{query}" if query else asked

    async def _say(self, kind: str, why: str, text: str) -> None:
        if why not in self._said and len(self._said) < SAID:
            self._said.add(why)
            with contextlib.suppress(LiveDvrError):  # whoever owns the catalog finds out by itself
                await self._note(kind, text)

    @contextlib.asynccontextmanager
    async def _opened(self, url: str, headers: list[Header]) -> AsyncIterator[tuple[httpcore.Response, str]]:
        """The answer to a request and where it came from in the end; each hop is checked before it is made."""
        for _ in range(REDIRECTS + 1):
            host, port = self._policy.check(url, field=public_uri(url))
            found = _HTTP.fullmatch(plain(url.partition("#")[0]))
            if found is None:
                raise InvalidArgument("it is no URL of HTTP without a user", field=public_uri(url))
            scheme, authority, path = found.groups()
            path = path if path.startswith("/") else f"/{path}"
            target = httpcore.URL(scheme=scheme, host=host, port=port, target=path)
            own = [(b"Host", authority.encode()), (b"User-Agent", b"livedvr"), (b"Accept-Encoding", b"identity")]
            async with self._pool.stream("GET", target, headers=[*own, *headers], extensions=_TIMEOUTS) as answer:
                location = _header(answer, b"location") if answer.status in (301, 302, 303, 307, 308) else None
                if location is None:
                    yield answer, url
                    return
            url = resolve(url, location)
        raise SourceError(f"more than {REDIRECTS} redirects")

    async def _pass_on(self, upstream: httpcore.Response, url: str, answer: _Answer) -> None:
        if upstream.status not in (200, 206):
            await answer.refuse(upstream.status if 400 <= upstream.status < 600 else 502)
            return
        chunks = aiter(upstream.aiter_stream())
        encoding = (_header(upstream, b"content-encoding") or "identity").lower()
        head = b""
        while len(head) < len(BEGINNING) and (chunk := await anext(chunks, b"")):
            head += chunk
        if head.startswith(BEGINNING) or encoding != "identity":
            data = await _all(head, chunks)
            await answer.playlist(await asyncio.to_thread(self._mirrored, data, encoding, url))
        else:
            await answer.stream(upstream, head, chunks)

    def _mirrored(self, data: bytes, encoding: str, url: str) -> bytes:
        """The playlist with its URIs below ours; what is encoded is taken for one, for media never is."""
        if encoding != "identity":
            data = _decoded(data, encoding)
        return mirrored_playlist(data.decode(errors="replace"), url, self.mirror).encode()


class _Answer:
    """The answer to one request. Once it has begun it can only end early: whoever reads it notices by its length."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._has_begun = False

    async def refuse(self, status: int) -> None:
        if not self._has_begun:
            await self._whole(Response(status_code=status))

    async def playlist(self, data: bytes) -> None:
        await self._whole(Response(data, media_type="application/vnd.apple.mpegurl"))

    async def _whole(self, response: Response) -> None:
        self._has_begun = True
        await response(self._scope, self._receive, self._send)

    async def stream(self, upstream: httpcore.Response, head: bytes, chunks: AsyncIterator[bytes]) -> None:
        """Media as it comes, one chunk at a time."""
        headers = [(name.lower(), value) for name, value in upstream.headers if name.lower() in _PASSED]
        self._has_begun = True
        await self._send({"type": "http.response.start", "status": upstream.status, "headers": headers})
        size, chunk, asking = 0, head, Request(self._scope, self._receive)
        while chunk and not await asking.is_disconnected():  # whoever is gone wants no more of it
            size += len(chunk)
            if size > MEDIA_LIMIT:
                raise SourceError(f"larger than {MEDIA_LIMIT} bytes")
            await self._send({"type": "http.response.body", "body": chunk, "more_body": True})
            chunk = await anext(chunks, b"")
        await self._send({"type": "http.response.body", "body": b""})


class _LoopbackServer(HttpServer):
    """On a port of loopback that the system chooses."""

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]], tasks: asyncio.TaskGroup) -> None:
        super().__init__(app, "127.0.0.1", tasks, field="pull")
        self.port = 0

    def _listen(self) -> socket.socket:
        listening = socket.create_server(("127.0.0.1", 0))
        self.port = listening.getsockname()[1]
        return listening


def _range(scope: Scope) -> list[Header]:
    asked = dict(scope["headers"]).get(b"range")
    return [(b"Range", asked)] if asked is not None and _RANGE.fullmatch(asked) else []


def _header(response: httpcore.Response, wanted: bytes) -> str | None:
    return next((value.decode("latin-1").strip() for name, value in response.headers if name.lower() == wanted), None)


async def _all(head: bytes, chunks: AsyncIterator[bytes]) -> bytes:
    data, chunk = bytearray(), head
    while chunk:
        data += chunk
        if len(data) > PLAYLIST_LIMIT:
            raise SourceError(f"a playlist larger than {PLAYLIST_LIMIT} bytes")
        chunk = await anext(chunks, b"")
    return bytes(data)


def _decoded(data: bytes, encoding: str) -> bytes:
    """Some servers compress playlists, whatever one asks for."""
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise SourceError(f"it comes as {encoding}, which was not asked for")
    unpacking = zlib.decompressobj(wbits=47)  # gzip or zlib, as its head says
    try:
        found = unpacking.decompress(data, PLAYLIST_LIMIT)
    except zlib.error as error:
        raise SourceError(f"it is not {encoding}: {error}") from error
    if unpacking.unconsumed_tail or not found.startswith(BEGINNING):
        raise SourceError(f"it comes as {encoding}, and is no playlist, or one larger than {PLAYLIST_LIMIT} bytes")
    return found
