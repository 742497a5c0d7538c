"""A run's row and its folder: both are there before ffmpeg is, and go when everything of it is read."""

from __future__ import annotations

import asyncio

from livedvr.catalog import segment_rows
from livedvr.catalog.segment_rows import RunRow
from livedvr.ingest.channel_ingest import ChannelIngest
from livedvr.ingest.command import Cut, build_argv
from livedvr.ingest.door import admit
from livedvr.ingest.open_run import OpenRun, open_run
from livedvr.ingest.run import Run, new_run_id
from livedvr.ingest.source import Source
from livedvr.resources.errors import StorageError
from livedvr.resources.models import InputKey
from livedvr.timeline.clock import RunClock


async def start_run(shared: ChannelIngest, key: InputKey, source: Source, cut: Cut, now: int) -> OpenRun:
    """Start ffmpeg on a source. StorageError: the folder or the process cannot be made."""
    run = Run(shared.spool / new_run_id(now), [mux.key for mux in cut.muxes])
    channel, settings = shared.channel.channel_id, shared.around.settings
    await shared.around.catalog.write(lambda db: segment_rows.add_run(db, run.id, channel, now, key), shared.owner)
    argv = build_argv(str(shared.ffmpeg.path), source, cut)
    try:
        await asyncio.to_thread(
            run.start, argv, lease_seconds=settings.lease_seconds, reserve_bytes=settings.reserve_bytes
        )
    except OSError as error:
        raise StorageError(f"cannot start a run: {error.strerror}", field=str(run.folder)) from error
    if source.stream_key is None:
        admit(run)
    return open_run(run, shared.channel, shared.known.timeline)


def adopt_run(shared: ChannelIngest, row: RunRow) -> OpenRun:
    """A run that an earlier controller left, as far as that one had come."""
    run = Run.left(shared.spool / row.id, shared.known.timeline.renditions())
    adopted = open_run(run, shared.channel, shared.known.timeline, row.cues)
    adopted.clock, adopted.media = row.clock or RunClock(), dict(row.media)
    return adopted


async def end_run(shared: ChannelIngest, run: Run, reason: str) -> None:
    """Nothing more is wanted of a run that has ended."""
    # The folder first: what a controller leaves that dies in between belongs to an open run, and the next one
    # takes that up. A folder whose run is closed would stay for ever.
    await asyncio.to_thread(run.remove)
    now = shared.around.clock.now()
    await shared.around.catalog.write(lambda db: segment_rows.end_run(db, run.id, now, reason), shared.owner)
