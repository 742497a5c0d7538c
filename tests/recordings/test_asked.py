"""What a channel has not got is not asked of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from livedvr.recordings.asked import check_files, is_sound_alone
from livedvr.resources.errors import InvalidArgument
from livedvr.resources.models import Channel, Input, Output
from livedvr.resources.recording import HlsOptions, RecordingLimits, RecordingSpec
from livedvr.resources.streams import AudioStream, ElementaryStream, MuxStream, VideoStream


def a_channel(*kinds: str) -> Channel:
    streams = {"video": {"video_stream": VideoStream()}, "audio": {"audio_stream": AudioStream()}}
    return Channel(
        channel_id="live",
        input=Input(uri="udp://127.0.0.1:9000"),
        output=Output(uri="/tmp/out"),
        elementary_streams=tuple(ElementaryStream(key=kind, **streams[kind]) for kind in kinds),  # type: ignore[arg-type]
        mux_streams=(MuxStream(key="av", elementary_streams=kinds),),
    )


SOUND, PICTURES, BOTH = a_channel("audio"), a_channel("video"), a_channel("video", "audio")
QUIET = RecordingLimits(max_silence=timedelta(seconds=1))


@pytest.mark.parametrize(
    ("channel", "spec", "field"),
    [
        (PICTURES, {"formats": ("MP4", "AAC")}, "formats"),
        (PICTURES, {"limits": QUIET}, "limits"),
        (PICTURES, {"tracks": "AUDIO"}, "tracks"),
        (PICTURES, {"tracks": "SEPARATE"}, "tracks"),
        (SOUND, {"tracks": "VIDEO"}, "tracks"),
        (SOUND, {"tracks": "SEPARATE"}, "tracks"),
    ],
)
def test_what_is_refused(channel: Channel, spec: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidArgument) as told:
        check_files(RecordingSpec(**spec), channel)
    assert told.value.field == field
    check_files(RecordingSpec(**spec), BOTH)


@pytest.mark.parametrize(
    ("spec", "field", "formats"),
    [
        ({"formats": ("WAV", "MP3", "AAC"), "tracks": "VIDEO"}, "tracks", ("WAV", "MP4")),
        ({"formats": ("HLS",), "max_file_duration": timedelta(seconds=5)}, "maxFileDuration", ("HLS", "MP4")),
        ({"formats": ("MP4", "HLS"), "sample_rate": 8000}, "sampleRate", ("MP4", "MP3")),
        ({"formats": ("MP4",), "mono": True}, "mono", ("AAC",)),
        ({"formats": ("MP4",), "hls": HlsOptions(container="ts")}, "hls", ("MP4", "HLS")),
    ],
)
def test_what_would_mean_nothing(spec: dict[str, Any], field: str, formats: tuple[str, ...]) -> None:
    with pytest.raises(InvalidArgument, match="it changes nothing") as told:
        check_files(RecordingSpec(**spec), BOTH)
    assert told.value.field == field
    check_files(RecordingSpec(**{**spec, "formats": formats}), BOTH)


@pytest.mark.parametrize(
    ("spec", "alone"),
    [
        ({"formats": ("WAV", "MP3", "AAC")}, True),
        ({"formats": ("MP4", "HLS"), "tracks": "AUDIO"}, True),
        ({"formats": ("WAV", "MP4")}, False),
    ],
)
def test_what_is_sound_alone(spec: dict[str, Any], alone: bool) -> None:
    assert is_sound_alone(RecordingSpec(**spec)) == alone
