from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from answering import answering
from livedvr.fetch import Fetcher, address_of, resolve
from livedvr.hls.parsed import ByteRange
from livedvr.resources.errors import InvalidArgument, SourceError


def test_addresses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert address_of("https://host/a.m3u8?x=1") == "https://host/a.m3u8?x=1"
    assert address_of("file:///a.m3u8") == "file:///a.m3u8"
    assert address_of("a b/c#1.m3u8") == f"{tmp_path.as_uri()}/a%20b/c%231.m3u8"
    with pytest.raises(InvalidArgument, match="'gs:' is not read here"):
        address_of("gs://bucket/a.m3u8")


def test_uris_are_relative_to_their_playlist() -> None:
    assert resolve("https://h/a/b.m3u8?t=1", "../c.ts") == "https://h/c.ts"
    assert resolve("file:///a/b.m3u8", "c%20d.ts") == "file:///a/c%20d.ts"
    assert resolve("https://h/a.m3u8", "http://[bad") == "http://[bad"


def test_files(tmp_path: Path) -> None:
    (tmp_path / "a b.ts").write_bytes(b"0123456789")
    fetcher = Fetcher(tmp_path.as_uri())
    url = f"{tmp_path.as_uri()}/a%20b.ts"
    assert fetcher.read(url).data == b"0123456789"
    assert fetcher.read(url, byterange=ByteRange(3, 4)).data == b"456"
    with pytest.raises(SourceError, match="ends 2 bytes before the byte range does"):
        fetcher.read(url, byterange=ByteRange(4, 8))
    with pytest.raises(SourceError, match="larger than 9 bytes"):
        fetcher.read(url, limit=9)
    with pytest.raises(SourceError, match="more than 9 bytes are asked for"):
        fetcher.read(url, limit=9, byterange=ByteRange(10, 0))


@pytest.mark.parametrize("uri", ["gone.ts", ".", "a%00b.ts", "file://other.host/etc/hostname"])
def test_files_that_cannot_be_read(tmp_path: Path, uri: str) -> None:
    base = f"{tmp_path.as_uri()}/"
    with pytest.raises(SourceError):
        Fetcher(base).read(resolve(base, uri))


@pytest.mark.parametrize("url", ["file:///etc/hostname", "ftp://host/a", "data:,x", "/etc/hostname", "//h/a", "x:y"])
def test_a_playlist_from_the_network_leads_nowhere_else(url: str) -> None:
    with pytest.raises(SourceError, match=r"names a local file|is not read here"):
        Fetcher("https://host/a.m3u8").read(url)


class _Handler(BaseHTTPRequestHandler):
    """Serves /bytes with ranges, /whole without, and redirects."""

    def do_GET(self) -> None:
        body, status, wanted = b"0123456789", 200, self.headers["Range"]
        if self.path == "/gone":
            self.send_error(404)
            return
        if self.path.startswith("/to?") or self.path == "/loop":
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to?"))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if self.path == "/bytes" and wanted:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            body, status = body[int(first) : int(last) + 1], 206
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) + (self.path == "/short")))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Be quiet."""


@pytest.fixture
def server() -> Iterator[str]:
    with answering(ThreadingHTTPServer(("127.0.0.1", 0), _Handler)) as authority:
        yield f"http://{authority}"


@pytest.mark.e2e
def test_http(server: str) -> None:
    fetcher = Fetcher(server)
    assert fetcher.read(f"{server}/bytes").data == b"0123456789"
    assert fetcher.read(f"{server}/bytes", byterange=ByteRange(3, 4)).data == b"456"
    assert fetcher.read(f"{server}/whole", byterange=ByteRange(3, 4)).data == b"456"
    redirected = fetcher.read(f"{server}/to?/bytes")
    assert (redirected.data, redirected.url) == (b"0123456789", f"{server}/bytes")
    with pytest.raises(SourceError, match="larger than 9 bytes"):
        fetcher.read(f"{server}/bytes", limit=9)


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/gone", "HTTP 404"),
        ("/short", "the connection ends 1 bytes early"),
        ("/to?file:///etc/hostname", "HTTP 302"),
        ("/to?ftp://127.0.0.1/a", "HTTP 302"),
        ("/loop", "infinite loop"),
        ("/a b", "cannot be read"),
    ],
)
def test_http_that_fails(server: str, path: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        Fetcher(server).read(server + path)


@pytest.mark.e2e
def test_nobody_listens() -> None:
    with pytest.raises(SourceError, match="refused"):
        Fetcher("http://127.0.0.1:1/").read("http://127.0.0.1:1/a.m3u8")
