"""``/media`` of a server: real sockets, files that the test has written."""

from __future__ import annotations

import asyncio
import gzip
import http.client
import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from api_certificates import certificate
from serving import Served, serving

MEDIA = bytes(range(256)) * 4096  # 1 MiB
GROWING = b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n" + b"#EXTINF:2.000000,\na.m4s\n" * 50
SEALED = GROWING + b"#EXT-X-ENDLIST\n"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("media")
    root = folder / "media"
    files = {
        "b/av/segment.m4s": MEDIA,
        "b/av/segment.ts": MEDIA,
        "b/av/text.vtt": b"WEBVTT\n",
        "b/av/init.mp4": MEDIA[:1000],
        "b/av/empty.ts": b"",
        "b/av/index-1.m3u8": GROWING,
        "b/av/index-2.m3u8": SEALED,
        "b/main.m3u8": b"#EXTM3U\n",
        "b/ü & ä.ts": b"odd",
        "b/notes.txt": b"private",
        "b/.livedvr/spool.ts": b"private",
        "b/.hidden.ts": b"private",
        "../outside.ts": b"private",
        "../folder/outside.ts": b"private",
    }
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (root / "b/link.ts").symlink_to("../../outside.ts")
    (root / "b/within.ts").symlink_to("av/segment.ts")
    (root / "b/away").symlink_to(folder / "folder")
    os.mkfifo(root / "b/pipe.ts")
    (root / "b/folder.ts").mkdir()
    with serving(folder, output=str(root)) as made:
        yield made


@pytest.mark.semantics("O6")
@pytest.mark.parametrize(
    ("name", "media_type", "cache"),
    [
        ("av/segment.m4s", "video/iso.segment", "max-age=31536000, immutable"),
        ("av/segment.ts", "video/mp2t", "max-age=31536000, immutable"),
        ("av/text.vtt", "text/vtt", "max-age=31536000, immutable"),
        ("av/init.mp4", "video/mp4", "max-age=31536000, immutable"),
        ("av/index-1.m3u8", "application/vnd.apple.mpegurl", "no-cache"),
        ("av/index-2.m3u8", "application/vnd.apple.mpegurl", "max-age=3600"),
        ("main.m3u8", "application/vnd.apple.mpegurl", "no-cache"),
    ],
)
@pytest.mark.parametrize("verb", ["GET", "HEAD"])
def test_what_is_said_of_an_object(served: Served, name: str, media_type: str, cache: str, verb: str) -> None:
    data = (Path(served.options.output) / "b" / name).read_bytes()
    answer = served.ask(verb, f"/media/b/{name}", headers={"accept-encoding": "identity"})
    told = answer.headers
    assert (answer.status_code, answer.content) == (200, data if verb == "GET" else b"")
    assert (told["content-type"], told["cache-control"], told["content-length"]) == (media_type, cache, str(len(data)))
    assert told["access-control-allow-origin"] == "*" and told["accept-ranges"] == "bytes"
    assert "ETag" in told["access-control-expose-headers"] and not told["etag"].startswith("W/")
    assert told.get("vary") == ("Accept-Encoding" if name.endswith("m3u8") else None)
    same = served.ask(verb, f"/media/b/{name}", headers={"if-none-match": told["etag"], "accept-encoding": "identity"})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", told["etag"])
    assert same.headers["cache-control"] == cache


@pytest.mark.parametrize("name", ["av/segment.m4s", "av/index-1.m3u8"])
@pytest.mark.parametrize("verb", ["GET", "HEAD"])
def test_ranges(served: Served, name: str, verb: str) -> None:
    data = (Path(served.options.output) / "b" / name).read_bytes()
    etag = served.ask("GET", f"/media/b/{name}", headers={"accept-encoding": "identity"}).headers["etag"]

    def ask(**headers: str) -> tuple[int, bytes, str | None]:
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        answer = served.ask(verb, f"/media/b/{name}", headers={"accept-encoding": "gzip", **named})
        return answer.status_code, answer.content, answer.headers.get("content-range")

    def body(part: bytes) -> bytes:
        return part if verb == "GET" else b""

    size = len(data)
    assert ask(range="bytes=3-5") == (206, body(data[3:6]), f"bytes 3-5/{size}")
    assert ask(range="bytes=-4", if_range=etag) == (206, body(data[-4:]), f"bytes {size - 4}-{size - 1}/{size}")
    assert ask(range="bytes=3-", if_range='"other"') == (200, body(data), None)
    assert ask(range="bytes=0-1,5-6") == (200, body(data), None)
    assert ask(range=f"bytes={size}-") == (416, b"", f"bytes */{size}")
    assert ask(range="bytes=3-5", if_none_match=etag)[0] == 304


