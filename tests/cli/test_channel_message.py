"""`livedvr channel create` asks a server for what `livedvr record` records with the same options."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from google.cloud.video.live_stream_v1 import types
from google.protobuf import duration_pb2, json_format

from livedvr.api.channel_mapping import to_domain
from livedvr.cli.channel_message import channel_message, duration_text
from livedvr.record_options import RecordOptions, channel_of
from livedvr.resources.errors import InvalidArgument
from livedvr.resources.models import Channel, Input

P = "projects/default/locations/local/inputs"


def _asked(**given: Any) -> dict[str, Any]:
    options = RecordOptions(source="", output="gs://media/news", **given)
    return channel_message(options, inputs={"primary": f"{P}/cam"}, frame_rate=25, labels={})


def _accepted(message: dict[str, Any]) -> Channel:
    """What the server makes of it."""
    parsed = json_format.ParseDict(message, types.Channel.pb()())  # unknown fields are refused
    return to_domain(parsed, "news", "/media/news", lambda name, field: Input(uri="srt://:9000"))


def test_a_copied_input_with_its_backup() -> None:
    inputs = {"primary": f"{P}/cam", "backup": f"{P}/cam2"}
    options = RecordOptions(source="", output="gs://media/news", retention="1h30m")
    assert channel_message(options, inputs=inputs, frame_rate=30, labels={"show": "news"}) == {
        "labels": {"show": "news"},
        "inputAttachments": [
            {"key": "primary", "input": f"{P}/cam", "automaticFailover": {"inputKeys": ["backup"]}},
            {"key": "backup", "input": f"{P}/cam2"},
        ],
        "output": {"uri": "gs://media/news"},
        "elementaryStreams": [
            {"key": "video", "videoStream": {}},
            {"key": "audio", "audioStream": {"transmux": True}},
        ],
        "muxStreams": [
            {
                "key": "av",
                "container": "fmp4",
                "elementaryStreams": ["video", "audio"],
                "segmentSettings": {"segmentDuration": "2s"},
            }
        ],
        "manifests": [{"key": "main", "fileName": "main.m3u8", "type": "HLS", "muxStreams": ["av"]}],
        "retentionConfig": {"retentionWindowDuration": "5400s"},
    }


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"video": "h264", "segment_duration": "3s"},
        {"video": "h265", "container": "ts"},
        {"ladder": "1080p,480p,240p", "segment_duration": "2.5s"},
        {"ladder": "720p", "container": "ts", "retention": "7d"},
        {"subtitles": "0"},
        {"subtitles": "cc3:en", "ladder": "540p"},
    ],
)
def test_a_server_makes_of_it_what_a_recording_has(given: dict[str, Any]) -> None:
    made, recorded = _accepted(_asked(**given)), channel_of(RecordOptions("srt://:9000", "/media/news", **given))
    assert (made.mux_streams, made.manifests, made.retention_window) == (
        recorded.mux_streams,
        recorded.manifests,
        recorded.retention_window,
    )
    for one, other in zip(made.elementary_streams, recorded.elementary_streams, strict=True):
        assert (one.key, one.audio_stream, one.text_stream) == (other.key, other.audio_stream, other.text_stream)
        video, wanted = one.video_stream, other.video_stream
        assert (video is None) == (wanted is None)
        if video is not None and wanted is not None and video.codec != "copy":
            height, width = video.height_pixels or 0, video.width_pixels or 0
            assert height == (wanted.height_pixels or 720) and width % 2 == 0 and 0 <= width - height * 16 / 9 < 2
            assert (video.codec, video.frame_rate) == (wanted.codec, 25)
            assert video.gop_duration == made.reference.segment_duration


def test_captions_are_not_guessed_by_a_server() -> None:
    with pytest.raises(InvalidArgument, match="--subtitles: a server is told which"):
        _asked(subtitles="auto")


@pytest.mark.parametrize(
    ("micros", "text"), [(2_000_000, "2s"), (2_500_000, "2.5s"), (86_400_000_000, "86400s"), (100, "0.0001s")]
)
def test_a_duration(micros: int, text: str) -> None:
    assert duration_text(micros) == text
    parsed = json_format.ParseDict(text, duration_pb2.Duration())
    assert parsed.ToTimedelta() == timedelta(microseconds=micros)
