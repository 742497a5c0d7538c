"""Makes one clip, and takes back what has been made of one. What is there already stays as it is (`ObjectStore`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from livedvr.catalog.clip_rows import ClipRow
from livedvr.clips.manifest import Drawn, draw
from livedvr.clips.mp4 import Mp4Maker
from livedvr.clips.pieces import plan_pieces
from livedvr.clips.place import forget_left, local_root, open_place, work_folder
from livedvr.clips.slices import edges_of
from livedvr.resources.errors import NotFound
from livedvr.resources.models import Channel
from livedvr.sessions.sweeper import delete_objects
from livedvr.storage.base import ObjectStore
from livedvr.timeline.timeline import ChannelTimeline

COPIED_AT_ONCE = 100  # segments a turn of the worker thread: a clip that is given up ends after one


async def make(row: ClipRow, channel: Channel, known: ChannelTimeline, store: ObjectStore) -> dict[str, Any]:
    """Make the clip, or what is missing of it; what it holds, as the catalog keeps it. Raises why it cannot be made."""
    edges = edges_of(row.windows, known.timeline, exact=row.exact)
    target = open_place(row.output_uri)
    if row.output_type == "MP4":
        pieces = plan_pieces(channel, row.manifest_key, row.windows, known, exact=row.exact)
        target.delete(row.file_name)  # it was free when the clip was accepted: a controller died right behind it
        root, name = local_root(row.output_uri), f"{row.channel}.{row.id}"
        await asyncio.to_thread(forget_left, root, name)
        with work_folder(root, name) as folder:
            made = await Mp4Maker(channel, local_root(channel.output.uri), folder, lambda _: None).make(pieces)
            await _whole(lambda: target.put_new(row.file_name, made.path))
        size = target.size(row.file_name)
        return {"edges": edges, "duration": made.duration, "size": size, "encoded": made.encoded}
    drawn = draw(channel, row.manifest_key, row.windows, known)
    if not drawn.segments:  # of the manifest's renditions; the reference need not be one
        raise NotFound("no media in the slices", field="manifestKey")
    await _copy(drawn, store, target)
    return {"edges": edges, "duration": drawn.duration, "size": drawn.size, "encoded": "NOTHING"}


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
    names = [row.file_name]
    if row.output_type == "MANIFEST":
        names = list(draw(channel, row.manifest_key, row.windows, known).names)
    delete_objects(open_place(row.output_uri), names)
