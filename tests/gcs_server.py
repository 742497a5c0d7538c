"""A Cloud Storage of our own on loopback: the JSON API as far as google-cloud-storage uses it, with faults on request.

It keeps what an emulator has to keep to prove anything about fencing: generations, preconditions answered with 412,
checksums, one write a second for each object name when asked for. Facts are from the JSON API's reference
(Objects: insert, get, list, delete; "Request preconditions"; "Quotas and limits").
"""

from __future__ import annotations

import base64
import enum
import gzip
import itertools
import json
import re
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from functools import cached_property, partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import google_crc32c


class Fault(enum.Enum):
    """What goes wrong with one request."""

    REFUSED = "503 before anything has happened"
    TOO_MANY = "429 before anything has happened"
    RESET = "the connection is reset before anything has happened"
    STALLED = "no answer for as long as the client has patience; nothing has happened"
    LOST = "the request is carried out, the connection is reset instead of an answer"
    LATE = "the client's patience ends first; then the request is carried out"


@dataclass(frozen=True)
class Stored:
    """An object as the bucket keeps it."""

    data: bytes
    generation: int
    written: float
    settings: dict[str, Any]  # contentType, cacheControl, contentEncoding, metadata

    @cached_property
    def crc32c(self) -> str:
        return base64.b64encode(struct.pack(">I", google_crc32c.value(self.data))).decode()


@dataclass
class Bucket:
    """What a bucket is like.

    ``denied``: permissions that the caller lacks. ``one_a_second``: GCS's limit for a name. ``patience``: seconds that
    a STALLED or LATE request is held: longer than the client waits.
    """

    name: str
    objects: dict[str, Stored] = field(default_factory=dict)
    soft_delete_seconds: int = 0
    settings: dict[str, Any] = field(default_factory=dict)
    cors: list[dict[str, Any]] = field(default_factory=lambda: [{"origin": ["*"], "method": ["GET", "HEAD"]}])
    denied: set[str] = field(default_factory=set)
    one_a_second: bool = False
    patience: float = 0.3


Plan = Callable[[str, str, str], Fault | None]  # (HTTP method, what is asked: "insert" ..., object name)


class GcsServer:
    """Serves buckets. ``plan`` decides of each request whether it goes wrong; ``asked`` counts them.

    Attributes:
        url: for STORAGE_EMULATOR_HOST.
        uploaded: bytes of media that clients have sent.
    """

    def __init__(self, *buckets: Bucket) -> None:
        self.buckets = {bucket.name: bucket for bucket in buckets}
        self.plan: Plan = lambda method, what, name: None
        self.faults: list[Fault] = []
        self.writes: list[tuple[float, str]] = []  # (monotonic time, name) of each that was carried out
        self.uploaded = 0
        self.lock = threading.RLock()
        self.uploads: dict[str, _Upload] = {}
        self.generations = itertools.count(1_700_000_000_000_001)
        self.closing = threading.Event()
        server = self

        class Handler(_Handler):
            gcs = server

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> GcsServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@dataclass
class _Upload:
    """A resumable upload under way."""

    name: str
    query: dict[str, str]
    settings: dict[str, Any]
    data: bytearray = field(default_factory=bytearray)

    def take(self, part: bytes, content_range: str) -> bool:
        """``bytes 0-8388607/*``. Whether it is complete; what has come before is not taken again."""
        _, span, total = re.split("[ /]", content_range)
        if span != "*":
            self.data[int(span.partition("-")[0]) :] = part
        return total != "*" and len(self.data) == int(total)


class _Answer(Exception):
    """An answer that ends a request: status, body, headers."""

    def __init__(self, status: int, body: bytes | dict[str, Any] = b"", **headers: str) -> None:
        self.status, self.headers = status, {name.replace("_", "-"): value for name, value in headers.items()}
        self.body = json.dumps(body).encode() if isinstance(body, dict) else body
        if isinstance(body, dict):
            self.headers.setdefault("Content-Type", "application/json; charset=UTF-8")


def _refusal(status: int, reason: str, message: str) -> _Answer:
    error = {"code": status, "message": message, "errors": [{"message": message, "domain": "global", "reason": reason}]}
    return _Answer(status, {"error": error})