def test_a_playlist_is_compressed_for_who_takes_it_under_a_tag_of_its_own(served: Served) -> None:
    plain = served.ask("GET", "/media/b/av/index-1.m3u8", headers={"accept-encoding": "identity"})
    zipped = served.ask("GET", "/media/b/av/index-1.m3u8", headers={"accept-encoding": "gzip"}, stream=True)
    assert gzip.decompress(zipped.raw.read(decode_content=False)) == plain.content == GROWING
    assert zipped.headers["content-encoding"] == "gzip" and zipped.headers["vary"] == "Accept-Encoding"
    assert int(zipped.headers["content-length"]) < len(GROWING) / 5
    assert zipped.headers["etag"] != plain.headers["etag"]
    other = {"accept-encoding": "gzip", "if-none-match": plain.headers["etag"]}
    assert served.ask("GET", "/media/b/av/index-1.m3u8", headers=other).status_code == 200
    assert "content-encoding" not in served.ask("GET", "/media/b/av/segment.ts").headers


def test_a_playlist_that_is_replaced_is_another_one_and_who_reads_has_the_old_one_whole(served: Served) -> None:
    path = Path(served.options.output) / "b/av/replaced.m3u8"
    path.write_bytes(GROWING)
    before = served.ask("GET", "/media/b/av/replaced.m3u8")
    again = path.with_name("temporary")
    again.write_bytes(GROWING.replace(b"a.m4s", b"b.m4s"))
    again.rename(path)
    after = served.ask("GET", "/media/b/av/replaced.m3u8", headers={"if-none-match": before.headers["etag"]})
    assert after.status_code == 200 and b"b.m4s" in after.content


def test_a_file_that_is_replaced_while_it_is_read_is_read_to_its_end(served: Served) -> None:
    path = Path(served.options.output) / "b/av/large.mp4"
    path.write_bytes(MEDIA * 16)  # more than the sockets hold
    with served.http.get(f"{served.url}/media/b/av/large.mp4", stream=True) as answer:
        first = answer.raw.read(1000)
        other = path.with_name("other")
        other.write_bytes(b"\0" * len(MEDIA) * 16)
        other.rename(path)
        assert first + answer.raw.read() == MEDIA * 16


def test_one_connection_serves_many(served: Served) -> None:
    connection = http.client.HTTPConnection(served.options.http)
    try:
        for name, size in (("segment.m4s", len(MEDIA)), ("index-1.m3u8", len(GROWING)), ("empty.ts", 0)) * 3:
            connection.request("GET", f"/media/b/av/{name}")
            local = connection.sock.getsockname()
            assert len(connection.getresponse().read()) == size
            assert connection.sock.getsockname() == local
    finally:
        connection.close()


class _CountingThreads(ThreadPoolExecutor):
    """The loop's threads; ``given``: how often they were given something to do."""

    given = 0

    def submit(self, *args: Any, **kwargs: Any) -> Future[Any]:  # type: ignore[override]
        self.given += 1
        return super().submit(*args, **kwargs)


