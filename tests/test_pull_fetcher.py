"""The fetcher that reads HLS for ffmpeg, against real servers on loopback (SEMANTICS I6)."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpcore
import pytest

from livedvr import pull_fetcher
from livedvr.hls.mirror import mirrored
from livedvr.pull_fetcher import PullFetcher
from livedvr.resources.pull_policy import PullPolicy

pytestmark = pytest.mark.semantics("I6")


class Site:
    """A web server: ``pages`` are status, headers and body by path; ``asked``: the paths and ranges that were."""

    def __init__(self) -> None:
        site = self
        self.pages: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.asked: list[tuple[str, str | None]] = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                site.asked.append((self.path, self.headers["Range"]))
                status, headers, body = site.pages.get(self.path, (404, {}, b""))
                self.send_response(status)
                for name, value in ({"Content-Length": str(len(body))} | headers).items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.left = threading.Event()  # who asks has gone away
        self._server.handle_error = lambda *_: self.left.set()  # type: ignore[method-assign]
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread.start()

    def page(self, path: str, body: bytes | str = b"", status: int = 200, **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.pages[path] = (status, named, body.encode() if isinstance(body, str) else body)

    def wrap(self, certificate: Path, key: Path) -> None:
        """Speak TLS from now on."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def site() -> Iterator[Site]:
    """The source's own server."""
    served = Site()
    yield served
    served.close()


@pytest.fixture
def forbidden() -> Iterator[Site]:
    """One that is not on the list, and has everything."""
    served = Site()
    for path in ("/seg.ts", "/key.bin", "/live.m3u8"):
        served.page(path, "#EXTM3U\n")
    yield served
    served.close()


class Reader:
    """Reads as ffmpeg would: what the fetcher serves, and nothing else."""

    def __init__(self, fetcher: PullFetcher, http: httpcore.AsyncConnectionPool) -> None:
        self.fetcher, self.http = fetcher, http
        self.notes: list[tuple[str, str]] = []

    async def note(self, kind: str, text: str) -> None:
        self.notes.append((kind, text))

    async def get(self, url: str, **headers: str) -> httpcore.Response:
        """What a URL of the source, or of a playlist, has."""
        asked = url if url.startswith(self.fetcher.mirror) else mirrored(url, self.fetcher.mirror)
        return await self.http.request("GET", asked, headers=list(headers.items()))


@asynccontextmanager
async def reading(allowed: list[str]) -> AsyncIterator[Reader]:
    """A reader of a fetcher that may ask these hosts."""
    made: list[Reader] = []
    async with asyncio.TaskGroup() as tasks, httpcore.AsyncConnectionPool() as http:
        fetcher = PullFetcher(PullPolicy.of(allowed), lambda kind, text: made[0].note(kind, text), tasks)
        fetcher.open()
        made.append(Reader(fetcher, http))
        try:
            yield made[0]
        finally:
            await fetcher.close()


@pytest.fixture
async def reader(site: Site) -> AsyncIterator[Reader]:
    async with reading([f"{host}:{site.port}" for host in ("127.0.0.1", "name.example", "localhost")]) as opened:
        yield opened


def uris(response: httpcore.Response) -> list[str]:
    return [line for line in response.content.decode().splitlines() if line and not line.startswith("#")]


