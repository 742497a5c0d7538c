"""A channel of the API as a channel of the domain: mapped once, when it is accepted. Pure.

What the API has and livedvr does not do is refused by name (UNIMPLEMENTED); the API's own limits are checked here
(reference, section 2), what can be recorded at all by the domain.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Literal, cast

from google.cloud.video.live_stream_v1 import types

from livedvr.api.messages import to_timedelta
from livedvr.api.refusing import at, refuse
from livedvr.resources.errors import InvalidArgument, Unimplemented
from livedvr.resources.layout import Container
from livedvr.resources.models import Channel, Input, Manifest, Output
from livedvr.resources.streams import AudioStream, CeaChannel, ElementaryStream, MuxStream, TextStream, VideoStream

_NOT_DONE = (
    "distribution_streams",
    "distributions",
    "sprite_sheets",
    "log_config",
    "timecode_config",
    "encryptions",
    "static_overlays",
    "auto_transcription_config",
)
_NOT_ENCODED = ("allow_open_gop", "gop_frame_count", "b_pyramid", "b_frame_count", "vbv_fullness_bits", "tune")
_GOP = timedelta(seconds=2)
_CONTAINERS: dict[str, Container] = {"": "fmp4", "fmp4": "fmp4", "ts": "ts"}
LAYOUTS = {1: ["fc"], 2: ["fl", "fr"], 6: ["fl", "fr", "fc", "lfe", "sl", "sr"]}
_MODES = types.InputConfig.InputSwitchMode


def to_domain(message: Any, domain_id: str, output_uri: str, input_of: Callable[[str, str], Input]) -> Channel:
    """The channel to record. ``input_of``: from an input's name and the field that has it to the domain's input.

    Raises INVALID_ARGUMENT or UNIMPLEMENTED naming the field.
    """
    refuse(message, _NOT_DONE, "channel")
    attached = _attachments(message)
    inputs = [input_of(one.input, f"channel.input_attachments[{i}].input") for i, one in enumerate(attached)]
    _check_mappings(message, [one.key for one in attached])
    streams = [_elementary(one, f"channel.elementary_streams[{i}]") for i, one in enumerate(message.elementary_streams)]
    texts = {stream.key for stream in streams if stream.text_stream}
    muxes = [_mux(one, texts, f"channel.mux_streams[{i}]") for i, one in enumerate(message.mux_streams)]
    manifests = [_manifest(one, f"channel.manifests[{i}]") for i, one in enumerate(message.manifests)]
    with at("channel"):
        return Channel(
            channel_id=domain_id,
            input=inputs[0],
            backup_input=inputs[1] if len(inputs) > 1 else None,
            input_switch_mode="MANUAL" if _is_manual(message) and len(inputs) > 1 else "FAILOVER_PREFER_PRIMARY",
            output=Output(uri=output_uri),
            elementary_streams=tuple(streams),
            mux_streams=tuple(muxes),
            manifests=tuple(manifests),
            retention_window=_retention(message),
        )


def with_defaults(message: Any) -> Any:
    """What a client reads: the defaults that count, filled in."""
    stored = type(message)()
    stored.CopyFrom(message)
    for mux in stored.mux_streams:
        mux.container = mux.container or "fmp4"
        if not mux.segment_settings.HasField("segment_duration"):
            mux.segment_settings.segment_duration.seconds = 6
    for stream in stored.elementary_streams:
        video = stream.video_stream
        if video.WhichOneof("codec_settings") is not None:
            _fill_video(getattr(video, video.WhichOneof("codec_settings")))
        audio = stream.audio_stream
        if stream.HasField("audio_stream") and not audio.transmux:
            audio.codec = audio.codec or "aac"
            audio.channel_count = audio.channel_count or 2
            audio.sample_rate_hertz = audio.sample_rate_hertz or 48_000
            if not audio.channel_layout:
                audio.channel_layout.extend(LAYOUTS.get(audio.channel_count, []))
    for manifest in stored.manifests:
        manifest.file_name = manifest.file_name or "manifest.m3u8"
        manifest.max_segment_count = manifest.max_segment_count or 5
        if not manifest.HasField("segment_keep_duration"):
            manifest.segment_keep_duration.seconds = 60
    stored.input_config.input_switch_mode = stored.input_config.input_switch_mode or _MODES.FAILOVER_PREFER_PRIMARY
    return stored


def _fill_video(settings: Any) -> None:
    """H.264 or H.265."""
    if settings.WhichOneof("gop_mode") is None:
        settings.gop_duration.FromTimedelta(_GOP)
    settings.vbv_size_bits = settings.vbv_size_bits or settings.bitrate_bps
    if "profile" in settings.DESCRIPTOR.fields_by_name:
        settings.profile = settings.profile or "main"
        settings.entropy_coder = settings.entropy_coder or ("cavlc" if settings.profile == "baseline" else "cabac")


def attachment_keys(message: Any) -> list[str]:
    """The keys of the primary and of the backup input, as the client calls them."""
    return [one.key for one in _attachments(message)]


def _attachments(message: Any) -> Sequence[Any]:
    """The primary first, then what it fails over to."""
    attached = list(message.input_attachments)
    field = "channel.input_attachments"
    if not attached:
        raise InvalidArgument("a channel needs an input", field=field)
    if len(attached) > 2:
        raise Unimplemented("more than two inputs", field=field, hint="a primary and a backup")
    keys = [one.key for one in attached]
    for i, one in enumerate(attached):
        if not one.key or keys.count(one.key) > 1:
            raise InvalidArgument("each attachment has a key of its own", field=f"{field}[{i}].key")
        for other in one.automatic_failover.input_keys:
            if other not in keys or other == one.key:
                raise InvalidArgument(f"'{other}' is no other attachment", field=f"{field}[{i}].automatic_failover")
    if len(attached) == 2 and attached[1].HasField("automatic_failover"):
        raise Unimplemented("only the first attachment fails over", field=f"{field}[1].automatic_failover")
    return attached


def _check_mappings(message: Any, keys: Sequence[str]) -> None:
    """A mapping is of an input that is attached."""
    for i, stream in enumerate(message.elementary_streams):
        for kind in ("audio_stream", "text_stream"):
            for j, one in enumerate(getattr(stream, kind).mapping_):
                if one.input_key and one.input_key not in keys:
                    raise InvalidArgument(
                        f"'{one.input_key}' is no attachment",
                        field=f"channel.elementary_streams[{i}].{kind}.mapping[{j}].input_key",
                        hint=f"they are {', '.join(keys)}",
                    )


def _is_manual(message: Any) -> bool:
    fails_over = bool(message.input_attachments[0].automatic_failover.input_keys)
    return message.input_config.input_switch_mode == _MODES.MANUAL or not fails_over


def _elementary(message: Any, path: str) -> ElementaryStream:
    kind = message.WhichOneof("elementary_stream")
    if kind is None:
        raise InvalidArgument("a stream is a video, an audio or a text", field=path)
    with at(f"{path}.key"):
        key = ElementaryStream(key=message.key, video_stream=VideoStream()).key
    path = f"{path}.{kind}"
    if kind == "video_stream":
        return ElementaryStream(key=key, video_stream=_video(message.video_stream, path))
    if kind == "audio_stream":
        return ElementaryStream(key=key, audio_stream=_audio(message.audio_stream, path))
    return ElementaryStream(key=key, text_stream=_text(message.text_stream, path))


def _video(message: Any, path: str) -> VideoStream:
    """Without codec settings a video is left as it comes: ours, the API encodes always."""
    codec: Literal["h264", "h265"] | None = message.WhichOneof("codec_settings")
    if codec is None:
        return VideoStream()
    path, settings = f"{path}.{codec}", getattr(message, codec)
    refuse(settings, [name for name in _NOT_ENCODED if name in settings.DESCRIPTOR.fields_by_name], path)
    for field, least, most in (("width_pixels", 320, 4096), ("height_pixels", 180, 2160)):
        value = getattr(settings, field)
        if not least <= value <= most or value % 2:
            raise InvalidArgument(f"{value} is not possible", field=f"{path}.{field}", hint=f"even, {least} to {most}")
    if not 0 < settings.frame_rate <= 60:
        raise InvalidArgument(f"{settings.frame_rate:g} is not possible", field=f"{path}.frame_rate", hint="up to 60")
    if settings.bitrate_bps < 10_000:
        raise InvalidArgument(
            f"{settings.bitrate_bps} is not possible", field=f"{path}.bitrate_bps", hint="10000 at least"
        )
    with at(path):
        return VideoStream(
            codec=codec,
            width_pixels=settings.width_pixels,
            height_pixels=settings.height_pixels,
            frame_rate=settings.frame_rate,
            bitrate_bps=settings.bitrate_bps,
            gop_duration=to_timedelta(settings.gop_duration) if settings.HasField("gop_duration") else _GOP,
            profile=getattr(settings, "profile", None) or None,
            entropy_coder=getattr(settings, "entropy_coder", None) or None,
            vbv_size_bits=settings.vbv_size_bits or None,
            aq_strength=settings.aq_strength or None,
        )


def _audio(message: Any, path: str) -> AudioStream:
    track = _track(message, path)
    if message.transmux:
        return AudioStream(input_track=track)
    if message.codec not in ("", "aac"):
        raise Unimplemented(f"livedvr encodes no '{message.codec}'", field=f"{path}.codec", hint="aac, or transmux")
    if not 1 <= message.bitrate_bps <= 10_000_000:
        raise InvalidArgument(
            f"{message.bitrate_bps} is not possible", field=f"{path}.bitrate_bps", hint="1 to 10000000"
        )
    channels = message.channel_count or 2
    if message.channel_layout and list(message.channel_layout) != LAYOUTS.get(channels):
        raise Unimplemented("another order of channels", field=f"{path}.channel_layout", hint="leave it out")
    with at(path):
        return AudioStream(
            codec="aac",
            input_track=track,
            bitrate_bps=message.bitrate_bps,
            channel_count=channels,
            sample_rate_hertz=message.sample_rate_hertz or 48_000,
        )


def _track(message: Any, path: str) -> int:
    """Which of the input's audio tracks: a mapping that changes nothing else can be done."""
    tracks = {one.input_track for one in message.mapping_}
    plain = all(one.input_channel == one.output_channel and not one.gain_db for one in message.mapping_)
    if len(tracks) > 1 or not plain:
        raise Unimplemented(
            "channels are not mixed", field=f"{path}.mapping", hint="one input track, channel by channel"
        )
    track: int = tracks.pop() if tracks else 0
    return track


