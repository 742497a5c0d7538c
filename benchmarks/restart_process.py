"""``python -m benchmarks.restart_process FOLDER make HOURS`` or ``... take``: a controller that comes back.

``make`` leaves what a controller that died has left: four renditions, a LIVE session of all of it, one of the last ten
minutes. ``take`` is a process that takes up the channel, gets one segment more and publishes: JSON on its stdout, all
counted from when the imports are done.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from functools import partial
from pathlib import Path

from builders import MEDIA, RUN, T0, FakeClock, channel, segment
from livedvr import Manifest, MuxStream, TimeInterval
from livedvr.catalog import channel_rows, segment_rows
from livedvr.catalog.catalog import Catalog, Owner
from livedvr.resources.layout import media_playlist_name
from livedvr.resources.models import to_datetime
from livedvr.resources.times import HOUR, MINUTE, SECOND
from livedvr.sessions.held_channel import HeldChannel
from livedvr.sessions.manager import SessionManager
from livedvr.sessions.plan import Facts
from livedvr.storage.local import LocalStore
from livedvr.timeline.clock import RunClock

MUXES = ("v1", "v2", "v3", "v4")
SESSIONS = ("newest", "whole")
CHANNEL = channel(
    mux_streams=tuple(MuxStream(key=key, elementary_streams=("video",)) for key in MUXES),
    manifests=(Manifest(key="main", mux_streams=MUXES),),
)


async def make(folder: Path, hours: float) -> None:
    """The catalog, with two sessions over ``hours`` of 2 s segments, and their playlists."""
    (folder / "output").mkdir()
    catalog = Catalog(folder / "catalog.sqlite3")
    await catalog.write(lambda db: channel_rows.put_channel(db, CHANNEL))
    await catalog.write(lambda db: channel_rows.set_target(db, "live", 2))
    await catalog.write(lambda db: segment_rows.add_run(db, RUN, "live", T0))
    count = round(hours * HOUR) // (2 * SECOND)
    segments = {mux: [segment(number) for number in range(count)] for mux in MUXES}
    media = dict.fromkeys(MUXES, MEDIA)
    await catalog.write(lambda db: segment_rows.commit_segments(db, "live", RUN, segments, RunClock(), media))
    manager, _ = await _manager(folder, catalog)
    end = T0 + count * 2 * SECOND
    for name, start in zip(SESSIONS, (end - 10 * MINUTE, T0), strict=True):
        window = TimeInterval(start_time=to_datetime(start), end_time=to_datetime(end + HOUR))
        await manager.create(name, [window], None, {})
    await _publish(folder, manager, count)
    catalog.close()


async def take(folder: Path) -> None:
    """Take it up; print after how many seconds each session was published again, and megabytes of the index."""
    gc.collect()
    began, before = time.time(), _resident()
    catalog = Catalog(folder / "catalog.sqlite3")
    manager, held = await _manager(folder, catalog)
    loaded, size = time.time() - began, (_resident() - before) / 1e6
    number = len(held.known.timeline.segments(MUXES[0]))
    for mux in MUXES:
        held.known.timeline.append(mux, segment(number))
    published = {name: at - began for name, at in (await _publish(folder, manager, number + 1)).items()}
    print(json.dumps({"loaded": loaded, "megabytes": size, "segments": number, **published}))
    catalog.close()


async def _manager(folder: Path, catalog: Catalog) -> tuple[SessionManager, HeldChannel]:
    owner = Owner("live", await catalog.write(lambda db: channel_rows.raise_owner_epoch(db, "live")))
    row = catalog.read(lambda db: channel_rows.get_channel(db, "live"))
    assert row is not None
    known = catalog.read(lambda db: segment_rows.load_timeline(db, row))
    last = known.timeline.last(MUXES[0])
    assert last is not None
    held = HeldChannel(CHANNEL, known, LocalStore(folder / "output"), catalog, owner, FakeClock(last.end))
    return SessionManager(held, lambda _: Facts(last.end)), held


async def _publish(folder: Path, manager: SessionManager, count: int) -> dict[str, float]:
    """At which second of the wall clock the last playlist of each session had so many segments."""
    store, newest = LocalStore(folder / "output"), b"segment-%06d.m4s\n" % (count - 1)
    playlists = {name: [media_playlist_name(name, mux, 1) for mux in MUXES] for name in SESSIONS}
    running = asyncio.create_task(manager.run())
    for name in (name for names in playlists.values() for name in names):
        while not (store.size(name) and store.get(name).endswith(newest)):  # noqa: ASYNC110 - as a player looks
            await asyncio.sleep(0.01)
    async with manager.nothing_is_written():
        running.cancel()
    return {key: max(map(partial(_written, store), names)) for key, names in playlists.items()}


def _written(store: LocalStore, name: str) -> float:
    return Path(store.uri(name)).stat().st_mtime


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    where, what, *more = sys.argv[1:]
    asyncio.run(make(Path(where), float(more[0])) if what == "make" else take(Path(where)))
