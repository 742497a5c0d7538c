"""`livedvr serve` over a bucket, driven by Google's client: both ends are Google's own libraries."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from google.api_core.exceptions import GoogleAPICallError, NotFound
from google.cloud.video.live_stream_v1 import types

from gcs_server import Bucket, GcsServer
from live import FLV, PATIENCE, Encoder, until
from livedvr.check.run import run_check
from livestream import LOCATION, Client, Serving, av_channel, session

pytestmark = pytest.mark.e2e

Session, Clip = types.DvrSession.State, types.Clip.State


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[GcsServer]:
    with GcsServer(Bucket("media", one_a_second=True)) as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        yield server


def names(server: GcsServer, below: str) -> list[str]:
    return [name for name in list(server.buckets["media"].objects) if name.startswith(below)]


async def an_input(client: Client) -> types.Input:
    push = types.Input(type_=types.Input.Type.RTMP_PUSH)
    return await client.done("create_input", parent=LOCATION, input_id="in", input=push)


async def a_clip(client: Client, channel: types.Channel, kind: str) -> str:
    """Where a clip of all that there is can be played."""
    part = types.Clip.TimeSlice(markin_time=channel.create_time, markout_time=datetime.now(UTC))
    asked = types.Clip(
        output_uri=f"gs://media/dvr/clips/{kind.lower()}",
        output_type=kind,
        slices=[types.Clip.Slice(time_slice=part)],
        clip_manifests=[types.Clip.ClipManifest(manifest_key="hls")],
    )
    clip = await client.done("create_clip", parent=channel.name, clip=asked, clip_id=kind.lower())
    for _ in range(int(PATIENCE / 0.2)):
        if clip.state in (Clip.SUCCEEDED, Clip.FAILED):
            break
        await asyncio.sleep(0.2)  # how often a client looks
        clip = await client.call("get_clip", name=clip.name)
    assert clip.state == Clip.SUCCEEDED, clip.error
    return str(clip.clip_manifests[0].output_uri)


@pytest.mark.semantics("O3", "O6", "S15")
async def test_a_client_records_into_a_bucket(server: GcsServer, wheel_ffmpeg: str, tmp_path: Path) -> None:
    output = "gs://media/dvr/news"
    with Serving(tmp_path, "--output", "gs://media/dvr") as serving:
        client = Client("grpc", serving)
        given = await an_input(client)
        asked = av_channel(given.name, output)
        channel = await client.done("create_channel", parent=LOCATION, channel_id="news", channel=asked)
        await client.done("start_channel", name=channel.name)
        made = await client.done(
            "create_dvr_session", parent=channel.name, dvr_session_id="match", dvr_session=session((None, None))
        )
        played = made.dvr_manifests[0].output_uri
        assert played == f"{output}/dvr/match/main.m3u8"
        with Encoder(given.uri, mux=FLV):
            await asyncio.to_thread(until, lambda: len(names(server, "dvr/news/mux_video/")) >= 3, "two segments")
            await client.done("stop_channel", name=channel.name)
        match = await client.call("get_dvr_session", name=made.name)
        assert match.state == Session.FINISHED
        report = run_check(f"{server.url}/{played.removeprefix('gs://')}", deep=True)
        assert report.ok, report.to_text()
        clips = await asyncio.gather(*(a_clip(client, channel, kind) for kind in ("MANIFEST", "MP4")))
        await client.done("delete_dvr_session", name=match.name)
        with pytest.raises(NotFound):
            await client.call("get_dvr_session", name=match.name)
        await client.done("delete_channel", name=channel.name)
    assert names(server, "dvr/news/mux") + names(server, "dvr/news/dvr/") == []
    report = run_check(f"{server.url}/{clips[0].removeprefix('gs://')}", deep=True)
    assert report.ok, report.to_text()
    assert clips[1] == "gs://media/dvr/clips/mp4/main.mp4" and names(server, "dvr/clips/mp4/main.mp4")


@pytest.mark.semantics("S14")
async def test_any_bucket_and_one_that_is_not_there(server: GcsServer, tmp_path: Path) -> None:
    with Serving(tmp_path, "--output", "gs://") as serving:
        client = Client("grpc", serving)
        given = await an_input(client)
        for uri, words in (
            ("gs://nowhere/tv", "gs://nowhere/tv/: 404 The specified bucket does not exist. (make the bucket first"),
            ("/tmp/tv", "'/tmp/tv' is no output of this server"),
        ):
            with pytest.raises(GoogleAPICallError) as refused:
                asked = av_channel(given.name, uri)
                await client.call("create_channel", parent=LOCATION, channel_id="news", channel=asked)
            assert words in refused.value.message
            assert refused.value.metadata["field"] == "channel.output.uri"
        asked = av_channel(given.name, "gs://media/any")
        await client.done("create_channel", parent=LOCATION, channel_id="news", channel=asked)
        server.buckets["media"].denied = {"storage.objects.create"}
        operation = await client.call("start_channel", name=f"{LOCATION}/channels/news")
        with pytest.raises(GoogleAPICallError, match=r"does not have storage\.objects\.create"):
            await asyncio.to_thread(operation.result)
    assert names(server, "") == []
