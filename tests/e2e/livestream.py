"""Google's own client in its three forms, one way to speak to each; and `livedvr serve` as a process."""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import grpc
from google.auth.credentials import AnonymousCredentials
from google.cloud.video.live_stream_v1 import LivestreamServiceAsyncClient, LivestreamServiceClient, types
from google.cloud.video.live_stream_v1.services.livestream_service.transports import (
    LivestreamServiceGrpcAsyncIOTransport,
    LivestreamServiceGrpcTransport,
)
from google.protobuf import duration_pb2

from api_certificates import certificate
from live import PATIENCE, free_tcp_port, free_tcp_ports, until

LOCATION = "projects/p1/locations/us-central1"
FORMS = ("rest", "grpc", "grpc_asyncio")


class Serving:
    """`livedvr serve` as a process of its own, so that it can be killed and started again at the same addresses.

    ``tls``: both doors have a certificate that is its own authority.
    """

    def __init__(self, folder: Path, *options: str, tls: bool = False) -> None:
        self.certificate, key = certificate(folder / "tls") if tls else (None, None)
        if tls:
            options = (*options, "--tls-cert", str(self.certificate), "--tls-key", str(key))
        self.http, self.grpc = (f"127.0.0.1:{free_tcp_port()}" for _ in range(2))
        self.media = folder / "media"
        first = free_tcp_ports(4)
        where = ["--data-dir", str(folder / "data"), "--output", str(self.media), "--http", self.http]
        more = ["--grpc", self.grpc, "--ingest", f"127.0.0.1:{first}-{first + 3}"]
        self._command = [sys.executable, "-m", "livedvr", "serve", *where, *more, *options]
        self._log = folder / "serve.log"
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            process = subprocess.Popen(self._command, stderr=log, env=os.environ.copy())
        until(lambda: process.poll() is not None or self._answers(), "the server answers")
        assert process.poll() is None, self.log
        return process

    def _answers(self) -> bool:
        trusted = ssl.create_default_context(cafile=self.certificate)
        try:
            with urllib.request.urlopen(f"{self.scheme}://{self.http}/readyz", timeout=1, context=trusted):
                return True
        except (urllib.error.URLError, ConnectionError):
            return False

    @property
    def scheme(self) -> str:
        return "http" if self.certificate is None else "https"

    @property
    def log(self) -> str:
        return self._log.read_text()

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def again(self) -> None:
        """Start it once more."""
        self.process = self._start()

    def __enter__(self) -> Serving:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.end()


class Client:
    """The official client: ``rest`` and ``grpc`` are synchronous, ``grpc_asyncio`` is not. `call`, `done` hide it."""

    def __init__(self, form: str, serving: Serving) -> None:
        self.form = form
        if form == "rest":
            self._client: Any = LivestreamServiceClient(
                credentials=AnonymousCredentials(),
                transport="rest",
                client_options={"api_endpoint": f"http://{serving.http}"},
            )
        elif form == "grpc":
            channel = _channel(serving)
            self._client = LivestreamServiceClient(transport=LivestreamServiceGrpcTransport(channel=channel))
        else:
            channel = grpc.aio.insecure_channel(serving.grpc)
            self._client = LivestreamServiceAsyncClient(
                transport=LivestreamServiceGrpcAsyncIOTransport(channel=channel)
            )

    async def call(self, method: str, **given: Any) -> Any:
        """The answer of a method: a resource, an operation, the first page of a list."""
        function = getattr(self._client, method)
        if self.form == "grpc_asyncio":
            return await function(**given)
        return await asyncio.to_thread(lambda: function(**given))

    async def done(self, method: str, **given: Any) -> Any:
        """What its operation results in. Each is asked for by name, too: over REST the client parses that strictly."""
        operation = await self.call(method, **given)
        await self.call("get_operation", request={"name": operation.operation.name})
        if self.form == "grpc_asyncio":
            return await operation.result()
        return await asyncio.to_thread(operation.result)

    async def all(self, method: str, **given: Any) -> list[Any]:
        """Every item of a list, page by page."""
        pager = await self.call(method, **given)
        if self.form == "grpc_asyncio":
            return [item async for item in pager]
        return await asyncio.to_thread(lambda: list(pager))


def _channel(serving: Serving) -> grpc.Channel:
    if serving.certificate is None:
        return grpc.insecure_channel(serving.grpc)
    return grpc.secure_channel(serving.grpc, grpc.ssl_channel_credentials(serving.certificate.read_bytes()))


def seconds(count: float) -> duration_pb2.Duration:
    whole = int(count)
    return duration_pb2.Duration(seconds=whole, nanos=round((count - whole) * 1e9))


def av_channel(input_name: str, output: str, *, retention: float = 3600, **more: Any) -> types.Channel:
    """A channel with one copied video and one copied audio, 2 s fMP4 segments each, manifest key ``hls``."""
    segments = types.SegmentSettings(segment_duration=seconds(2))
    audio = types.AudioStream(transmux=True)
    return types.Channel(
        input_attachments=[types.InputAttachment(key="main-input", input=input_name)],
        output=types.Channel.Output(uri=output),
        elementary_streams=[
            types.ElementaryStream(key="es_video", video_stream=types.VideoStream()),
            types.ElementaryStream(key="es_audio", audio_stream=audio),
        ],
        mux_streams=[
            types.MuxStream(key="mux_video", elementary_streams=["es_video"], segment_settings=segments),
            types.MuxStream(key="mux_audio", elementary_streams=["es_audio"], segment_settings=segments),
        ],
        manifests=[
            types.Manifest(key="hls", file_name="main.m3u8", type_="HLS", mux_streams=["mux_video", "mux_audio"])
        ],
        retention_config=types.RetentionConfig(retention_window_duration=seconds(retention)),
        **more,
    )


def session(*windows: tuple[Any, Any], key: str = "hls", labels: Mapping[str, str] | None = None) -> types.DvrSession:
    """A session over windows of (start or None, end or None)."""
    return types.DvrSession(
        dvr_manifests=[types.DvrSession.DvrManifest(manifest_key=key)],
        dvr_windows=[
            types.DvrSession.DvrWindow(time_interval=types.TimeInterval(start_time=start, end_time=end))
            for start, end in windows
        ],
        labels=labels,
    )
