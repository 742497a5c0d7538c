"""`livedvr serve` as its operator meets it: tokens, TLS, logs, metrics, and every way it ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from google.api_core.exceptions import Forbidden
from google.cloud.video.live_stream_v1 import LivestreamServiceClient, types
from google.oauth2.credentials import Credentials
from prometheus_client.parser import text_string_to_metric_families

from api_certificates import certificate
from live import FLV, Encoder, free_tcp_port, listening, until
from livedvr.serving import GRACE_SECONDS, ServeOptions, Server
from livestream import LOCATION, Client, Serving, av_channel, session

pytestmark = pytest.mark.e2e

READER, WRITER = "reader-0123456789abcdef", "writer-0123456789abcdef"
Streaming = types.Channel.StreamingState
State = types.DvrSession.State


def token_file(folder: Path) -> Path:
    path = folder / "tokens"
    path.touch(0o600)
    path.write_text(f"{READER} read prometheus\n{WRITER} write studio\n")
    return path


def with_token(serving: Serving, token: str) -> LivestreamServiceClient:
    return LivestreamServiceClient(
        credentials=Credentials(token), transport="rest", client_options={"api_endpoint": f"http://{serving.http}"}
    )


def get(serving: Serving, path: str, token: str = "") -> tuple[int, str]:
    asked = urllib.request.Request(f"http://{serving.http}{path}", headers={"x-goog-api-key": token} if token else {})
    try:
        with urllib.request.urlopen(asked, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def metrics(serving: Serving) -> Mapping[str, float]:
    """Samples of the one channel: ``name`` or ``name state`` -> number."""
    text = get(serving, "/metrics", READER)[1]
    return {
        " ".join([sample.name, *(value for name, value in sample.labels.items() if name == "state")]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.labels.get("channel") == "news"
    }


def test_tokens_metrics_and_a_log_without_secrets(wheel_ffmpeg: str, tmp_path: Path) -> None:
    with Serving(tmp_path, "--token-file", str(token_file(tmp_path)), "--stop-channels") as serving:
        client = with_token(serving, WRITER)
        made = {
            kind: client.create_input(
                parent=LOCATION, input_id=kind[:3].lower(), input=types.Input(type_=types.Input.Type[kind])
            ).result()
            for kind in ("RTMP_PUSH", "SRT_PUSH")
        }
        asked = av_channel(made["RTMP_PUSH"].name, "gs://bucket/news")
        asked.input_attachments.append(types.InputAttachment(key="second", input=made["SRT_PUSH"].name))
        asked.input_attachments[0].automatic_failover.input_keys.append("second")
        channel = client.create_channel(parent=LOCATION, channel_id="news", channel=asked).result()
        client.start_channel(name=channel.name).result()
        client.create_dvr_session(parent=channel.name, dvr_session_id="all", dvr_session=session((None, None))).result()
        uri = made["RTMP_PUSH"].uri
        listening(_port(uri))
        with Encoder(uri + "x", mux=FLV):  # a key that nobody has been given
            until(lambda: "PUBLISHER_REFUSED" in serving.log, "it is refused, and that is told")
        listening(_port(uri))
        with Encoder(uri, mux=FLV), pytest.raises(Forbidden, match="scope read"):
            until(lambda: metrics(serving).get("livedvr_publish_delay_seconds_count", 0) >= 2, "two are shown")
            seen = metrics(serving)
            with_token(serving, READER).stop_channel(name=channel.name)
        with pytest.raises(Forbidden, match="not known"):
            list(with_token(serving, WRITER[:-1]).list_inputs(parent=LOCATION))
        assert get(serving, f"/v1/{LOCATION}/inputs?key={WRITER}", WRITER)[0] == 400
        (tmp_path / "tokens").write_text("nonsense")
        serving.process.send_signal(signal.SIGHUP)
        until(lambda: "the tokens stay as they were" in serving.log, "it is told what is wrong")
        assert get(serving, "/metrics", READER)[0] == 200
        (tmp_path / "tokens").write_text(f"{WRITER} write studio\n")
        serving.process.send_signal(signal.SIGHUP)
        until(lambda: get(serving, "/metrics", READER)[0] == 403, "it is known no more")
        assert serving.end() == 0  # and the session is sealed
        _check_log(serving.log, [READER, WRITER, WRITER[:-1], *_keys(list(made.values()))])
    assert seen["livedvr_channel_state STREAMING"] == 1
    assert seen["livedvr_segments_total"] >= 2  # of two renditions
    assert seen["livedvr_bytes_total"] > 10_000
    assert 0 < seen["livedvr_lag_seconds"] < 30
    assert abs(seen["livedvr_clock_error_seconds"]) < 5
    assert seen["livedvr_gaps_total"] == 0
    assert seen["livedvr_runs_total"] >= 2  # an ffmpeg for each input
    assert seen["livedvr_sessions LIVE"] == 1
    mean = seen["livedvr_publish_delay_seconds_sum"] / seen["livedvr_publish_delay_seconds_count"]
    assert 0 < mean < 5
    for playlist in serving.media.glob("bucket/news/dvr/all/*/index-*.m3u8"):
        assert "#EXT-X-ENDLIST" in playlist.read_text()


def _port(uri: str) -> int:
    return urlsplit(uri).port or 0


def _keys(inputs: list[types.Input]) -> list[str]:
    """What lets a publisher in: UUIDs in the addresses."""
    keys = [key for one in inputs for key in set(re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", one.uri))]
    assert len(keys) == 2
    return keys


def _check_log(text: str, secrets: list[str]) -> None:
    lines = [json.loads(line) for line in text.splitlines()]
    assert [secret for secret in secrets if secret in text] == []
    requests = {(line["method"], line["client"], line["code"]) for line in lines if line["event"] == "request"}
    assert {("CreateChannel", "studio", "200"), ("-", "127.0.0.1", "403"), ("Metrics", "prometheus", "200")} <= requests
    assert {"resource", "ms", "door", "time", "level"} <= next(
        line for line in lines if line["event"] == "request"
    ).keys()
    told = [(line["event"], line.get("kind") or line.get("state")) for line in lines]
    assert ("session", "LIVE") in told
    assert ("session", "FINISHED") in told
    assert any(event == "channel" and "REFUSED" in kind for event, kind in told if kind)
    assert ("leaving", None) in told


_NOTHING_BUT_ENVIRONMENT = """
import os, sys
from google.cloud.video.live_stream_v1 import LivestreamServiceClient
for port in sys.argv[1:]:
    os.environ["GOOGLE_CLOUD_UNIVERSE_DOMAIN"] = f"localhost:{port}"
    try:
        client = LivestreamServiceClient()
        made = client.create_input(
            parent="projects/p/locations/l", input_id="in", input={"type_": "RTMP_PUSH"}).result(timeout=20)
        print(made.name)
    except Exception as error:
        print(type(error).__name__)
