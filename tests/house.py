"""A channel's sessions as a controller runs them, for tests: `House`, with a `Store` that remembers and can refuse."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from builders import MEDIA, T0, FakeClock, at, channel, commit
from livedvr.catalog import channel_rows, segment_rows, session_rows
from livedvr.catalog.catalog import Catalog, Owner
from livedvr.catalog.session_rows import SessionRow
from livedvr.resources.errors import StorageError
from livedvr.resources.models import DvrSession, TimeInterval, to_datetime
from livedvr.sessions.held_channel import HeldChannel
from livedvr.sessions.manager import SessionManager
from livedvr.sessions.plan import Facts
from livedvr.timeline.clock import RunClock, Sample
from livedvr.timeline.segment import Segment
from livedvr.timeline.timeline import ChannelTimeline, Timeline

MAIN, PLAYLIST = "dvr/match/main.m3u8", "dvr/match/av/index-1.m3u8"
HEAD = (
    "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:0\n"
    "#EXT-X-DISCONTINUITY-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:EVENT\n"
)


class Store:
    """An object store in memory that remembers each version, and can be told to refuse or to dawdle."""

    pause: int = 0
    threads = None

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.written: list[tuple[str, bytes]] = []
        self.refuses: Callable[[str], bool] = lambda _: False
        self.passing = False
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.is_asked = threading.Event()

    def _ask(self, name: str) -> None:
        self.is_asked.set()
        self.may_go_on.wait(10)
        if self.refuses(name):
            raise StorageError("permission denied", field=name, passing=self.passing)

    def put_new(self, name: str, source: Path) -> None:
        self._ask(name)
        self.objects[name] = source.read_bytes()

    def replace(self, name: str, data: bytes) -> None:
        self._ask(name)
        self.objects[name] = data
        self.written.append((name, data))

    def list(self, prefix: str) -> Iterator[str]:
        self._ask(prefix)
        return iter([name for name in sorted(self.objects) if name.startswith(prefix)])

    def delete(self, name: str) -> None:
        self._ask(name)
        self.objects.pop(name, None)

    def uri(self, name: str) -> str:
        return f"memory:///{name}"

    def text(self, name: str) -> str:
        return self.objects[name].decode()

    def versions(self, name: str) -> list[bytes]:
        return [data for written, data in self.written if written == name]


class House:
    """A channel's sessions as a controller runs them: the catalog is real, timeline and facts are hand-fed."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.store = Store()
        self.catalog = Catalog(folder / "catalog.sqlite3")
        self.channel = channel(str(folder))
        self.facts = Facts(T0)
        self.fixed_frontier = False

    async def open(self, patch_first: tuple[str, list[TimeInterval]] | None = None) -> House:
        """A controller takes the channel: everything it knows is what the catalog has.

        ``patch_first``: somebody's patch comes before the manager has looked at anything.
        """
        await self.catalog.write(lambda db: channel_rows.put_channel(db, self.channel))
        self.owner = Owner("live", await self.catalog.write(lambda db: channel_rows.raise_owner_epoch(db, "live")))
        stored = self.catalog.read(lambda db: channel_rows.get_channel(db, "live"))
        assert stored is not None
        self.known = ChannelTimeline(Timeline(["av"]), stored.target)
        for run in self.catalog.read(lambda db: segment_rows.list_runs(db, "live")):
            if run.media:
                self.known.media[run.id] = dict(run.media)
            if run.end_reason:
                self.known.run_ends[run.id] = run.end_reason
        for one in self.catalog.read(lambda db: segment_rows.list_segments(db, "live", "av")):
            self.known.timeline.append("av", one)
        held = HeldChannel(self.channel, self.known, self.store, self.catalog, self.owner, self.clock)
        self.manager = SessionManager(held, lambda _: self.facts)  # type: ignore[arg-type]
        if patch_first is not None:
            await self.manager.update(patch_first[0], intervals=patch_first[1])
        self.task = asyncio.create_task(self.manager.run())
        await self.rest()
        return self

    async def die(self) -> None:
        """The controller is killed, whatever it was doing."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def rest(self) -> None:
        """Until the manager has done all it has to do."""
        asleep = asyncio.create_task(self.clock.asleep())
        await asyncio.wait({asleep, self.task}, return_when=asyncio.FIRST_COMPLETED)
        if self.task.done():
            asleep.cancel()
            self.task.result()  # raises what ended it

    async def tell(self, **facts: object) -> None:
        """Something has happened at the channel."""
        self.facts = replace(self.facts, **facts)  # type: ignore[arg-type]
        self.manager.wake()
        await self.rest()

    async def commit(self, *segments: Segment) -> None:
        """The intake has committed segments; the sessions do not know yet."""
        for one in segments:
            if one.run not in self.known.media:
                await self.catalog.write(lambda db, run=one.run: segment_rows.add_run(db, run, "live", T0))
                self.known.media[one.run] = {"av": MEDIA}
            if self.known.target is None:
                await self.catalog.write(lambda db: channel_rows.set_target(db, "live", 2))
                self.known.target = 2
            clock = RunClock((Sample(one.media_end, one.end),)).anchored()
            await self.catalog.write(
                lambda db, one=one, clock=clock: commit(db, [one], clock),
                self.owner,
            )
            self.known.timeline.append("av", one)

    async def feed(self, *segments: Segment) -> None:
        """The intake has committed segments and has woken the sessions."""
        await self.commit(*segments)
        self.clock.advance(max(0, segments[-1].end - self.clock.now()))
        await self.tell(frontier=segments[-1].end)

    async def create(
        self, start: float | None, end: float | None, *more: tuple[float, float | None], name: str = "match"
    ) -> DvrSession:
        created = await self.manager.create(name, intervals((start, end), *more), None, {})
        await self.rest()
        return created

    async def patch(self, *windows: tuple[float | None, float | None], name: str = "match") -> DvrSession:
        """As it stands right after the patch was accepted; then until all is done that it asks for."""
        patched = await self.manager.update(name, intervals=intervals(*windows))
        await self.rest()
        return patched

    def state(self, name: str = "match") -> str:
        return self.manager.get(name).state

    async def reaches(self, state: str) -> None:
        """Until the session is in this state."""
        async with aclosing(self.manager.watch("match")) as changes:
            async for session in changes:
                if session.state == state:
                    return

    def row(self, **changes: object) -> SessionRow:
        """The session's row as stored, with changes."""
        stored = self.catalog.read(lambda db: session_rows.get_session(db, "live", "match"))
        return replace(stored, **changes)  # type: ignore[arg-type]

    async def set_state(self, state: str) -> None:
        """The catalog says so, as a controller that died then has left it."""
        row = self.row(state=state)
        await self.catalog.write(lambda db: session_rows.put_session(db, row))

    def row_state(self, name: str = "match") -> str:
        return self.catalog.read(lambda db: session_rows.get_session(db, "live", name)).state


def intervals(*windows: tuple[float | None, float | None]) -> list[TimeInterval]:
    """Windows in seconds after T0."""

    def moment(seconds: float | None) -> datetime | None:
        return None if seconds is None else to_datetime(at(seconds))

    return [TimeInterval(start_time=moment(start), end_time=moment(end)) for start, end in windows]


def playlist_name(edition: int, name: str = "match") -> str:
    return f"dvr/{name}/av/index-{edition}.m3u8"


def lines_of(segments: Sequence[Segment]) -> str:
    return "".join(f"#EXTINF:2.000000,\n../../../av/{one.run}/segment-{one.index:06d}.m4s\n" for one in segments)


def expected(*segments: Segment, date: str = "02:00:00", ended: bool = False) -> str:
    """A playlist of one epoch of 2 s segments."""
    return (
        f'{HEAD}#EXT-X-MAP:URI="../../../av/{segments[0].run}/init.mp4"\n'
        f"#EXT-X-PROGRAM-DATE-TIME:2026-11-21T{date}.000Z\n{lines_of(segments)}" + ("#EXT-X-ENDLIST\n" if ended else "")
    )
