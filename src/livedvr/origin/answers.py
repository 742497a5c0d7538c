"""Answers as players and caches expect them: entity tags, conditions, ranges, encodings, other sites' pages."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Awaitable, Callable, Mapping
from hashlib import blake2b

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from livedvr.api.rest import refusal
from livedvr.origin.conditions import Unsatisfiable, accepts_gzip, asked_range, matches, range_holds
from livedvr.origin.files import OpenFile
from livedvr.resources.errors import LiveDvrError, NotFound
from livedvr.zero_copy import EXTENSION

PLAYLIST_TYPE = "application/vnd.apple.mpegurl"
CHUNK = 256 << 10  # bytes, where the file cannot go straight into the socket
GZIP_LEVEL = 6
PATIENCE_404 = "max-age=1"  # what is not there yet may be there in a moment; a cache spares us all who ask meanwhile

# Any page may play what any client may fetch (Fetch standard, 3.2); what it sees of an answer beyond its body.
_SHARED = {
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "Accept-Ranges, Age, Content-Encoding, Content-Length, Content-Range, Date, ETag",
    "cross-origin-resource-policy": "cross-origin",
}
_PREFLIGHT = {
    "access-control-allow-methods": "GET, HEAD, OPTIONS",
    "access-control-allow-headers": "Authorization, X-Goog-Api-Key, Range, If-Range, If-None-Match, Cache-Control",
    "access-control-max-age": "86400",
}

METHODS = ["GET", "HEAD", "OPTIONS"]


class Text:
    """One version of a playlist; compressed once, for everybody who asks."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.etag = f'"{blake2b(data, digest_size=16).hexdigest()}"'
        self._gzipped: asyncio.Future[bytes] | None = None

    async def gzipped(self) -> bytes:
        """The bytes in gzip: the same ones each time."""
        if self._gzipped is None:
            self._gzipped = asyncio.ensure_future(asyncio.to_thread(_compress, self.data))
        return await asyncio.shield(self._gzipped)  # one who goes takes it from nobody

    @property
    def gzip_etag(self) -> str:
        """Other bytes, so another tag (RFC 9110, 8.8.3.3)."""
        return f'{self.etag[:-1]}-gzip"'


def _compress(data: bytes) -> bytes:
    return gzip.compress(data, GZIP_LEVEL, mtime=0)


def answering(endpoint: Callable[[Request], Awaitable[ASGIApp]]) -> Callable[[Request], Awaitable[ASGIApp]]:
    """The endpoint with preflights (Fetch standard, 4.8) and refusals."""

    async def answer(http: Request) -> ASGIApp:
        if http.method == "OPTIONS":
            return Response(status_code=204, headers=_SHARED | _PREFLIGHT)
        try:
            return await endpoint(http)
        except LiveDvrError as error:
            return refused(error)

    return answer


def refused(error: LiveDvrError) -> Response:
    """What is answered instead, to any page; a 404 may be kept for a second, nothing else."""
    answer = refusal(error)
    answer.headers.update(_SHARED)
    answer.headers["cache-control"] = PATIENCE_404 if isinstance(error, NotFound) else "no-store"
    return answer


def redirect(url: str) -> Response:
    """It is to be had there (302: another time it may be elsewhere)."""
    return Response(status_code=302, headers={**_SHARED, "location": url, "cache-control": "max-age=60"})


async def text_answer(http: Request, text: Text, cache: str) -> Response:
    """A playlist: in gzip for who takes it, unless only a range is asked for."""
    common = {**_SHARED, "cache-control": cache, "vary": "Accept-Encoding", "accept-ranges": "bytes"}
    data, etag, ranged = text.data, text.etag, http.headers.get("range")
    zipped = ranged is None and accepts_gzip(http.headers.get("accept-encoding"))
    if zipped:
        etag = text.gzip_etag
    common["etag"] = etag
    if matches(http.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=common)
    if zipped:
        return Response(await text.gzipped(), headers={**common, "content-encoding": "gzip"}, media_type=PLAYLIST_TYPE)
    try:
        part = asked_range(ranged, len(data)) if range_holds(http.headers.get("if-range"), etag) else None
    except Unsatisfiable:
        return _unsatisfiable(common, len(data))
    if part is None:
        return Response(data, headers=common, media_type=PLAYLIST_TYPE)
    common["content-range"] = f"bytes {part[0]}-{part[1] - 1}/{len(data)}"
    return Response(data[slice(*part)], 206, common, PLAYLIST_TYPE)


def file_answer(http: Request, file: OpenFile, media_type: str, cache: str) -> ASGIApp:
    """A file, or a range of it. The answer closes it."""
    etag = '"' + "-".join(f"{number:x}" for number in file.version) + '"'
    common = {**_SHARED, "cache-control": cache, "accept-ranges": "bytes", "etag": etag}
    if matches(http.headers.get("if-none-match"), etag):
        file.close()
        return Response(status_code=304, headers=common)
    holds = range_holds(http.headers.get("if-range"), etag)
    try:
        part = asked_range(http.headers.get("range"), file.size) if holds else None
    except Unsatisfiable:
        file.close()
        return _unsatisfiable(common, file.size)
    start, end = part or (0, file.size)
    if part is not None:
        common["content-range"] = f"bytes {start}-{end - 1}/{file.size}"
    common |= {"content-type": media_type, "content-length": str(end - start)}
    return _FileAnswer(file, start, end, 200 if part is None else 206, common)


def _unsatisfiable(common: Mapping[str, str], size: int) -> Response:
    return Response(
        status_code=416, headers={**common, "content-range": f"bytes */{size}", "cache-control": "no-store"}
    )


class _FileAnswer:
    """Bytes [start, end) of a file."""

    def __init__(self, file: OpenFile, start: int, end: int, status: int, headers: Mapping[str, str]) -> None:
        self._file = file
        self._start = start
        self._end = end
        self._head: Message = {
            "type": "http.response.start",
            "status": status,
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._file:
            await send(self._head)
            if scope["method"] == "HEAD" or self._start == self._end:
                await send({"type": "http.response.body"})
            elif EXTENSION in (scope.get("extensions") or {}):
                part = {"offset": self._start, "count": self._end - self._start}
                await send({"type": EXTENSION, "file": self._file.file, **part})
            else:
                await self._send_read(send)

    async def _send_read(self, send: Send) -> None:
        await asyncio.to_thread(self._file.file.seek, self._start)
        left = self._end - self._start
        while left > 0:
            data = await asyncio.to_thread(self._file.file.read, min(left, CHUNK))
            left = left - len(data) if data else 0
            await send({"type": "http.response.body", "body": data, "more_body": left > 0})
