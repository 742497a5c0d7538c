"""What `livedvr channel create` asks for, as the API's JSON. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from livedvr.record_options import RecordOptions, streams_of
from livedvr.resources.errors import InvalidArgument
from livedvr.resources.streams import ElementaryStream, MuxStream, VideoStream
from livedvr.resources.times import SECOND, parse_duration

HEIGHT = 720  # of an encoded video that no ladder gives a height: the API has none that follows its source
BITRATE = 2_800_000


def channel_message(
    options: RecordOptions, *, inputs: Mapping[str, str], frame_rate: float, labels: Mapping[str, str]
) -> dict[str, Any]:
    """The channel. ``inputs``: full names by ``primary`` and ``backup``; options not of a channel are not looked at."""
    streams, muxes = streams_of(options)
    segment = _segment_duration(muxes[0])
    return {
        "labels": dict(labels),
        "inputAttachments": _attachments(inputs),
        "output": {"uri": options.output},
        "elementaryStreams": [_stream(one, frame_rate, segment) for one in streams],
        "muxStreams": [_mux(one) for one in muxes],
        "manifests": [
            {"key": "main", "fileName": "main.m3u8", "type": "HLS", "muxStreams": [mux.key for mux in muxes]}
        ],
        "retentionConfig": {
            "retentionWindowDuration": duration_text(parse_duration(options.retention, field="--retention"))
        },
    }


def duration_text(micros: int) -> str:
    """A google.protobuf.Duration in JSON."""
    return f"{micros // SECOND}.{micros % SECOND:06d}".rstrip("0").rstrip(".") + "s"


def _attachments(inputs: Mapping[str, str]) -> list[dict[str, Any]]:
    attached: list[dict[str, Any]] = [{"key": key, "input": name} for key, name in inputs.items()]
    if len(attached) > 1:
        attached[0]["automaticFailover"] = {"inputKeys": ["backup"]}
    return attached


def _stream(stream: ElementaryStream, frame_rate: float, gop: str) -> dict[str, Any]:
    if stream.video_stream is not None:
        return {"key": stream.key, "videoStream": _video(stream.video_stream, frame_rate, gop)}
    if stream.audio_stream is not None:
        audio = stream.audio_stream
        encoded = {
            "codec": "aac",
            "bitrateBps": audio.bitrate_bps,
            "channelCount": audio.channel_count,
            "sampleRateHertz": audio.sample_rate_hertz,
        }
        return {"key": stream.key, "audioStream": {"transmux": True} if audio.codec == "copy" else encoded}
    text = stream.text_stream
    assert text is not None  # a stream is one of the three
    if text.input_track is not None and text.input_cea_channel is not None:
        raise InvalidArgument("a server is told which", field="--subtitles", hint="a track as 0, or cc1 to cc4")
    source: dict[str, Any] = (
        {"inputTrack": text.input_track}
        if text.input_cea_channel is None
        else {"inputCeaChannel": text.input_cea_channel}
    )
    language = {"languageCode": text.language_code} if text.language_code else {}
    return {"key": stream.key, "textStream": {"codec": "webvtt", **language, "mapping": [source]}}


def _video(video: VideoStream, frame_rate: float, gop: str) -> dict[str, Any]:
    """16:9: the API wants both sides, even."""
    if video.codec == "copy":
        return {}
    height = video.height_pixels or HEIGHT
    return {
        video.codec: {
            "widthPixels": (height * 16 + 17) // 18 * 2,
            "heightPixels": height,
            "frameRate": frame_rate,
            "bitrateBps": video.bitrate_bps or BITRATE,
            "gopDuration": gop,  # the API's default of 2 s divides not every segment
        }
    }


def _mux(mux: MuxStream) -> dict[str, Any]:
    """A text's container is no choice."""
    container = {} if mux.container == "vtt" else {"container": mux.container}
    return {
        "key": mux.key,
        **container,
        "elementaryStreams": list(mux.elementary_streams),
        "segmentSettings": {"segmentDuration": _segment_duration(mux)},
    }


def _segment_duration(mux: MuxStream) -> str:
    return duration_text(mux.segment_micros)
