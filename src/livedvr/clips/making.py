"""Makes one clip, and takes back what has been made of one. What is there already stays as it is (`ObjectStore`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from livedvr.catalog.clip_rows import ClipRow
from livedvr.clips.manifest import Drawn, draw
from livedvr.clips.place import open_place
from livedvr.clips.slices import edges_of
from livedvr.resources.models import Channel
from livedvr.sessions.sweeper import delete_objects
from livedvr.storage.base import ObjectStore
from livedvr.timeline.timeline import ChannelTimeline

COPIED_AT_ONCE = 100  # segments a turn of the worker thread: a clip that is given up ends after one


@dataclass(frozen=True, slots=True)
class Made:
    """What a clip holds: see `Clip`. Microseconds and bytes."""

    edges: list[tuple[int, int]]
    duration: int
    size: int


async def make(row: ClipRow, channel: Channel, known: ChannelTimeline, store: ObjectStore) -> Made:
    """Make the clip, or what is missing of it. Raises why it cannot be made."""
    drawn, edges = draw(channel, row.manifest_key, row.windows, known), edges_of(row.windows, known.timeline)
    await _copy(drawn, store, open_place(row.output_uri))
    return Made(edges, drawn.duration, drawn.size)


async def _copy(drawn: Drawn, source: ObjectStore, target: ObjectStore) -> None:
    """The segments, then the playlists: what is listed can be fetched."""

    def copy(names: Sequence[str]) -> None:
        for name in names:
            target.copy_from(source, name)

    def publish() -> None:
        for name, text in drawn.playlists:
            target.replace(name, text)

    for first in range(0, len(drawn.segments), COPIED_AT_ONCE):
        names = drawn.segments[first : first + COPIED_AT_ONCE]
        await _whole(lambda names=names: copy(names))  # type: ignore[misc]
    await _whole(publish)


async def _whole(work: Callable[[], None]) -> None:
    """Run it in a worker thread; who is cancelled meanwhile waits for its end, so that nothing is written any more."""
    running = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise


def unmake(row: ClipRow, channel: Channel, known: ChannelTimeline) -> None:
    """Blocking. What there is of a clip that cannot be made goes, as far as storage lets it."""
    delete_objects(open_place(row.output_uri), list(draw(channel, row.manifest_key, row.windows, known).names))
