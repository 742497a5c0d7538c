"""Issue 6: Google's own client, in its three forms, drives `livedvr serve` from an input to the DVR's end."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from google.api_core.exceptions import GoogleAPICallError, NotFound
from google.cloud.video.live_stream_v1 import types
from google.protobuf import field_mask_pb2

from live import FLV, PATIENCE, Encoder
from livedvr.check.run import run_check
from livestream import FORMS, LOCATION, Client, Serving, av_channel, seconds, session

pytestmark = pytest.mark.e2e

State = types.DvrSession.State
Streaming = types.Channel.StreamingState
WINDOWS = field_mask_pb2.FieldMask(paths=["dvr_windows"])


async def _until(look: Callable[[], Awaitable[Any]], what: str) -> Any:
    for _ in range(int(PATIENCE / 0.2)):
        if answer := await look():
            return answer
        await asyncio.sleep(0.2)  # how often a client looks
    raise AssertionError(f"{what} did not happen within {PATIENCE} s")


class Scenario:
    """What the tests say of sessions, in few words."""

    def __init__(self, client: Client, channel: str, media: Path) -> None:
        self.client, self.channel, self.media = client, channel, media

    def name(self, session_id: str) -> str:
        return f"{self.channel}/dvrSessions/{session_id}"

    async def create(self, session_id: str, *windows: tuple[Any, Any], **labels: str) -> types.DvrSession:
        asked = session(*windows, labels=labels)
        return await self.client.done(
            "create_dvr_session", parent=self.channel, dvr_session=asked, dvr_session_id=session_id
        )

    async def state(self, session_id: str) -> State:
        return (await self.client.call("get_dvr_session", name=self.name(session_id))).state

    async def becomes(self, session_id: str, *states: State) -> None:
        async def look() -> bool:
            return await self.state(session_id) in states

        await _until(look, f"{session_id} is {states}")

    async def patch(self, session_id: str, *windows: tuple[Any, Any]) -> types.DvrSession:
        asked = session(*windows)
        asked.name = self.name(session_id)
        return await self.client.done("update_dvr_session", dvr_session=asked, update_mask=WINDOWS)

    async def refused(self, session_id: str, *windows: tuple[Any, Any]) -> str:
        with pytest.raises(GoogleAPICallError) as refused:
            await self.patch(session_id, *windows)
        if self.client.form == "rest":  # there every 400 is BadRequest: the status stands in the body
            return str(refused.value.response.json()["error"]["status"])
        return refused.value.grpc_status_code.name

    def playlist(self, session_id: str) -> Path:
        return self.media / "dvr" / session_id / "mux_video" / "index-1.m3u8"


def now(offset: float = 0) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=offset)


@pytest.mark.parametrize("form", FORMS)
async def test_a_client_drives_the_dvr(wheel_ffmpeg: str, tmp_path: Path, form: str) -> None:
    with Serving(tmp_path) as serving:
        client = Client(form, serving)
        given = await client.done(
            "create_input", parent=LOCATION, input_id="in", input=types.Input(type_=types.Input.Type.RTMP_PUSH)
        )
        asked = av_channel(given.name, "gs://bucket/news", labels={"show": "news"})
        channel = await client.done("create_channel", parent=LOCATION, channel_id="news", channel=asked)
        assert (channel.streaming_state, channel.active_input) == (Streaming.STOPPED, "main-input")
        dvr = Scenario(client, channel.name, serving.media / "bucket" / "news")
        await client.done("start_channel", name=channel.name)
        future = await dvr.create("future", (now(12), now(16)))
        assert future.dvr_manifests[0].output_uri == "gs://bucket/news/dvr/future/main.m3u8"
        with Encoder(given.uri, mux=FLV):
            await _scenario(client, dvr, serving)
            await client.done("stop_channel", name=channel.name)
        assert (await client.call("get_channel", name=channel.name)).streaming_state == Streaming.STOPPED
        assert await dvr.state("long") == State.FINISHED
        for session_id in ("past", "future", "long", "extended"):
            assert run_check(str(dvr.media / "dvr" / session_id / "main.m3u8"), deep=True).ok, session_id
        await _clips(client, dvr)
        await _goes(client, dvr, given.name)


async def _scenario(client: Client, dvr: Scenario, serving: Serving) -> None:
    await dvr.create("open", (None, None))
    await dvr.create("long", (None, None), show="news")
    await dvr.becomes("open", State.LIVE)
    channel = await client.call("get_channel", name=dvr.channel)
    assert channel.streaming_state == Streaming.STREAMING
    # A past window, as soon as something is past.
    await _until(lambda: _has(dvr.playlist("open"), 3), "three segments are listed")
    await dvr.create("past", (now(-60), now(-2)))
    await dvr.becomes("past", State.FINISHED)
    # One that is made longer while it runs, which may not be made to forget what it has shown.
    await dvr.create("extended", (None, now(8)))
    await dvr.becomes("extended", State.LIVE)
    assert (await dvr.patch("extended", (None, now(10)))).state == State.LIVE
    assert await dvr.refused("extended", (now(30), now(40))) == "FAILED_PRECONDITION"
    # The server dies and comes back; ffmpeg and the sessions do not notice.
    assert serving.end(signal.SIGKILL) != 0
    serving.again()
    assert await dvr.state("long") == State.LIVE
    await dvr.becomes("extended", State.FINISHED)
    # An end in the past: what is played is not taken away, COOLDOWN.
    cut = await dvr.patch("open", (None, now(-1)))
    assert cut.state == State.COOLDOWN
    assert await dvr.refused("open", (None, now(60))) == "FAILED_PRECONDITION"
    await _until(lambda: _is_sealed(dvr.playlist("open")), "ENDLIST")
    await dvr.becomes("future", State.FINISHED)
    finished = await client.all(
        "list_dvr_sessions",
        request={"parent": dvr.channel, "page_size": 1, "filter": 'state = "FINISHED"', "order_by": "create_time desc"},
    )
    assert [one.name.rpartition("/")[2] for one in finished] == ["extended", "past", "future"]
    labelled = await client.all("list_dvr_sessions", request={"parent": dvr.channel, "filter": "labels.show = news"})
    assert [one.name.rpartition("/")[2] for one in labelled] == ["long"]


async def _clips(client: Client, dvr: Scenario) -> None:
    """What is past is kept: as a presentation, and as one file."""
    past = await client.call("get_dvr_session", name=dvr.name("past"))
    interval = past.dvr_windows[0].time_interval
    with pytest.raises(GoogleAPICallError, match="to come"):
        await _clip(client, dvr, "early", now(-5), now(60), types.Clip.OutputType.MANIFEST)
    end = interval.end_time
    for clip_id, kind, played in (("kept", "MANIFEST", "main.m3u8"), ("file", "MP4", "main.mp4")):
        clip = await _clip(client, dvr, clip_id, end - timedelta(seconds=3), end, types.Clip.OutputType[kind])
        assert clip.clip_manifests[0].output_uri == f"gs://bucket/clips/{clip_id}/{played}"

        async def is_made(name: str = clip.name) -> bool:
            found = await client.call("get_clip", name=name)
            assert found.state != types.Clip.State.FAILED, found.error
            return bool(found.state == types.Clip.State.SUCCEEDED)

        await _until(is_made, f"{clip_id} is made")
        assert (dvr.media.parent / "clips" / clip_id / played).stat().st_size > 0
    listed = await client.all("list_clips", parent=dvr.channel)
    assert [one.name.rpartition("/")[2] for one in listed] == ["file", "kept"]
    assert run_check(str(dvr.media.parent / "clips" / "kept" / "main.m3u8"), deep=True).ok
    await client.done("delete_clip", name=listed[0].name)
    assert len(await client.all("list_clips", parent=dvr.channel)) == 1


async def _clip(client: Client, dvr: Scenario, clip_id: str, markin: Any, markout: Any, kind: Any) -> types.Clip:
    asked = types.Clip(
        output_uri=f"gs://bucket/clips/{clip_id}",
        output_type=kind,
        slices=[types.Clip.Slice(time_slice=types.Clip.TimeSlice(markin_time=markin, markout_time=markout))],
        clip_manifests=[types.Clip.ClipManifest(manifest_key="hls")],
    )
    return await client.done("create_clip", parent=dvr.channel, clip=asked, clip_id=clip_id)


async def _has(playlist: Path, segments: int) -> bool:
    return _text(playlist).count("#EXTINF") >= segments


async def _is_sealed(playlist: Path) -> bool:
    return "#EXT-X-ENDLIST" in _text(playlist)


def _text(playlist: Path) -> str:
    return playlist.read_text() if playlist.exists() else ""


async def _goes(client: Client, dvr: Scenario, input_name: str) -> None:
    """Deletion, and what retention takes away."""
    await client.done("delete_dvr_session", name=dvr.name("open"))
    with pytest.raises(NotFound):
        await dvr.state("open")
    mask = field_mask_pb2.FieldMask(paths=["retention_config"])
    shorter = types.Channel(
        name=dvr.channel, retention_config=types.RetentionConfig(retention_window_duration=seconds(1))
    )
    updated = await client.done("update_channel", channel=shorter, update_mask=mask)
    assert updated.retention_config.retention_window_duration.total_seconds() == 1

    async def nothing_is_left() -> bool:
        return not await client.all("list_dvr_sessions", parent=dvr.channel)

    await _until(nothing_is_left, "retention takes the sessions")
    with pytest.raises(GoogleAPICallError):
        await client.done("delete_input", name=input_name)  # it is attached
    await client.done("delete_channel", name=dvr.channel)
    await client.done("delete_input", name=input_name)
    assert await client.all("list_channels", parent=LOCATION) == []
    assert not list(dvr.media.rglob("*.m4s"))
    assert list((dvr.media.parent / "clips" / "kept").rglob("*.m4s"))  # a clip outlives its channel