def test_a_segment_needs_no_thread_and_no_second_turn_and_a_playlist_is_read_once(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads, waited = _CountingThreads(), list[object]()
    sendfile = asyncio.BaseEventLoop.sendfile

    async def watched(loop: asyncio.BaseEventLoop, *args: Any, **kwargs: Any) -> int:
        waited.append(args)
        return await sendfile(loop, *args, **kwargs)

    async def watch(_: object) -> None:
        asyncio.get_running_loop().set_default_executor(threads)

    monkeypatch.setattr(asyncio.BaseEventLoop, "sendfile", watched)
    served.within(watch)
    (Path(served.options.output) / "b/av/once.m3u8").write_bytes(GROWING)
    for _ in range(5):
        assert served.ask("GET", "/media/b/av/init.mp4").content == MEDIA[:1000]
    assert (threads.given, waited) == (0, [])
    for _ in range(5):
        assert served.ask("GET", "/media/b/av/once.m3u8", headers={"accept-encoding": "identity"}).content == GROWING
    assert threads.given == 1


def test_who_leaves_in_the_middle_disturbs_nobody(served: Served) -> None:
    (Path(served.options.output) / "b/av/long.mp4").write_bytes(MEDIA * 16)
    for _ in range(3):
        with served.http.get(f"{served.url}/media/b/av/long.mp4", stream=True) as answer:
            assert answer.raw.read(1000) == MEDIA[:1000]
    assert served.ask("GET", "/media/b/av/segment.ts").content == MEDIA


@pytest.mark.parametrize(
    "path",
    [
        "b/nothing.ts",
        "b/.livedvr/spool.ts",
        "b/%2elivedvr/spool.ts",
        "b/.hidden.ts",
        "../outside.ts",
        "%2e%2e/outside.ts",
        "b/%2e%2e/%2e%2e/outside.ts",
        "b/..%2f..%2foutside.ts",
        "b/..\\..\\outside.ts",
        "b/%5c..%5coutside.ts",
        "b/./av/segment.ts",
        "b//av/segment.ts",
        "/b/av/segment.ts",
        "%2fetc/passwd",
        "b/av/segment.ts%00",
        "b/av/segment.ts%00.txt",
        "b/av/segment.ts/",
        "b/link.ts",
        "b/within.ts",
        "b/away/outside.ts",
        "b/pipe.ts",
        "b/folder.ts",
        "b/notes.txt",
        "b/av",
        "b/",
        "",
        "%ff%fe.ts",
        "b/" + "x" * 300 + ".ts",
        "b/av/segment.ts/segment.ts",
        "b/%ed%a0%80.ts",
    ],
)
def test_nothing_else_can_be_had(served: Served, path: str) -> None:
    connection = http.client.HTTPConnection(served.options.http)  # which sends the path as it is
    try:
        connection.request("GET", f"/media/{path}")
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    assert answer.status == 404 and b"private" not in body and b'"NOT_FOUND"' in body
    assert answer.headers["cache-control"] == "max-age=1"
    assert answer.headers["access-control-allow-origin"] == "*"


def test_an_odd_name_is_had_by_its_address(served: Served) -> None:
    assert served.ask("GET", f"/media/b/{quote('ü & ä.ts')}").content == b"odd"


def test_a_page_of_another_site_may_ask(served: Served) -> None:
    headers = {"origin": "https://player.example", "access-control-request-method": "GET"}
    answer = served.ask("OPTIONS", "/media/b/main.m3u8", headers=headers)
    assert answer.status_code == 204 and answer.headers["access-control-allow-origin"] == "*"
    assert {"Range", "Authorization"} <= set(answer.headers["access-control-allow-headers"].split(", "))
    assert served.ask("POST", "/media/b/main.m3u8").status_code == 404


def test_over_tls_no_byte_goes_past_it_whatever_a_header_says_of_the_scheme(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path / "tls")
    (tmp_path / "media").mkdir()
    (tmp_path / "media/a.ts").write_bytes(MEDIA)
    with serving(tmp_path / "data", output=str(tmp_path / "media"), tls_cert=cert, tls_key=key) as made:
        for headers in ({"connection": "close"}, {"connection": "close", "x-forwarded-proto": "http"}):
            answer = made.http.get(f"https://{made.options.http}/media/a.ts", headers=headers, verify=str(cert))
            assert answer.content == MEDIA


READER = "reader-0123456789abcdef"


def with_tokens(folder: Path, **options: object) -> dict[str, object]:
    tokens = folder / "tokens"
    tokens.touch(0o600)
    tokens.write_text(f"{READER} read player\n")
    (folder / "media").mkdir()
    (folder / "media/a.ts").write_bytes(b"media")
    return {"token_file": tokens, "output": str(folder / "media"), **options}


def test_with_tokens_media_need_one_and_a_preflight_none(tmp_path: Path) -> None:
    with serving(tmp_path / "data", **with_tokens(tmp_path)) as made:
        assert made.ask("GET", "/media/a.ts").status_code == 403
        assert made.ask("GET", "/media/a.ts", headers={"authorization": f"Bearer {READER}"}).content == b"media"
        assert made.ask("OPTIONS", "/media/a.ts", headers={"origin": "https://x.example"}).status_code == 204
        assert made.ask("OPTIONS", "/v1/projects/p/locations/l", headers={"origin": "https://x"}).status_code == 403


def test_public_media_are_for_everybody_and_nothing_else_is(tmp_path: Path) -> None:
    with serving(tmp_path / "data", **with_tokens(tmp_path, public_media=True)) as made:
        foreign = {"host": "cdn.example"}
        assert made.ask("GET", "/media/a.ts", headers=foreign).content == b"media"
        assert made.ask("GET", "/live/none/main.m3u8", headers=foreign).status_code == 404
        assert made.ask("GET", "/v1/projects/p/locations/l/channels").status_code == 403
        assert made.ask("GET", "/metrics").status_code == 403


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("gs://bucket/tv", "https://storage.googleapis.com/bucket/tv/my%20news/main.m3u8"),
        ("gs://", "https://storage.googleapis.com/my%20news/main.m3u8"),
    ],
)
def test_what_lies_in_a_bucket_is_had_there(tmp_path: Path, output: str, expected: str) -> None:
    with serving(tmp_path, output=output) as made:
        answer = made.ask("GET", "/media/my news/main.m3u8", allow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (302, expected)
        assert made.ask("GET", "/media/my%20news/%2e%2e/x.ts", allow_redirects=False).status_code == 404