Route = tuple[str, str, str, Callable[[], _Answer]]  # what is asked, bucket, object, and how it is carried out


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: Any) -> None:
        """A client that hangs up is none of ours."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # an answer is one packet
    gcs: GcsServer

    def log_message(self, *_: Any) -> None:
        pass

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        try:
            what, bucket, name, carry_out = self._route(parts.path, query, body)
        except _Answer as refused:
            return self._send(refused)
        fault = self.gcs.plan(self.command, what, name)
        if fault is not None:
            with self.gcs.lock:
                self.gcs.faults.append(fault)
        if fault is Fault.REFUSED:
            return self._send(_refusal(503, "backendError", "We encountered an internal error. Please try again."))
        if fault is Fault.TOO_MANY:
            return self._send(_refusal(429, "rateLimitExceeded", "The object exceeded the rate limit for mutations."))
        if fault in (Fault.STALLED, Fault.LATE):
            self.gcs.closing.wait(self.gcs.buckets[bucket].patience)
        if fault in (Fault.STALLED, Fault.RESET):
            return self._reset()
        try:
            with self.gcs.lock:
                answer = carry_out()
        except _Answer as refused:
            answer = refused
        if fault in (Fault.LOST, Fault.LATE):
            return self._reset()
        return self._send(answer)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = _serve  # http.server's names

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def _send(self, answer: _Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)
        self.wfile.flush()

    def _route(self, path: str, query: dict[str, str], body: bytes) -> Route:
        routes: list[tuple[str, str, str, Callable[..., _Answer]]] = [
            ("POST|PUT", r"/upload/storage/v1/b/([^/]+)/o", "insert", self._upload),
            ("GET", r"/download/storage/v1/b/([^/]+)/o/([^/]+)", "media", self._media),
            ("GET", r"/storage/v1/b/([^/]+)/o/([^/]+)", "get", self._get),
            ("DELETE", r"/storage/v1/b/([^/]+)/o/([^/]+)", "delete", self._delete),
            ("POST", r"/storage/v1/b/([^/]+)/o/([^/]+)/compose", "compose", self._compose),
            ("POST", r"/storage/v1/b/([^/]+)/o/([^/]+)/rewriteTo/b/([^/]+)/o/([^/]+)", "rewrite", self._rewrite),
            ("GET", r"/storage/v1/b/([^/]+)/o", "list", self._list),
            ("GET", r"/storage/v1/b/([^/]+)/iam/testPermissions", "testPermissions", self._test_permissions),
            ("GET", r"/storage/v1/b/([^/]+)", "bucket", self._bucket),
            ("GET|HEAD", r"/([^/]+)/(.+)", "public", self._public),
        ]
        for method, pattern, what, serve in routes:
            found = re.fullmatch(pattern, path)
            if found and re.fullmatch(method, self.command):
                bucket, name = unquote(found[1]), unquote(found[2]) if found.lastindex == 2 else ""
                if what == "insert":
                    return self._upload(bucket, query, body)
                if what == "rewrite":
                    source, target = (bucket, unquote(found[2])), (unquote(found[3]), unquote(found[4]))
                    return what, *target, partial(self._carry_out, serve, *target, query, json.loads(body), *source)
                given = (json.loads(body),) if what == "compose" else ()
                return what, bucket, name, partial(self._carry_out, serve, bucket, name, query, *given)
        raise _refusal(404, "notFound", f"no such method: {self.command} {path}")

    def _carry_out(self, serve: Callable[..., _Answer], bucket: str, *given: Any) -> _Answer:
        return serve(self._find(bucket), *given)

    def _upload(self, bucket: str, query: dict[str, str], body: bytes) -> Route:
        if query["uploadType"] == "resumable" and self.command == "POST":
            return "begin", bucket, query.get("name", ""), partial(self._begin_upload, bucket, query, body)
        resumed = self.gcs.uploads.get(query.get("upload_id", ""))
        if resumed is None:
            name, settings, data = self._parts_of(query, body)
        elif resumed.take(body, self.headers["Content-Range"]):
            name, query, settings, data = resumed.name, resumed.query, resumed.settings, bytes(resumed.data)
        else:
            return "part", bucket, resumed.name, partial(_Answer, 308, Range=f"bytes=0-{len(resumed.data) - 1}")
        return "insert", bucket, name, partial(self._carry_out, self._insert, bucket, name, query, settings, data)

    def _begin_upload(self, bucket: str, query: dict[str, str], body: bytes) -> _Answer:
        """A resumable upload is begun here; what it asks for is decided when its last part has come."""
        settings = json.loads(body)
        settings.setdefault("contentType", self.headers.get("X-Upload-Content-Type"))
        number = str(next(self.gcs.generations))
        self.gcs.uploads[number] = _Upload(settings.get("name", query.get("name", "")), query, settings)
        at = f"{self.gcs.url}/upload/storage/v1/b/{bucket}/o?uploadType=resumable&upload_id={number}"
        return _Answer(200, {}, Location=at)

    def _find(self, bucket: str) -> Bucket:
        if bucket not in self.gcs.buckets:
            raise _refusal(404, "notFound", "The specified bucket does not exist.")
        return self.gcs.buckets[bucket]

    def _parts_of(self, query: dict[str, str], body: bytes) -> tuple[str, dict[str, Any], bytes]:
        """A multipart/related upload: the metadata, then the media."""
        assert query["uploadType"] == "multipart", query
        message = Message()
        message["Content-Type"] = self.headers["Content-Type"]
        boundary = b"--" + str(message.get_param("boundary")).encode()
        _, settings, media, _ = body.split(boundary, 3) if body.count(boundary) == 3 else _split(body, boundary)
        headers, _, data = media.partition(b"\r\n\r\n")
        data = data.removesuffix(b"\r\n")
        given = json.loads(settings.partition(b"\r\n\r\n")[2])
        given.setdefault("contentType", headers.partition(b":")[2].strip().decode())
        return given.get("name", query.get("name", "")), given, data

    def _allow(self, bucket: Bucket, permission: str) -> None:
        if permission in bucket.denied:
            raise _refusal(
                403,
                "forbidden",
                f"dvr@example.iam does not have {permission} access to the Google Cloud Storage object.",
            )

    def _check(self, bucket: Bucket, name: str, query: dict[str, str]) -> None:
        """The preconditions, as the reference has them: 0 means that there is no live object."""
        stored = bucket.objects.get(name)
        wanted = query.get("ifGenerationMatch")
        if wanted is not None and int(wanted) != (stored.generation if stored else 0):
            raise _refusal(412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold.")

    def _write(self, bucket: Bucket, name: str, data: bytes, settings: dict[str, Any]) -> _Answer:
        old, now = bucket.objects.get(name), time.monotonic()
        if old is not None:
            self._allow(bucket, "storage.objects.delete")  # replacing is deleting and creating
        if bucket.one_a_second and old is not None and now - old.written < 1:
            raise _refusal(429, "rateLimitExceeded", "The object exceeded the rate limit for mutations.")
        keys = ("contentType", "cacheControl", "contentEncoding", "metadata")
        kept = {key: settings[key] for key in keys if settings.get(key)}
        stored = bucket.objects[name] = Stored(data, next(self.gcs.generations), now, kept)
        if settings.get("crc32c", stored.crc32c) != stored.crc32c:
            bucket.objects.pop(name) if old is None else bucket.objects.update({name: old})
            raise _refusal(400, "invalid", "Provided CRC32C does not match.")
        self.gcs.writes.append((now, name))
        return _Answer(200, _resource(bucket, name))

    def _insert(
        self, bucket: Bucket, name: str, query: dict[str, str], settings: dict[str, Any], data: bytes
    ) -> _Answer:
        self.gcs.uploaded += len(data)
        self._allow(bucket, "storage.objects.create")
        self._check(bucket, name, query)
        return self._write(bucket, name, data, settings)

    def _compose(self, bucket: Bucket, name: str, query: dict[str, str], given: dict[str, Any]) -> _Answer:
        self._allow(bucket, "storage.objects.create")
        self._check(bucket, name, query)
        parts = [bucket.objects[source["name"]].data for source in given["sourceObjects"]]
        return self._write(bucket, name, b"".join(parts), given.get("destination", {}))

    def _rewrite(
        self, bucket: Bucket, name: str, query: dict[str, str], given: dict[str, Any], *source: str
    ) -> _Answer:
        """Into another bucket it takes a second call, as it may there."""
        self._allow(bucket, "storage.objects.create")
        original = self._existing(self._find(source[0]), source[1])
        self._check(bucket, name, query)
        size, done = str(len(original.data)), source[0] == bucket.name or "rewriteToken" in query
        told = {"kind": "storage#rewriteResponse", "objectSize": size, "done": done}
        if not done:
            return _Answer(200, {**told, "totalBytesRewritten": "0", "rewriteToken": "go-on"})
        self._write(bucket, name, original.data, given if given.keys() - {"name"} else original.settings)
        return _Answer(200, {**told, "totalBytesRewritten": size, "resource": _resource(bucket, name)})

    def _existing(self, bucket: Bucket, name: str) -> Stored:
        self._allow(bucket, "storage.objects.get")
        if name not in bucket.objects:
            raise _refusal(404, "notFound", f"No such object: {bucket.name}/{name}")
        return bucket.objects[name]

    def _get(self, bucket: Bucket, name: str, query: dict[str, str]) -> _Answer:
        stored = self._existing(bucket, name)
        if query.get("alt") == "media":
            return _Answer(200, stored.data)
        return _Answer(200, _resource(bucket, name))

    def _media(self, bucket: Bucket, name: str, query: dict[str, str]) -> _Answer:
        stored = self._existing(bucket, name)
        return self._content(stored)

    def _public(self, bucket: Bucket, name: str, query: dict[str, str]) -> _Answer:
        """As a browser or a CDN reads it: public objects have a lifetime of an hour unless they say another."""
        if name not in bucket.objects:
            raise _Answer(404, b"<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>")
        return self._content(bucket.objects[name])

    def _content(self, stored: Stored) -> _Answer:
        data, encoding = stored.data, stored.settings.get("contentEncoding")
        headers = {
            "Content_Type": stored.settings.get("contentType", "application/octet-stream"),
            "Cache_Control": stored.settings.get("cacheControl", "public, max-age=3600"),
            "X_Goog_Generation": str(stored.generation),
            "X_Goog_Hash": f"crc32c={stored.crc32c}",
            "X_Goog_Stored_Content_Length": str(len(data)),
        }
        if encoding == "gzip" and "gzip" not in self.headers.get("Accept-Encoding", ""):
            data = gzip.decompress(data)  # "decompressive transcoding"
        elif encoding:
            headers["Content_Encoding"] = encoding
        return _Answer(200, data, **headers)

    def _delete(self, bucket: Bucket, name: str, query: dict[str, str]) -> _Answer:
        self._allow(bucket, "storage.objects.delete")
        if name not in bucket.objects:
            raise _refusal(404, "notFound", f"No such object: {bucket.name}/{name}")
        self._check(bucket, name, query)
        del bucket.objects[name]
        return _Answer(204)

    def _list(self, bucket: Bucket, name: str, query: dict[str, str]) -> _Answer:
        self._allow(bucket, "storage.objects.list")
        names = sorted(one for one in bucket.objects if one.startswith(query.get("prefix", "")))
        names = [one for one in names if one >= query.get("startOffset", "") and one > query.get("pageToken", "")]
        most = min(int(query.get("maxResults", 1000)), 1000)
        page: dict[str, Any] = {"kind": "storage#objects", "items": [_resource(bucket, one) for one in names[:most]]}
        if len(names) > most:
            page["nextPageToken"] = names[most - 1]
        return _Answer(200, page)

    def _bucket(self, bucket: Bucket, name: str, query: dict[str, str]) -> _Answer:
        self._allow(bucket, "storage.buckets.get")
        seconds = str(bucket.soft_delete_seconds)
        return _Answer(
            200,
            {
                "kind": "storage#bucket",
                "id": bucket.name,
                "name": bucket.name,
                "cors": bucket.cors,
                "softDeletePolicy": {"retentionDurationSeconds": seconds},
                "iamConfiguration": {"uniformBucketLevelAccess": {"enabled": True}},
                **bucket.settings,
            },
        )

    def _test_permissions(self, bucket: Bucket, name: str, query: dict[str, str]) -> _Answer:
        asked = parse_qs(urlsplit(self.path).query).get("permissions", [])
        return _Answer(200, {"permissions": [one for one in asked if one not in bucket.denied]})


def _split(body: bytes, boundary: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    """Media may contain the boundary by chance only between its first and its last."""
    before, settings, rest = body.split(boundary, 2)
    media, _, after = rest.rpartition(boundary)
    return before, settings, media, after


def _resource(bucket: Bucket, name: str) -> dict[str, Any]:
    stored = bucket.objects[name]
    return {
        "kind": "storage#object",
        "name": name,
        "bucket": bucket.name,
        "generation": str(stored.generation),
        "metageneration": "1",
        "size": str(len(stored.data)),
        "crc32c": stored.crc32c,
        "etag": str(stored.generation),
        **stored.settings,
    }
