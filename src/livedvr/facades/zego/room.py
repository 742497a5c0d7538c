"""A room as a client names it: a channel, which is its one stream. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from livedvr.facades.zego.errors import invalid
from livedvr.facades.zego.params import MixConfig, StartRecord
from livedvr.facades.zego.supported import MIXED
from livedvr.timeline.segment import RunMedia

_MIX = "RecordInputParams.MixConfig"


def absent_streams(
    asked: StartRecord, names: Mapping[str, str], channel: str, media: RunMedia | None
) -> tuple[str, ...]:
    """The streams that are asked for and are not the room's, or why nothing of it could be recorded as it is asked for.

    ``names``: of channels, as the facade's section has them; ``media``: what the channel has brought last.
    """
    given = asked.record_input_params
    if given.record_mode == MIXED:
        assert given.mix_config is not None  # `supported.check` has seen it
        _check_mix(given.mix_config, names, channel, media)
        return ()
    wanted = [one.stream_id for one in given.record_stream_list]
    absent = tuple(one for one in wanted if names.get(one, one) != channel)
    if wanted and len(absent) == len(wanted):
        raise invalid("RecordInputParams.RecordStreamList", f"the room has one stream, '{channel}'")
    return absent


def _check_mix(mix: MixConfig, names: Mapping[str, str], channel: str, media: RunMedia | None) -> None:
    """The canvas is the stream's picture: nothing is scaled, and no picture is left out."""
    large, video = mix.mix_max_resolution_stream_id, mix.mix_output_video_config
    if large and names.get(large, large) != channel:
        raise invalid(f"{_MIX}.MixMaxResolutionStreamId", f"the room has one stream, '{channel}'")
    if video is None or media is None:
        return
    if media.resolution is not None and media.resolution != (video.width, video.height):
        shown = " x ".join(map(str, media.resolution))
        raise invalid(f"{_MIX}.MixOutputVideoConfig", f"the stream has {shown} pixels, and is recorded as it comes")
    if media.frame_rate is not None and round(media.frame_rate) != video.fps:
        rate = round(media.frame_rate)
        raise invalid(f"{_MIX}.MixOutputVideoConfig.Fps", f"the stream has {rate}, and is recorded as it comes")
