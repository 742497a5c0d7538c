"""Looks at all channels for the page: those at work here, and, as far as it is stored, those of other controllers."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from livedvr.app import LiveDvr
from livedvr.catalog import api_rows, channel_rows, segment_rows
from livedvr.catalog.channel_rows import ChannelRow
from livedvr.channel_runtime import ChannelRuntime
from livedvr.console.state import State, channel_state, health_state
from livedvr.resources.errors import LiveDvrError
from livedvr.resources.times import SECOND
from livedvr.sessions.stored import stored_sessions
from livedvr.storage.open_store import place_of
from livedvr.wallclock import WallClock

AGAIN = 10 * SECOND  # until a channel that could not be taken is tried again


class Look:
    """The state of everything. ``root``: the server's output, see `Outputs`."""

    def __init__(self, dvr: LiveDvr, root: str, clock: WallClock) -> None:
        self._dvr = dvr
        self._root = root
        self._clock = clock
        self._stored: dict[str, tuple[int, State]] = {}  # of channels that are not ours: since when it is known

    async def __call__(self) -> State:
        """All channels by id."""
        rows = self._dvr.catalog.read(channel_rows.list_channels)
        named = self._dvr.catalog.read(lambda db: api_rows.list_everywhere(db, "channels"))
        names = {row.domain: row.name for row in named if row.domain is not None}
        return {"channels": {row.channel.channel_id: await self._channel(row, names) for row in rows}}

    async def _channel(self, row: ChannelRow, names: dict[str, str]) -> State:
        channel = row.channel.channel_id
        since, stored = self._stored.get(channel, (0, {}))
        if stored and self._clock.now() - since < AGAIN:
            return stored
        try:
            runtime = await self._dvr.runtime(channel)
        except LiveDvrError as error:  # another controller has it, or its output is away
            stored = self._of_catalog(row) | {"state": "UNKNOWN", "error": str(error)}
            self._stored[channel] = (self._clock.now(), stored)
            return stored
        self._stored.pop(channel, None)
        return self._at_work(runtime, names.get(channel))

    def _at_work(self, runtime: ChannelRuntime, name: str | None) -> State:
        channel, known = runtime.channel, runtime.known
        state = channel_state(
            channel, known, runtime.sessions.list(), name=name, media=self.media_path(channel.output.uri)
        )
        state["state"] = runtime.state.value
        if runtime.error is not None:
            state["error"] = str(runtime.error)
        state["health"] = health_state(runtime.figures(), runtime.came(runtime.active_input), known.timeline)
        return state

    def _of_catalog(self, row: ChannelRow) -> State:
        place = place_of(row.channel.output.uri)
        known = self._dvr.catalog.read(lambda db: segment_rows.load_timeline(db, row))
        sessions = self._dvr.catalog.read(lambda db: stored_sessions(db, row, place.object_uri))
        return channel_state(row.channel, known, sessions, name=None, media=self.media_path(place.uri))

    def media_path(self, output: str) -> str | None:
        """The path below which an output is served; None: it does not lie below the server's."""
        if self._root.startswith("gs://"):
            below = output.removeprefix(self._root.rstrip("/") if self._root != "gs://" else "gs:/")
            return f"/media{quote(below)}" if below != output else None
        here, root = place_of(output).root, Path(self._root).resolve()
        if here is None or not here.resolve().is_relative_to(root):
            return None
        below = here.resolve().relative_to(root).as_posix()
        return "/media" if below == "." else f"/media/{quote(below)}"
