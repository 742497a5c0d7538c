"""Reads what a playlist names: files of this machine, or http(s) resources; never one for the other.

A playlist that came over the network cannot make us open a local file, by its URIs or by a redirect.
"""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urljoin, urlsplit
from urllib.request import url2pathname

from livedvr.hls.parsed import ByteRange
from livedvr.resources.errors import InvalidArgument, SourceError

PLAYLIST_LIMIT = 64 << 20  # bytes; a day of two second segments is 5 MB
SEGMENT_LIMIT = 256 << 20
TIMEOUT = 15  # seconds without a byte

_REMOTE = ("http", "https")


@dataclass(frozen=True, slots=True)
class Resource:
    """What was read, and the address it came from in the end (a redirect moves relative URIs)."""

    data: bytes
    url: str


def address_of(target: str) -> str:
    """What a user names (a path, file:///..., http(s)://...) as a URL.

    Raises:
        InvalidArgument: another scheme.
    """
    scheme = urlsplit(target).scheme if "://" in target else ""
    if scheme not in ("", "file", *_REMOTE):
        raise InvalidArgument(f"'{scheme}:' is not read here", field=target, hint="give a path or an http(s) address")
    return target if scheme else Path(target).absolute().as_uri()


class Fetcher:
    """Reads the resources of one presentation.

    Args:
        root: address of its first playlist; only if that is a file may the others be.
        timeout: seconds without a byte.
        proxies: whether the environment's proxies are asked, as ``http_proxy`` says.
    """

    def __init__(self, root: str, timeout: float = TIMEOUT, *, proxies: bool = True) -> None:
        self._timeout = timeout
        self._local = urlsplit(root).scheme == "file"
        # Built by hand: build_opener() would add handlers for file:, ftp: and data:, which a redirect could name.
        self._opener = urllib.request.OpenerDirector()
        for handler in (
            *((urllib.request.ProxyHandler,) if proxies else ()),
            urllib.request.HTTPHandler,
            urllib.request.HTTPSHandler,
            urllib.request.HTTPRedirectHandler,
            urllib.request.HTTPDefaultErrorHandler,
            urllib.request.HTTPErrorProcessor,
        ):
            self._opener.add_handler(handler())

    def read(self, url: str, *, limit: int = SEGMENT_LIMIT, byterange: ByteRange | None = None) -> Resource:
        """Read a resource, or `byterange` of it (whose start must be told).

        Raises:
            SourceError: it cannot be read, is larger than `limit` bytes, or may not be opened from here.
        """
        scheme = urlsplit(url).scheme
        if scheme in _REMOTE:
            return self._read_remote(url, limit, byterange)
        if scheme == "file" and self._local:
            return self._read_file(url, limit, byterange)
        why = "a playlist from the network names a local file" if scheme == "file" else f"'{scheme}:' is not read here"
        raise SourceError(why, field=url)

    def _read_file(self, url: str, limit: int, byterange: ByteRange | None) -> Resource:
        parts = urlsplit(url)
        if parts.netloc not in ("", "localhost"):
            raise SourceError("a file on another machine", field=url)
        try:
            with Path(url2pathname(parts.path)).open("rb") as file:
                if byterange:
                    file.seek(byterange.start or 0)
                return Resource(_limited(file, limit, byterange, url), url)
        except (OSError, ValueError) as error:  # ValueError: a NUL in the name
            reason = error.strerror if isinstance(error, OSError) else None
            raise SourceError(reason or str(error), field=url) from error

    def _read_remote(self, url: str, limit: int, byterange: ByteRange | None) -> Resource:
        try:
            request = urllib.request.Request(url, headers={"User-Agent": "livedvr"})
            if byterange:
                start = byterange.start or 0
                request.add_header("Range", f"bytes={start}-{start + byterange.length - 1}")
            with self._opener.open(request, timeout=self._timeout) as response:
                if byterange and response.status == http.client.OK:  # the server sends it all
                    response.read(byterange.start or 0)
                data = _limited(response, limit, byterange, url)
                if response.length and not byterange:
                    raise SourceError(f"the connection ends {response.length} bytes early", field=url)
                return Resource(data, response.geturl())
        except urllib.error.HTTPError as error:
            error.close()
            raise SourceError(f"HTTP {error.code} {error.reason}", field=url) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            raise SourceError(f"cannot be read: {reason}", field=url) from error


def resolve(base: str, uri: str) -> str:
    """A URI of a playlist at `base` (RFC 8216bis 4.1, RFC 3986); one that is none stays as it is and cannot be read."""
    try:
        return urljoin(base, uri)
    except ValueError:
        return uri


def _limited(source: IO[bytes], limit: int, byterange: ByteRange | None, url: str) -> bytes:
    wanted = byterange.length if byterange else limit
    if wanted > limit:
        raise SourceError(f"more than {limit} bytes are asked for", field=url)
    data = source.read(wanted + (byterange is None))
    if len(data) > wanted:
        raise SourceError(f"larger than {limit} bytes", field=url)
    if byterange and len(data) < wanted:
        raise SourceError(f"ends {wanted - len(data)} bytes before the byte range does", field=url)
    return data
