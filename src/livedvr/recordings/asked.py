"""Whether the files that a recording is asked for mean something, and can be made of a channel. Pure."""

from __future__ import annotations

from livedvr.recordings.takes import SOUND_ALONE
from livedvr.resources.errors import InvalidArgument
from livedvr.resources.models import Channel
from livedvr.resources.recording import HlsOptions, RecordingSpec


def is_sound_alone(spec: RecordingSpec) -> bool:
    """Whether there are no pictures in its files."""
    return spec.tracks == "AUDIO" or set(spec.formats) <= SOUND_ALONE


def check_files(spec: RecordingSpec, channel: Channel) -> None:
    """INVALID_ARGUMENT where no file would be as is asked for, or the channel has not got it."""
    for field, is_given, formats in (
        ("tracks", spec.tracks != "AV", frozenset({"MP4", "HLS"})),
        ("maxFileDuration", spec.max_file_duration is not None, SOUND_ALONE | {"MP4"}),
        ("sampleRate", spec.sample_rate is not None, SOUND_ALONE),
        ("mono", spec.mono, SOUND_ALONE),
        ("hls", spec.hls != HlsOptions(), frozenset({"HLS"})),
    ):
        if is_given and not formats & set(spec.formats):
            raise InvalidArgument(
                "it changes nothing in these formats",
                field=field,
                hint=f"leave it out, or add {', '.join(sorted(formats))}",
            )
    has_sound = any(channel.audio_of(mux) for mux in channel.mux_streams)
    has_pictures = any(channel.video_of(mux) for mux in channel.mux_streams)
    if not has_sound and SOUND_ALONE & set(spec.formats):
        raise InvalidArgument("the channel has no sound", field="formats", hint="MP4 or HLS")
    if not has_sound and spec.limits.hears:
        raise InvalidArgument("the channel has no sound to listen to", field="limits")
    tracks = {spec.tracks, spec.hls.tracks}
    if tracks & {"AUDIO", "SEPARATE"} and not has_sound:
        raise InvalidArgument("the channel has no sound", field="tracks", hint="AV or VIDEO")
    if tracks & {"VIDEO", "SEPARATE"} and not has_pictures:
        raise InvalidArgument("the channel has no pictures", field="tracks", hint="AV or AUDIO")
