"""Clips."""

from __future__ import annotations

from typing import Any

from livedvr.api.call import Call
from livedvr.api.desk import Desk
from livedvr.resources.errors import Unimplemented


class Clips:
    """The collection ``clips`` of a channel."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def create_clip(self, call: Call) -> Any:
        """Not yet."""
        raise Unimplemented("clips are not made yet", field="clip")

    get_clip = list_clips = delete_clip = create_clip
