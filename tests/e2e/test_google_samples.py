"""The steps of Google's public samples, with Google's client: inputs, channels, events, assets, pools.

Written anew after what the samples call, so that they run here; the samples themselves are tried from outside.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from google.api_core.exceptions import GoogleAPICallError, NotFound
from google.cloud.video.live_stream_v1 import types

from livedvr.ingest.listening import is_listened_on
from livedvr.ingest.source import parse_source
from livedvr.resources.models import Input
from livestream import FORMS, LOCATION, Client, Serving, seconds

pytestmark = pytest.mark.e2e

Streaming = types.Channel.StreamingState


@pytest.mark.parametrize("form", FORMS)
async def test_the_samples_run(wheel_ffmpeg: str, tmp_path: Path, form: str) -> None:
    """One server for all: each cleans up behind itself, as the samples do. By gRPC, the default, with TLS."""
    with Serving(tmp_path, tls=form == "grpc") as serving:
        client = Client(form, serving)
        for steps in (inputs, channels, a_channel_with_a_backup_input, events, assets, pools):
            await steps(client)


async def _input(client: Client, input_id: str) -> types.Input:
    asked = types.Input(type_="RTMP_PUSH")
    return await client.done("create_input", parent=LOCATION, input=asked, input_id=input_id)


def _channel(*attached: types.InputAttachment) -> types.Channel:
    video = types.VideoStream.H264CodecSettings(
        profile="high", width_pixels=1280, height_pixels=720, bitrate_bps=3_000_000, frame_rate=30
    )
    segments = types.SegmentSettings(segment_duration=seconds(2))
    return types.Channel(
        input_attachments=attached,
        output=types.Channel.Output(uri="gs://my-bucket/channel-test"),
        elementary_streams=[
            types.ElementaryStream(key="es_video", video_stream=types.VideoStream(h264=video)),
            types.ElementaryStream(
                key="es_audio", audio_stream=types.AudioStream(codec="aac", channel_count=2, bitrate_bps=160_000)
            ),
        ],
        mux_streams=[
            types.MuxStream(key="mux_video", elementary_streams=["es_video"], segment_settings=segments),
            types.MuxStream(key="mux_audio", elementary_streams=["es_audio"], segment_settings=segments),
        ],
        manifests=[
            types.Manifest(
                file_name="manifest.m3u8", type_="HLS", mux_streams=["mux_video", "mux_audio"], max_segment_count=5
            )
        ],
    )


async def _create_channel(client: Client, *attached: types.InputAttachment) -> types.Channel:
    return await client.done("create_channel", parent=LOCATION, channel=_channel(*attached), channel_id="my-channel")


async def _gone(client: Client, method: str, name: str) -> None:
    with pytest.raises(NotFound):
        await client.call(method, name=name)


async def inputs(client: Client) -> None:
    made = await _input(client, "my-input")
    assert made.uri.startswith("rtmp://") and made.tier == types.Input.Tier.HD
    assert [one.name for one in await client.all("list_inputs", parent=LOCATION)] == [made.name]
    crop = types.PreprocessingConfig.Crop(top_pixels=5, bottom_pixels=5)
    changed = types.Input(name=made.name, preprocessing_config=types.PreprocessingConfig(crop=crop))
    updated = await client.done("update_input", input=changed, update_mask={"paths": ["preprocessing_config"]})
    assert updated.preprocessing_config.crop.top_pixels == 5
    assert (await client.call("get_input", name=made.name)) == updated
    assert updated.uri == made.uri
    await client.done("delete_input", name=made.name)
    await _gone(client, "get_input", made.name)


async def channels(client: Client) -> None:
    first, second = await _input(client, "my-input"), await _input(client, "my-updated-input")
    made = await _create_channel(client, types.InputAttachment(key="my-input", input=first.name))
    assert (made.streaming_state, made.active_input) == (Streaming.STOPPED, "my-input")
    assert [one.name for one in await client.all("list_channels", parent=LOCATION)] == [made.name]
    changed = types.Channel(
        name=made.name, input_attachments=[types.InputAttachment(key="updated-input", input=second.name)]
    )
    updated = await client.done("update_channel", channel=changed, update_mask={"paths": ["input_attachments"]})
    assert [one.key for one in updated.input_attachments] == ["updated-input"]
    assert updated.elementary_streams == made.elementary_streams
    assert await client.done("start_channel", name=made.name) == types.ChannelOperationResponse()
    assert (await client.call("get_channel", name=made.name)).streaming_state == Streaming.AWAITING_INPUT
    pushed_to = parse_source(Input(uri=f"{second.uri}?mode=listener"))
    assert is_listened_on(pushed_to), "who pushes as soon as the operation is done comes in"
    other = _channel(types.InputAttachment(key="the-same", input=second.name))
    other.output.uri = "gs://my-bucket/other"
    rival = await client.done("create_channel", parent=LOCATION, channel=other, channel_id="rival")
    with pytest.raises(GoogleAPICallError, match="in use by"):
        await client.done("start_channel", name=rival.name)
    await client.done("delete_channel", name=rival.name)
    assert await client.done("stop_channel", name=made.name) == types.ChannelOperationResponse()
    await client.done("delete_channel", name=made.name)
    await _gone(client, "get_channel", made.name)
    for one in (first, second):
        await client.done("delete_input", name=one.name)


async def a_channel_with_a_backup_input(client: Client) -> None:
    primary, backup = await _input(client, "my-primary"), await _input(client, "my-backup")
    failover = types.InputAttachment.AutomaticFailover(input_keys=["my-backup-input"])
    made = await _create_channel(
        client,
        types.InputAttachment(key="my-primary-input", input=primary.name, automatic_failover=failover),
        types.InputAttachment(key="my-backup-input", input=backup.name),
    )
    assert made.active_input == "my-primary-input"
    await client.done("delete_channel", name=made.name)
    for one in (primary, backup):
        await client.done("delete_input", name=one.name)


async def events(client: Client) -> None:
    given = await _input(client, "my-input")
    channel = await _create_channel(client, types.InputAttachment(key="my-input", input=given.name))
    await client.done("start_channel", name=channel.name)
    asked = types.Event(ad_break=types.Event.AdBreakTask(duration=seconds(30)), execute_now=True)
    made = await client.call("create_event", parent=channel.name, event=asked, event_id="my-event")
    assert (made.state, made.ad_break.duration.total_seconds()) == (types.Event.State.PENDING, 30)
    assert (await client.call("get_event", name=made.name)).name == made.name
    assert [one.name for one in await client.all("list_events", parent=channel.name)] == [made.name]
    assert await client.call("delete_event", name=made.name) is None
    await _gone(client, "get_event", made.name)
    await client.done("stop_channel", name=channel.name)
    await client.done("delete_channel", name=channel.name)


async def assets(client: Client) -> None:
    asked = types.Asset(video=types.Asset.VideoAsset(uri="gs://my-bucket/my-slate.mp4"))
    made = await client.done("create_asset", parent=LOCATION, asset=asked, asset_id="my-asset")
    assert made.video == asked.video
    assert (await client.call("get_asset", name=made.name)) == made
    assert [one.name for one in await client.all("list_assets", parent=LOCATION)] == [made.name]
    await client.done("delete_asset", name=made.name)
    await _gone(client, "get_asset", made.name)


async def pools(client: Client) -> None:
    name = f"{LOCATION}/pools/default"
    assert (await client.call("get_pool", name=name)).name == name
    asked: Any = types.Pool(name=name, network_config=types.Pool.NetworkConfig(peered_network=""))
    updated = await client.done("update_pool", pool=asked, update_mask={"paths": ["network_config"]})
    assert updated.network_config.peered_network == ""
