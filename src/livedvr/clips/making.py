"""Makes one clip, and takes back what has been made of one. What is there already stays as it is (`ObjectStore`)."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Any

from livedvr.catalog.clip_rows import ClipRow
from livedvr.clips.manifest import draw
from livedvr.clips.mp4 import Mp4Maker, files_of
from livedvr.clips.pieces import plan_pieces
from livedvr.clips.place import forget_left, open_place, work_folder
from livedvr.clips.slices import edges_of
from livedvr.resources.errors import NotFound, StorageError
from livedvr.resources.models import Channel
from livedvr.sessions.sweeper import delete_objects
from livedvr.storage.base import ObjectStore, ask, ask_for_each, fetch_all
from livedvr.storage.open_store import place_of
from livedvr.timeline.timeline import ChannelTimeline

KEPT = "kept"  # the folder with the segments of a channel in a bucket


async def make(
    row: ClipRow, channel: Channel, known: ChannelTimeline, store: ObjectStore, private: Path
) -> dict[str, Any]:
    """Make the clip, or what is missing of it; what it holds, as the catalog keeps it. Raises why it cannot be made.

    ``private``: a folder of this machine, for what is on its way into a bucket.
    """
    with contextlib.ExitStack() as opened:
        target = await asyncio.to_thread(lambda: opened.enter_context(open_place(row.output_uri, channel)))
        if row.output_type == "MP4":
            made = await _make_mp4(row, channel, known, (store, target), private)
        else:
            made = await _make_manifest(row, channel, known, (store, target))
    return {"edges": edges_of(row.windows, known.timeline, exact=row.exact), **made}


async def _make_mp4(
    row: ClipRow, channel: Channel, known: ChannelTimeline, stores: tuple[ObjectStore, ObjectStore], private: Path
) -> dict[str, Any]:
    source, target = stores
    pieces = plan_pieces(channel, row.manifest_key, row.windows, known, exact=row.exact)
    await ask(target, target.delete, row.file_name)  # it was free when the clip was accepted: a controller died then
    beside, name = place_of(row.output_uri).root or private, f"{row.channel}.{row.id}"
    await asyncio.to_thread(forget_left, beside, name)
    with work_folder(beside, name) as folder:
        root = place_of(channel.output.uri).root
        if root is None:
            root = await fetch_all(source, files_of(channel, pieces), folder / KEPT)
        made = await Mp4Maker(channel, root, folder, lambda _: None).make(pieces)
        size = made.path.stat().st_size
        await ask_for_each(target, lambda name: target.put_new(name, made.path), [row.file_name])
    return {"duration": made.duration, "size": size, "encoded": made.encoded}


async def _make_manifest(
    row: ClipRow, channel: Channel, known: ChannelTimeline, stores: tuple[ObjectStore, ObjectStore]
) -> dict[str, Any]:
    """The segments, then the playlists, one after another: what is listed can be fetched."""
    source, target = stores
    drawn = draw(channel, row.manifest_key, row.windows, known)
    if not drawn.segments:  # of the manifest's renditions; the reference need not be one
        raise NotFound("no media in the slices", field="manifestKey")
    asked = target if target.threads else source
    await ask_for_each(asked, lambda name: target.copy_from(source, name), drawn.segments)
    for name, text in drawn.playlists:
        await ask_for_each(target, lambda name, text=text: target.replace(name, text), [name])  # type: ignore[misc]
    return {"duration": drawn.duration, "size": drawn.size, "encoded": "NOTHING"}


def unmake(row: ClipRow, channel: Channel, known: ChannelTimeline) -> None:
    """Blocking. What there is of a clip that cannot be made goes, as far as storage lets it."""
    names = [row.file_name]
    if row.output_type == "MANIFEST":
        names = list(draw(channel, row.manifest_key, row.windows, known).names)
    with contextlib.suppress(StorageError), open_place(row.output_uri, channel) as target:
        delete_objects(target, names)
