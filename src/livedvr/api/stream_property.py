"""What an input brings, as the API says it (``inputStreamProperty``)."""

from __future__ import annotations

from typing import Any

from livedvr.api.channel_mapping import LAYOUTS
from livedvr.api.messages import set_time
from livedvr.resources.figures import InputStreams
from livedvr.resources.models import to_micros


def fill_streams(target: Any, streams: InputStreams) -> None:
    """Fill an InputStreamProperty; an input that has brought nothing has none."""
    if streams.established is not None:
        set_time(target.last_establish_time, to_micros(streams.established))
    for stream in streams.streams:
        if (video := stream.video) is not None:
            shown = target.video_streams.add(index=stream.index).video_format
            shown.codec = video.codec
            shown.width_pixels, shown.height_pixels = video.width_pixels or 0, video.height_pixels or 0
            shown.frame_rate = video.frame_rate or 0
        if (audio := stream.audio) is not None:
            heard = target.audio_streams.add(index=stream.index).audio_format
            heard.codec, heard.channel_count = audio.codec, audio.channel_count or 0
            heard.channel_layout.extend(LAYOUTS.get(heard.channel_count, []))
