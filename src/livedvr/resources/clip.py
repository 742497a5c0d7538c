"""A clip: content of a channel that is copied out of it, and outlives it. Frozen, camelCase on the wire.

Field names are those of the Live Stream API v1 where it has the thing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Literal

from pydantic import AwareDatetime, Field

from livedvr.resources.base import Resource
from livedvr.resources.models import TimeInterval

Encoded = Literal["NOTHING", "EDGES", "ALL"]
OutputType = Literal["MANIFEST", "MP4"]


class TimeSlice(Resource):
    """What a clip is cut of: [markin, markout) of the stream's time (W2), both in the past."""

    markin_time: AwareDatetime
    markout_time: AwareDatetime


class Clip(Resource):
    """A clip as it stands: what was asked for, its state, and what has been made.

    ``manifest_uri``: what is played, the multivariant playlist or the .mp4; it is there once the state is SUCCEEDED.
    ``start_time``: when the making began. ``edges``: what is really covered, of each slice
    that has media: whole segments (W5), with ``exact`` whole frames. ``duration`` counts media, without gaps.
    ``encoded``: what of the pictures could not stay as it was (``exact``).
    """

    clip_id: str
    channel_id: str
    output_uri: str
    manifest_key: str
    manifest_uri: str
    output_type: OutputType
    exact: bool = False
    slices: tuple[TimeSlice, ...]
    state: str
    error: str | None = None
    create_time: AwareDatetime
    update_time: AwareDatetime
    start_time: AwareDatetime | None = None
    edges: tuple[TimeInterval, ...] = ()
    duration: timedelta = timedelta()
    size_bytes: int = 0
    encoded: Encoded | None = None
    labels: Mapping[str, str] = Field(default_factory=dict)
