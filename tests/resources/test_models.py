from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from builders import channel
from livedvr.resources.errors import InvalidArgument
from livedvr.resources.models import (
    Channel,
    Input,
    Manifest,
    Output,
    TimeInterval,
    to_datetime,
    to_micros,
)
from livedvr.resources.streams import (
    AudioStream,
    ElementaryStream,
    MuxStream,
    TextStream,
    VideoStream,
    video_and_audio,
)
from livedvr.resources.times import SECOND


def with_text(*, audio_alone: bool = False, text_alone: bool = False, **mux: object) -> dict[str, object]:
    """Video and audio, and captions beside them."""
    text = ElementaryStream(key="text", text_stream=TextStream(input_cea_channel="CC1"))
    media = video_and_audio("h264")[int(audio_alone) :]
    av = MuxStream(elementary_streams=tuple(stream.key for stream in media))
    beside = MuxStream(**{"key": "text", "container": "vtt", "elementary_streams": ("text",)} | mux)
    return {
        "elementary_streams": (*media, text),
        "mux_streams": (beside,) if text_alone else (av, beside),
        "manifests": (Manifest(mux_streams=("text",)),),
    }


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "inputTrack or an inputCeaChannel"),
        ({"inputCeaChannel": "SERVICE1"}, "CEA-708 services are not decoded; name CC1 to CC4"),
        ({"inputCeaChannel": "CC5"}, "CC1"),
        ({"inputTrack": -1}, "greater"),
    ],
)
def test_a_text_that_comes_from_nowhere_is_refused(given: dict[str, object], says: str) -> None:
    with pytest.raises(InvalidArgument, match=says):
        TextStream(**given)


def test_a_text_stands_beside_the_reference_wherever_it_is_named() -> None:
    made = channel(**with_text())
    turned = channel(**with_text() | {"mux_streams": tuple(reversed(made.mux_streams))})
    assert turned.reference.key == made.reference.key == "av"
    assert turned.timeline_keys() == ["av", "text"]


@pytest.mark.semantics("O1")
def test_a_channel_is_written_in_camel_case_and_reads_back_equal() -> None:
    made = channel(target_duration=6, retention_window=timedelta(hours=3))
    wire = made.model_dump_json(by_alias=True)
    assert '"channelId":"live"' in wire
    assert '"muxStreams"' in wire
    assert '"segmentDuration"' in wire
    assert Channel.model_validate_json(wire) == made


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1 * SECOND, 20 * SECOND),
    st.integers(1, 10**12),
    st.sampled_from(["fmp4", "ts"]),
    st.one_of(st.none(), st.integers(1, 120)),
)
def test_a_channel_survives_storage_to_the_microsecond(
    segment: int, kept: int, container: str, target: int | None
) -> None:
    made = channel(
        mux_streams=(MuxStream(container=container, segment_duration=timedelta(microseconds=segment)),),
        retention_window=timedelta(microseconds=kept),
        target_duration=target,
    )
    back = Channel.model_validate_json(made.model_dump_json())
    assert back == made
    assert (back.reference.segment_micros, back.retention_micros) == (segment, kept)


def test_a_resource_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        channel().channel_id = "other"  # type: ignore[misc]


@pytest.mark.semantics("O1")
@pytest.mark.parametrize("key", ["dvr", "DVR", "Dvr", ".livedvr"])
def test_a_reserved_mux_key_is_refused(key: str) -> None:
    with pytest.raises(InvalidArgument, match="reserved"):
        MuxStream(key=key)


@pytest.mark.parametrize("key", ["_av", "a/b", "..", ""])
def test_a_mux_key_is_plain_because_it_names_a_folder(key: str) -> None:
    with pytest.raises(InvalidArgument):
        MuxStream(key=key)


@pytest.mark.parametrize("seconds", [0, 0.999999, 20.000001, -2])
def test_a_segment_setting_outside_1_to_20_s_is_refused_naming_the_field(seconds: float) -> None:
    with pytest.raises(InvalidArgument) as refused:
        MuxStream(segmentDuration=timedelta(seconds=seconds))
    assert refused.value.field == "segmentDuration"
    assert "1 s to 20 s" in refused.value.message


@pytest.mark.parametrize("seconds", [1, 2, 20])
def test_a_segment_setting_within_1_to_20_s_is_taken(seconds: int) -> None:
    assert MuxStream(segment_duration=timedelta(seconds=seconds)).segment_micros == seconds * SECOND