"""


async def test_the_client_over_tls_with_nothing_but_the_environment(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path / "tls", "DNS:livestream.localhost,IP:127.0.0.1")
    account = tmp_path / "account.json"
    rsa = await _output(["openssl", "genrsa", "2048"], {})
    claim = {"client_email": "a@p.iam.gserviceaccount.com", "token_uri": "https://127.0.0.1:1/none", "project_id": "p"}
    account.write_text(json.dumps({"type": "service_account", "private_key_id": "1", "private_key": rsa, **claim}))
    told = {
        "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(cert),
        "GOOGLE_APPLICATION_CREDENTIALS": str(account),
    }
    async with contextlib.AsyncExitStack() as stack:
        ports = []
        for name, tokens in (("open", None), ("closed", token_file(tmp_path))):
            doors = [f"127.0.0.1:{free_tcp_port()}" for _ in range(2)]
            made = ServeOptions(
                tmp_path / name, str(tmp_path / "media"), *doors, token_file=tokens, tls_cert=cert, tls_key=key
            )
            await stack.enter_async_context(Server(made))
            ports.append(doors[1].rpartition(":")[2])
            curl = ["curl", "--silent", "--cacert", str(cert), f"https://{doors[0]}/readyz"]
            assert json.loads(await _output(curl, {}))["ready"]
        said = await _output([sys.executable, "-c", _NOTHING_BUT_ENVIRONMENT, *ports], told)
    assert said.split() == ["projects/p/locations/l/inputs/in", "PermissionDenied"]


async def _output(command: list[str], environment: Mapping[str, str]) -> str:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, env={**os.environ, **environment}
    )
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    return out.decode()


async def test_a_stop_that_is_interrupted_is_carried_on(wheel_ffmpeg: str, tmp_path: Path) -> None:
    with Serving(tmp_path) as serving:
        client = Client("rest", serving)
        rtmp = types.Input(type_=types.Input.Type.RTMP_PUSH)
        given = await client.done("create_input", parent=LOCATION, input_id="in", input=rtmp)
        asked = av_channel(given.name, "gs://bucket/news")
        channel = await client.done("create_channel", parent=LOCATION, channel_id="news", channel=asked)
        await client.done("start_channel", name=channel.name)
        await _interrupted(client, serving, channel.name, signal.SIGKILL)
        await client.done("start_channel", name=channel.name)
        listening(_port(given.uri))
        with Encoder(given.uri, mux=FLV):
            name = await _live_session(client, channel.name, "all")
            await _interrupted(client, serving, channel.name, signal.SIGTERM)
        assert (await client.call("get_dvr_session", name=name)).state == State.FINISHED


async def _interrupted(client: Client, serving: Serving, channel: str, number: signal.Signals) -> None:
    """Stop the channel, and the server in the middle of that."""
    operation = await client.call("stop_channel", name=channel)
    assert not operation.operation.done
    assert serving.end(number) == (0 if number == signal.SIGTERM else -number)
    with contextlib.closing(sqlite3.connect(serving.media.parent / "data" / "catalog.sqlite3")) as db:
        assert db.execute("SELECT verb FROM api_operations WHERE ended IS NULL").fetchall() == [("stop",)]
    serving.again()
    await asyncio.to_thread(operation.result, timeout=60)
    assert (await client.call("get_channel", name=channel)).streaming_state == Streaming.STOPPED


async def _live_session(client: Client, channel: str, session_id: str) -> str:
    """A session from now on that has something to show."""
    asked = session((None, None))
    made = await client.done("create_dvr_session", parent=channel, dvr_session_id=session_id, dvr_session=asked)

    def state() -> State:
        return asyncio.run(client.call("get_dvr_session", name=made.name)).state

    await asyncio.to_thread(until, lambda: state() == State.LIVE, "it is live")
    return str(made.name)


def test_an_end_waits_for_answers_and_a_second_signal_for_nothing(tmp_path: Path) -> None:
    with Serving(tmp_path) as serving:
        host, port = serving.http.split(":")
        with socket.create_connection((host, int(port))) as slow:
            head = (f"POST /v1/{LOCATION}/inputs HTTP/1.1", f"Host: {serving.http}", "Content-Length: 5", "", "")
            slow.sendall("\r\n".join(head).encode())
            get(serving, "/livez")  # the one before it has been taken
            serving.process.send_signal(signal.SIGTERM)
            until(lambda: get(serving, "/readyz") == (503, '{"ready":false,"missing":["shutting down"]}'), "it leaves")
            assert get(serving, "/livez")[0] == 200
            assert get(serving, f"/v1/{LOCATION}/inputs")[0] == 503
            assert serving.process.poll() is None
            began = time.monotonic()
            assert serving.end() == 0
            assert time.monotonic() - began < GRACE_SECONDS


def test_what_cannot_be_served_is_said_in_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "livedvr", "serve", "--data-dir", str(tmp_path / "data"), "--grpc", "0.0.0.0:8090"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("livedvr serve: --grpc: anybody who reaches 0.0.0.0:8090 could do everything")