def _text(message: Any, path: str) -> TextStream:
    if message.codec != "webvtt":
        raise Unimplemented(f"livedvr writes no '{message.codec}'", field=f"{path}.codec", hint="webvtt")
    refuse(message, ["output_cea_channel"], path)
    mapping = list(message.mapping_)
    if len(mapping) > 1:
        raise Unimplemented("texts are not mixed", field=f"{path}.mapping", hint="one mapping")
    given = mapping[0] if mapping else None
    if given is not None:
        refuse(given, ["from_language_code"], f"{path}.mapping[0]")
    channel = given.input_cea_channel.upper() if given is not None else ""
    with at(path):
        return TextStream(
            input_track=None if channel else given.input_track if given is not None else 0,
            input_cea_channel=cast(CeaChannel, channel) or None,  # it is checked there
            language_code=message.language_code or None,
            display_name=message.display_name or None,
        )


def _mux(message: Any, texts: set[str], path: str) -> MuxStream:
    refuse(message, [name for name in ("encryption_id",) if name in message.DESCRIPTOR.fields_by_name], path)
    if message.container not in _CONTAINERS:
        raise InvalidArgument(f"'{message.container}' is no container", field=f"{path}.container", hint="fmp4 or ts")
    settings = message.segment_settings
    duration = (
        to_timedelta(settings.segment_duration) if settings.HasField("segment_duration") else timedelta(seconds=6)
    )
    if not timedelta(seconds=2) <= duration <= timedelta(seconds=20):
        raise InvalidArgument(
            f"{duration.total_seconds():g} s is not possible",
            field=f"{path}.segment_settings.segment_duration",
            hint="2 s to 20 s",
        )
    is_text = set(message.elementary_streams) <= texts and bool(message.elementary_streams)
    with at(path):
        return MuxStream(
            key=message.key,
            container="vtt" if is_text else _CONTAINERS[message.container],
            elementary_streams=tuple(message.elementary_streams),
            segment_duration=duration,
        )


