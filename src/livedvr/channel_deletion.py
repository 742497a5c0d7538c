"""Deletes a channel with everything that is its own (SEMANTICS R3). Each step can be repeated after a crash."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from livedvr.catalog import channel_rows, clip_rows, recording_rows, segment_rows, session_rows
from livedvr.catalog.catalog import Catalog, Owner
from livedvr.resources.errors import FailedPrecondition
from livedvr.resources.layout import run_folder, session_folder
from livedvr.resources.models import Channel
from livedvr.sessions.holding import is_pinned
from livedvr.sessions.live import live_names
from livedvr.storage.base import ObjectStore


def mark_deleting(db: sqlite3.Connection, channel: str, *, force: bool) -> None:
    """Nothing but its deletion is possible with the channel from here on.

    FAILED_PRECONDITION when it has pinned sessions, or any and not ``force``, or clips or recordings
    that are not made yet.
    """
    sessions = session_rows.list_sessions(db, channel)
    if pinned := [row.id for row in sessions if is_pinned(row)]:
        raise FailedPrecondition(
            f"channel '{channel}' has pinned sessions: {', '.join(pinned)}",
            field="channel",
            hint="delete them first, or take the label livedvr-pin off",
        )
    if sessions and not force:
        raise FailedPrecondition(
            f"channel '{channel}' has sessions: {', '.join(row.id for row in sessions)}",
            field="channel",
            hint="delete them first, or with it by --force (force=true)",
        )
    if clips := [row.id for row in clip_rows.unfinished_clips(db, channel)]:
        raise FailedPrecondition(
            f"channel '{channel}' has clips that are still being made: {', '.join(clips)}",
            field="channel",
            hint="wait for them, or delete them first",
        )
    if recordings := [one.recording_id for one in recording_rows.unfinished_recordings(db, channel)]:
        raise FailedPrecondition(
            f"channel '{channel}' has recordings that have not ended: {', '.join(recordings)}",
            field="channel",
            hint="stop and wait for them, or delete them first",
        )
    channel_rows.set_deleting(db, channel)


async def erase_channel(channel: Channel, store: ObjectStore, spool: Path, catalog: Catalog, owner: Owner) -> None:
    """What the channel has stored goes, manifests first (without a grace: it was asked for), then all its rows."""
    channel_id = channel.channel_id
    runs = [row.id for row in catalog.read(lambda db: segment_rows.list_runs(db, channel_id))]
    sessions = [row.id for row in catalog.read(lambda db: session_rows.list_sessions(db, channel_id))]

    def erase() -> None:
        for name in _names(channel, store, sessions, runs):
            store.delete(name)
        for run in runs:
            shutil.rmtree(spool / run, ignore_errors=True)

    await asyncio.to_thread(erase)
    await catalog.write(lambda db: channel_rows.delete_channel(db, channel_id), owner)


def _names(channel: Channel, store: ObjectStore, sessions: list[str], runs: list[str]) -> Iterator[str]:
    yield from live_names(channel)
    for session in sessions:
        # main.m3u8 first: nothing may point at a playlist that is gone.
        yield from sorted(store.list(f"{session_folder(session)}/"), key=lambda name: name.count("/"))
    for run in runs:
        for mux in channel.mux_streams:
            yield from store.list(f"{run_folder(mux.key, run)}/")