async def test_a_chain_of_relative_uris_is_read_through_it(reader: Reader, site: Site) -> None:
    site.page("/a/main.m3u8?t=1", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n../v/live.m3u8?t=2\n")
    site.page("/v/live.m3u8?t=2", '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="k/key.bin"\n#EXTINF:2,\nseg%201.ts\n')
    site.page("/v/k/key.bin", b"0123456789abcdef")
    site.page("/v/seg%201.ts", bytes(range(256)) * 4096, Content_Type="video/mp2t")
    main = await reader.get(f"{site.url}/a/main.m3u8?t=1")
    (variant,) = uris(main)
    live = await reader.get(variant)
    (segment,) = uris(live)
    key = live.content.decode().partition('URI="')[2].partition('"')[0]
    assert all(one.startswith(reader.fetcher.mirror) for one in (variant, segment, key))
    media = await reader.get(segment)
    assert (media.status, media.content) == (200, bytes(range(256)) * 4096)
    assert dict(media.headers)[b"content-type"] == b"video/mp2t"
    assert (await reader.get(key)).content == b"0123456789abcdef"
    assert [path for path, _ in site.asked] == ["/a/main.m3u8?t=1", "/v/live.m3u8?t=2", "/v/seg%201.ts", "/v/k/key.bin"]
    assert reader.notes == []


@pytest.mark.parametrize("name", ["seg.ts", "key.bin"])
async def test_a_forbidden_host_in_a_playlist_is_not_asked_and_named(
    reader: Reader, site: Site, forbidden: Site, name: str
) -> None:
    lines = {
        "seg.ts": f"#EXTINF:2,\n{forbidden.url}/seg.ts\n#EXTINF:2,\n//127.0.0.1:{forbidden.port}/seg.ts",
        "key.bin": f'#EXT-X-KEY:METHOD=AES-128,URI="{forbidden.url}/key.bin"\n#EXTINF:2,\nseg.ts',
    }
    site.page("/live.m3u8", f"#EXTM3U\n{lines[name]}\n")
    text = (await reader.get(f"{site.url}/live.m3u8")).content.decode()
    named = [
        part for line in text.splitlines() for part in line.split('"') if part.endswith(f":{forbidden.port}/{name}")
    ]
    assert named
    for one in named:
        assert (await reader.get(one)).status == 403
    assert forbidden.asked == []
    shown = f"127.0.0.1:{forbidden.port}"
    assert reader.notes == [
        (
            "PULL_REFUSED",
            f"http://{shown}/{name} is not read: {shown} is not on the operator's list of hosts to pull from"
            f" (--allow-pull {shown} allows it)",
        )
    ], "once, whatever lists it"


async def test_a_redirect_is_followed_as_far_as_the_list_goes(reader: Reader, site: Site, forbidden: Site) -> None:
    site.page("/old.m3u8", status=302, Location="new/live.m3u8")
    site.page("/new/live.m3u8", "#EXTM3U\n#EXTINF:2,\nseg.ts\n")
    site.page("/away", status=307, Location=f"{forbidden.url}/live.m3u8?token=horse")
    site.page("/loop", status=301, Location="/loop")
    site.page("/torn", status=301, Location="http://[")
    site.page("/file", status=302, Location="file:///etc/passwd")
    found = await reader.get(f"{site.url}/old.m3u8")
    assert uris(found) == [mirrored(f"{site.url}/new/seg.ts", reader.fetcher.mirror)], "where it came from in the end"
    assert (await reader.get(f"{site.url}/away")).status == 403
    assert (await reader.get(f"{site.url}/file")).status == 403
    assert (await reader.get(f"{site.url}/torn")).status == 403
    assert (await reader.get(f"{site.url}/loop")).status == 502
    assert forbidden.asked == []
    (away, file, loop) = reader.notes
    assert f"{site.url}/away is not read: {forbidden.url}/live.m3u8: 127.0.0.1:{forbidden.port} is not" in away[1]
    assert "horse" not in str(reader.notes)
    assert "/file is not read: file:///etc/passwd: it does not say plainly" in file[1]
    assert loop == ("PULL_FAILED", f"{site.url}/loop: more than 5 redirects")


async def test_nobody_is_served_without_the_token(reader: Reader, site: Site) -> None:
    site.page("/live.m3u8", "#EXTM3U\n")
    base, _, token = reader.fetcher.mirror.rpartition("/")
    for wrong in ("", "x", token[:-1], f"{token}x", f"x/{token}", f"../{token}"):
        asked = f"{base}/{wrong}/http/127.0.0.1:{site.port}/live.m3u8"
        assert (await reader.http.request("GET", asked)).status == 404
    assert (await reader.http.request("POST", mirrored(f"{site.url}/live.m3u8", f"{base}/{token}"))).status == 404
    assert site.asked == [] and reader.notes == []
    assert (await reader.get(f"{site.url}/live.m3u8")).status == 200


async def test_ranges_and_failures_pass(reader: Reader, site: Site) -> None:
    site.page("/seg.ts", b"2345", status=206, Content_Range="bytes 2-5/10")
    part = await reader.get(f"{site.url}/seg.ts", Range="bytes=2-5")
    assert (part.status, part.content, dict(part.headers)[b"content-range"]) == (206, b"2345", b"bytes 2-5/10")
    await reader.get(f"{site.url}/seg.ts", Range="bytes=0-1,3-4")
    assert site.asked == [("/seg.ts", "bytes=2-5"), ("/seg.ts", None)], "several at once are nobody's need here"
    assert (await reader.get(f"{site.url}/nothing")).status == 404
    for status, seen in ((503, 503), (304, 502), (302, 502), (999, 502)):
        site.page("/no", status=status)
        assert (await reader.get(f"{site.url}/no")).status == seen
    assert reader.notes == []


async def test_a_playlist_is_unpacked_and_media_is_not(reader: Reader, site: Site) -> None:
    packed = gzip.compress(b"#EXTM3U\n#EXTINF:2,\nhttp://evil.example/seg.ts\n")
    site.page("/live.m3u8", packed, Content_Encoding="gzip")
    assert uris(await reader.get(f"{site.url}/live.m3u8")) == [
        mirrored("http://evil.example/seg.ts", reader.fetcher.mirror)
    ], "ffmpeg would have unpacked it itself"
    site.page("/bomb.m3u8", gzip.compress(b"#EXTM3U\n" + bytes(pull_fetcher.PLAYLIST_LIMIT)), Content_Encoding="gzip")
    site.page("/seg.ts", gzip.compress(b"media"), Content_Encoding="gzip")
    site.page("/odd.ts", b"media", Content_Encoding="br")
    for name in ("bomb.m3u8", "seg.ts", "odd.ts"):
        assert (await reader.get(f"{site.url}/{name}")).status == 502, name


async def test_what_is_too_large_or_too_slow_ends(reader: Reader, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pull_fetcher, "PLAYLIST_LIMIT", 1000)
    monkeypatch.setattr(pull_fetcher, "MEDIA_LIMIT", 1000)
    site.page("/long.m3u8", "#EXTM3U\n" + "#EXTINF:2,\nseg.ts\n" * 100)
    site.page("/long.ts", bytes(200_000))
    assert (await reader.get(f"{site.url}/long.m3u8")).status == 502
    with pytest.raises(httpcore.RemoteProtocolError):  # it ends early, and who reads it notices
        await reader.get(f"{site.url}/long.ts")
    monkeypatch.setattr(pull_fetcher, "LONGEST", 0.2)
    site.page("/slow.m3u8", "#EXTM3U\n", Content_Length="100")  # the rest never comes
    assert (await reader.get(f"{site.url}/slow.m3u8")).status == 502
    assert [kind for kind, _ in reader.notes] == ["PULL_FAILED"] * 3


async def test_a_name_is_looked_up_once_and_may_not_lead_to_this_machine(
    reader: Reader, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.page("/live.m3u8", "#EXTM3U\n")
    asked: list[str] = []
    answers = {"name.example": ["169.254.169.254", "127.0.0.2"], "localhost": ["127.0.0.1"]}

    async def look_up(host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in answers[host]]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", look_up)
    assert (await reader.get(f"http://name.example:{site.port}/live.m3u8")).status == 403
    assert site.asked == [] and asked == ["name.example"]
    ((kind, text),) = reader.notes
    assert kind == "PULL_REFUSED" and "name.example is 169.254.169.254, 127.0.0.2: loopback and link-local" in text
    assert (await reader.get(f"http://localhost:{site.port}/live.m3u8")).status == 200, "on the list by that name"


async def test_nothing_more_is_read_for_who_has_gone(reader: Reader, site: Site) -> None:
    site.page("/seg.ts", bytes(64 << 20))
    async with reader.http.stream("GET", mirrored(f"{site.url}/seg.ts", reader.fetcher.mirror)) as answer:
        await anext(aiter(answer.aiter_stream()))
    assert await asyncio.to_thread(site.left.wait, 10)


@pytest.fixture
def certified(site: Site, tmp_path: Path) -> Path:
    """A certificate for localhost, with which the site speaks TLS."""
    made = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost -addext"
    certificate = [*made.split(), "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(certificate, cwd=tmp_path, check=True, capture_output=True)
    site.wrap(tmp_path / "cert.pem", tmp_path / "key.pem")
    return tmp_path / "cert.pem"


@pytest.mark.parametrize("trusted", [True, False])
async def test_a_certificate_is_checked_against_the_name(
    site: Site, certified: Path, monkeypatch: pytest.MonkeyPatch, trusted: bool
) -> None:
    site.page("/live.m3u8", "#EXTM3U\n#EXTINF:2,\nseg.ts\n")
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certified))
    async with reading([f"localhost:{site.port}", f"127.0.0.1:{site.port}"]) as reader:
        found = await reader.get(f"https://localhost:{site.port}/live.m3u8")
        assert found.status == (200 if trusted else 502)
        # The address of the same server is not what its certificate says.
        assert (await reader.get(f"https://127.0.0.1:{site.port}/live.m3u8")).status == 502
    if trusted:
        assert uris(found) == [mirrored(f"https://localhost:{site.port}/seg.ts", reader.fetcher.mirror)]
    kind, text = reader.notes[0]
    assert kind == "PULL_FAILED" and "certificate" in text.lower()


async def test_when_it_is_closed_nobody_listens(site: Site) -> None:
    async with asyncio.TaskGroup() as tasks:
        fetcher = PullFetcher(PullPolicy.of([]), lambda *_: asyncio.sleep(0), tasks)
        fetcher.open()
        port = int(fetcher.mirror.split(":")[2].partition("/")[0])
        socket.create_connection(("127.0.0.1", port)).close()
        await fetcher.close()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))