def _manifest(message: Any, path: str) -> Manifest:
    if message.type_ == types.Manifest.ManifestType.DASH:
        raise Unimplemented("livedvr writes no DASH", field=f"{path}.type", hint="HLS")
    if message.type_ != types.Manifest.ManifestType.HLS:
        raise InvalidArgument("which type?", field=f"{path}.type", hint="HLS")
    refuse(message, ["use_timecode_as_timeline"], path)
    if not message.mux_streams:
        raise InvalidArgument("a manifest names its mux streams", field=f"{path}.mux_streams")
    if message.max_segment_count and message.max_segment_count < 3:
        raise InvalidArgument(
            f"{message.max_segment_count} is not possible", field=f"{path}.max_segment_count", hint="3 at least"
        )
    with at(path):
        return Manifest(
            key=message.key or None,
            file_name=message.file_name or "manifest.m3u8",
            mux_streams=tuple(message.mux_streams),
            max_segment_count=message.max_segment_count or 5,
        )


def _retention(message: Any) -> timedelta:
    """How long segments are kept: `segmentKeepDuration` counts only where no retention is set."""
    if message.HasField("retention_config"):
        return to_timedelta(message.retention_config.retention_window_duration)
    kept = [to_timedelta(m.segment_keep_duration) for m in message.manifests if m.HasField("segment_keep_duration")]
    return max(kept, default=timedelta(seconds=60))