@pytest.mark.parametrize("name", ["main.mpd", "../main.m3u8", "a/b.m3u8", ".m3u8", "main.m3u8\n", ""])
def test_a_manifest_s_file_name_is_a_plain_m3u8_name(name: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        Manifest(fileName=name)
    assert refused.value.field == "fileName"


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ({"channel_id": "Live"}, "not an id"),
        ({"elementary_streams": video_and_audio("copy")}, "nothing to copy"),
        ({"mux_streams": ()}, "needs a mux stream"),
        ({"mux_streams": (MuxStream(key="av"), MuxStream(key="av"))}, "two mux streams 'av'"),
        ({"mux_streams": (MuxStream(key="av"), MuxStream(key="AV"))}, "'av' and 'AV' would share a folder"),
        (
            {"elementary_streams": video_and_audio("h264") * 2},
            "two elementary streams 'video'",
        ),
        ({"mux_streams": (MuxStream(elementary_streams=("video", "sound")),)}, "'sound'"),
        ({"mux_streams": (MuxStream(), MuxStream(key="low", container="ts"))}, "one container"),
        ({"mux_streams": (MuxStream(elementary_streams=()),)}, "one video, one audio, both"),
        ({"mux_streams": (MuxStream(container="vtt"),)}, "a text has the container vtt, and nothing else"),
        (with_text(container="fmp4"), "a text has the container vtt"),
        (with_text(segment_duration=timedelta(seconds=4)), "one segment duration"),
        (with_text(audio_alone=True), "captions come with pictures"),
        (with_text(text_alone=True), "a channel needs a video or an audio"),
        ({"manifests": ()}, "needs a manifest"),
        ({"manifests": (Manifest(mux_streams=("other",)),)}, "'other'"),
        ({"manifests": (Manifest(), Manifest(file_name="tv.m3u8"))}, "two manifests have the same key"),
        ({"manifests": (Manifest(key="tv"), Manifest(key=None, file_name="Main.m3u8"))}, "the same fileName"),
        ({"target_duration": 0}, "greater"),
        ({"surprise": 1}, "not permitted"),
        ({"input": {"uri": ""}}, "at least 1"),
    ],
)
def test_a_channel_that_can_never_work_is_an_invalid_argument(bad: dict[str, object], says: str) -> None:
    with pytest.raises(InvalidArgument, match=says) as refused:
        channel(**bad)
    assert refused.value.field


def test_a_retention_of_less_than_no_time_is_refused() -> None:
    with pytest.raises(InvalidArgument):
        channel(retention_window=timedelta(hours=-1))


@pytest.mark.semantics("W1")
def test_an_unknown_manifest_key_is_refused_naming_those_there_are() -> None:
    made = channel(manifests=(Manifest(key="main"), Manifest(key="mobile", file_name="mobile.m3u8")))
    assert made.manifest("mobile").file_name == "mobile.m3u8"
    with pytest.raises(InvalidArgument, match="main, mobile") as refused:
        made.manifest("tv")
    assert refused.value.field == "manifestKey"


@pytest.mark.semantics("W1")
def test_manifests_need_no_key_and_sessions_ask_for_those_that_have_one() -> None:
    plain = (Manifest(key=None, file_name="manifest.m3u8"), Manifest(key=None, file_name="tv.m3u8"))
    assert channel(manifests=(*plain, Manifest(key="hls_2"))).manifest_keys() == ["hls_2"]
    with pytest.raises(InvalidArgument, match="give one of its manifests a key"):
        channel(manifests=plain).manifest("main")


def test_the_live_stream_api_s_usual_keys_make_a_channel() -> None:
    streams = (
        ElementaryStream(key="es_video", video_stream=VideoStream(codec="h264")),
        ElementaryStream(key="es_audio", audio_stream=AudioStream(codec="aac")),
    )
    made = channel(
        elementary_streams=streams,
        mux_streams=(
            MuxStream(key="mux_video_fmp4", elementary_streams=("es_video",)),
            MuxStream(key="mux_audio_fmp4", elementary_streams=("es_audio",)),
        ),
        manifests=(Manifest(key="manifest_hls", mux_streams=("mux_video_fmp4", "mux_audio_fmp4")),),
    )
    assert made.timeline_keys() == ["mux_video_fmp4", "mux_audio_fmp4"]


def test_a_window_without_a_zone_is_refused() -> None:
    with pytest.raises(InvalidArgument) as refused:
        TimeInterval(startTime=datetime(2026, 11, 21))
    assert refused.value.field == "startTime"


def test_input_and_output_need_a_uri() -> None:
    for kind in (Input, Output):
        with pytest.raises(InvalidArgument):
            kind(uri="")


@given(st.integers(-(10**15), 4 * 10**15))
def test_microseconds_and_datetimes_are_the_same_instants(micros: int) -> None:
    moment = to_datetime(micros)
    assert moment.tzinfo is UTC
    assert to_micros(moment) == micros
    assert to_micros(moment.astimezone(timezone(timedelta(hours=5, minutes=45)))) == micros
