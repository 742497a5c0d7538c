"""What a recording's options mean."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from livedvr.record_options import RecordOptions, channel_of, interval_of
from livedvr.resources.errors import InvalidArgument
from livedvr.resources.models import Input, to_micros
from livedvr.resources.streams import TextStream, video_and_audio
from livedvr.resources.times import HOUR, MINUTE, SECOND, parse_time

NOW = parse_time("2026-01-01T12:00:00Z", 0, field="now")


def options(**given: Any) -> RecordOptions:
    return RecordOptions(**{"source": "testsrc", "output": "out", **given})


@pytest.mark.parametrize(
    ("given", "first", "window"),
    [
        ({}, NOW + 7, (NOW + 7, None)),
        ({"duration": "30s"}, NOW + 7, (NOW + 7, NOW + 7 + 30 * SECOND)),
        ({"end": "+1h"}, NOW + 7, (NOW + 7, NOW + HOUR)),
        ({"start": "now", "duration": "30s"}, NOW + 7, (NOW, NOW + 30 * SECOND)),
        ({"start": "-10m", "end": "-5m"}, NOW + 7, (NOW - 10 * MINUTE, NOW - 5 * MINUTE)),
        ({"start": "2026-01-01T13:00:00+01:00"}, NOW + 7, (NOW, None)),
    ],
)
def test_windows(given: dict[str, str], first: int, window: tuple[int, int | None]) -> None:
    interval = interval_of(options(**given), NOW).window(first)
    assert interval.start_time is not None
    end = None if interval.end_time is None else to_micros(interval.end_time)
    assert (to_micros(interval.start_time), end) == window


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"start": "now", "end": "now"}, "--end"),
        ({"start": "now", "end": "-1s"}, "--end"),
        ({"end": "-1s"}, "--end"),
        ({"duration": "1s", "end": "+1s"}, "--duration"),
        ({"duration": "0s"}, "--duration"),
        ({"start": "tomorrow"}, "--start"),
    ],
)
def test_windows_that_cannot_be(given: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        interval_of(options(**given), NOW)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("given", "end"),
    [
        ({}, None),
        ({"duration": "30s"}, None),
        ({"start": "-1m", "duration": "30s"}, NOW - 30 * SECOND),
        ({"end": "+1h"}, NOW + HOUR),
    ],
)
def test_an_end_is_known_before_the_media_or_not(given: dict[str, str], end: int | None) -> None:
    assert interval_of(options(**given), NOW).window_end == end


def test_the_channel() -> None:
    channel = channel_of(options(container="ts", segment_duration="4s", retention="1h", target_duration=5))
    mux = channel.reference
    assert (channel.elementary_streams, mux.container, mux.segment_micros) == (
        video_and_audio("h264"),
        "ts",
        4 * SECOND,
    )
    assert (channel.retention_window, channel.target_duration) == (timedelta(hours=1), 5)
    assert channel.output.uri == str(Path.cwd() / "out"), "a later start from elsewhere means the same folder"
    assert channel_of(options(source="srt://:9000")).elementary_streams == video_and_audio()
    assert channel_of(options(output="file:///srv/x")).output.uri == "file:///srv/x"
    with pytest.raises(InvalidArgument, match="outside 1 s to 20 s"):
        channel_of(options(segment_duration="21s"))


def test_a_ladder_is_a_rendition_for_each_height_and_one_for_the_audio() -> None:
    made = channel_of(options(ladder="720p, 360p"))
    assert [mux.key for mux in made.mux_streams] == ["v720p", "v360p", "audio"]
    assert made.manifests[0].mux_streams == ("v720p", "v360p", "audio")
    assert made.reference.key == "v720p"
    video = made.video_of(made.mux_stream("v360p"))
    assert video is not None
    assert (video.codec, video.height_pixels, video.bitrate_bps) == ("h264", 360, 800_000)


def test_a_ladder_in_mpeg_ts_carries_the_audio_in_each_rendition() -> None:
    made = channel_of(options(ladder="720p,360p", container="ts"))
    assert [mux.elementary_streams for mux in made.mux_streams] == [("video-720p", "audio"), ("video-360p", "audio")]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"ladder": "721p"}, "--ladder: '721p' is no rendition"),
        ({"ladder": ""}, "--ladder: '' is no rendition"),
        ({"ladder": "360p,360p"}, "twice"),
        ({"ladder": "360p", "video": "copy"}, "--video: a ladder is encoded"),
    ],
)
def test_a_ladder_that_cannot_be(given: dict[str, str], text: str) -> None:
    with pytest.raises(InvalidArgument, match=text):
        channel_of(options(**given))


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("auto", TextStream(input_track=0, input_cea_channel="CC1")),
        ("auto:en", TextStream(input_track=0, input_cea_channel="CC1", language_code="en")),
        ("2:pt-BR", TextStream(input_track=2, language_code="pt-BR")),
        ("CC3", TextStream(input_cea_channel="CC3")),
        ("cc1:de", TextStream(input_cea_channel="CC1", language_code="de")),
    ],
)
def test_subtitles_are_a_rendition_beside_the_others(given: str, text: TextStream) -> None:
    made = channel_of(options(ladder="360p", subtitles=given, segment_duration="4s"))
    assert [mux.key for mux in made.mux_streams] == ["v360p", "audio", "text"] == list(made.manifests[0].mux_streams)
    mux = made.mux_stream("text")
    assert (made.text_of(mux), mux.container, mux.segment_micros) == (text, "vtt", 4 * SECOND)


@pytest.mark.parametrize("given", ["", "cc5", "clip.mkv", "cc1:", "100", "service1", "cc1:e"])
def test_subtitles_that_cannot_be(given: str) -> None:
    with pytest.raises(InvalidArgument, match="no subtitles it knows") as refused:
        channel_of(options(subtitles=given))
    assert refused.value.field == "--subtitles"


def test_a_file_that_stands_by_is_played_again_and_again() -> None:
    def backup(uri: str) -> Input | None:
        return channel_of(RecordOptions("udp://:1", "out", backup=uri)).backup_input

    assert backup("slate.mp4") == Input(uri="slate.mp4", loop=True)
    assert backup("srt://:2") == Input(uri="srt://:2")
