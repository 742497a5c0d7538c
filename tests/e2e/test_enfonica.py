"""Enfonica's client against `Server`: a call to a channel that a sender feeds, its audio, and who is told of it."""

from __future__ import annotations

import asyncio
import http.client
import io
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import av
import pytest

from facades.enfonica_client import ApiError, Client, name_of, verify
from facades.house import AheadClock, fed_server
from live import PATIENCE, free_tcp_port
from receiver import Posted, Receiver

pytestmark = pytest.mark.e2e

TEXT = (Path(__file__).parents[2] / "docs" / "recordings-enfonica.md").read_text()
BLOCKS = dict(re.findall(r"```(\w+)\n(.*?)```", TEXT, re.DOTALL))
KEY, TOKEN = (re.findall(rf'{name} = "(.*)"', BLOCKS["toml"])[0] for name in ("signing_key", "token"))


def ask(address: str, verb: str, target: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Any:
    connection = http.client.HTTPConnection(address, timeout=PATIENCE)
    try:
        connection.request(verb, target, body or None, dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


async def until(client: Client, name: str, *states: str) -> Any:
    for _ in range(round(PATIENCE / 0.1)):
        found = await client.call("GetRecording" if "/recordings/" in name else "GetCall", name=name)
        if name_of(found, "state") in states:
            return found
        await asyncio.sleep(0.1)  # how often a client looks
    raise AssertionError(f"{name} is {name_of(found, 'state')}")


async def test_a_call_is_recorded_and_an_encoder_that_vanishes_is_a_timeout(wheel_ffmpeg: str, tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_tcp_port()}"

    async def send(verb: str, target: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        return await asyncio.to_thread(ask, address, verb, target, body, headers)

    def signed(posted: Posted) -> None:
        event, signature = posted.headers["x-enfonica-event"], posted.headers["x-enfonica-signature"]
        assert verify(KEY, posted.uri, event, posted.body, signature)

    async with Receiver(signed) as receiver:
        toml = BLOCKS["toml"].replace("127.0.0.1:8092", address)
        clock = AheadClock()
        with fed_server(tmp_path, toml, allow_webhook=(receiver.authority,), clock=clock) as (served, encoder):
            client = Client(send, TOKEN)
            config = {"trigger": "ANSWER", "recordingReadyUri": receiver.uri()}
            options = {"handlerUris": [receiver.uri("/voice")], "timeoutSeconds": 2, "recording": config}
            asked = {"to": "+61280000000", "from": "+61290000000", "options": options}
            calls = [await client.call("CreateCall", parent="projects/newsroom", call=asked) for _ in range(2)]
            names = [(await client.call("ListRecordings", parent=one.name)).recordings[0].name for one in calls]
            await until(client, calls[0].name, "IN_PROGRESS")
            await asyncio.sleep(1.5)  # so much and a little more is recorded
            recording_id = names[0].rpartition("/")[2]
            await asyncio.to_thread(served.within, lambda server: server.dvr.recordings.stop("live", recording_id))
            (told,) = await receiver.wait(1)
            shown = await until(client, names[0], "SUCCEEDED")
            assert told.json()["name"] == names[0] and told.json()["state"] == "SUCCEEDED"
            length = shown.duration.ToTimedelta().total_seconds()
            assert length > 1
            for one in shown.audio:
                uri = urlsplit(one.uri)
                assert uri.netloc == address
                status, sound = await asyncio.to_thread(ask, address, "GET", f"{uri.path}?{uri.query}")
                assert (status, len(sound)) == (200, one.size_bytes)
                with av.open(io.BytesIO(sound)) as container:
                    decoded = sum(frame.samples for frame in container.decode(audio=0)) / 8000
                assert decoded == pytest.approx(length, abs=0 if one.mime_type == "audio/x-wav" else 0.15)
                asked_part = {"Range": "bytes=4-7"}
                part = await asyncio.to_thread(ask, address, "GET", f"{uri.path}?{uri.query}", b"", asked_part)
                assert part == (206, sound[4:8])
            await asyncio.to_thread(_run_example, address, tmp_path)
            assert _size(tmp_path / f"{recording_id}.wav") == shown.audio[0].size_bytes
            assert (await client.call("DeleteRecording", name=names[0])).name == names[0]
            with pytest.raises(ApiError, match="404 NOT_FOUND"):
                await client.call("GetRecording", name=names[0])
            encoder.stop()
            clock.ahead = 20  # nobody need wait for what is never coming
            lost = await until(client, names[1], "FAILED")
            assert name_of(lost, "error_code") == "TIMEOUT" and not lost.audio
            kept = await asyncio.to_thread(
                served.within, lambda server: server.dvr.recordings.get("live", names[1].rpartition("/")[2])
            )
            assert kept.duration.total_seconds() >= length - 0.5 and [one.format for one in kept.files] == [
                "WAV",
                "MP3",
            ]
            assert [one.json()["state"] for one in await receiver.wait(2)] == ["SUCCEEDED", "FAILED"]


def _size(path: Path) -> int:
    return path.stat().st_size


def _run_example(address: str, folder: Path) -> None:
    """That of the documentation."""
    code = BLOCKS["python"].replace("127.0.0.1:8092", address)
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=True, capture_output=True, timeout=PATIENCE)
