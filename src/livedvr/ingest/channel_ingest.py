"""What the feeds of a channel share, and what a channel can be doing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from livedvr.catalog.catalog import Owner
from livedvr.ingest.ffmpeg import Ffmpeg
from livedvr.ingest.intake import Intake
from livedvr.ingest.surroundings import Surroundings
from livedvr.resources.models import Channel
from livedvr.timeline.timeline import ChannelTimeline


class StreamingState(StrEnum):
    """The Live Stream API's states of a channel."""

    STARTING = "STARTING"
    AWAITING_INPUT = "AWAITING_INPUT"
    STREAMING = "STREAMING"
    STREAMING_NO_INPUT = "STREAMING_NO_INPUT"
    STREAMING_ERROR = "STREAMING_ERROR"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"


@dataclass(frozen=True, slots=True)
class ChannelIngest:
    """What the feeds of a channel share. ``on_change`` is called whenever something has changed.

    ``mirror``: below which URL HLS sources are read, see `livedvr.hls.mirror`; None: where they are.
    """

    channel: Channel
    known: ChannelTimeline
    intake: Intake
    spool: Path
    ffmpeg: Ffmpeg
    owner: Owner
    around: Surroundings
    on_change: Callable[[], None]
    mirror: str | None = None
