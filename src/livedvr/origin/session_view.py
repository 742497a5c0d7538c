"""``/live/{channel}/dvr/{session}/main.m3u8``: a stored session's playlists with delta updates and blocking reload.

They are drawn from the session's row as the stored ones are (S16: whoever draws them, the lines are the same), and have
one line more; so they have an address of their own, where each load is a prefix of every later one, too (P1, O6).
"""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp

from livedvr.app import LiveDvr
from livedvr.catalog.session_rows import SessionRow, get_session
from livedvr.channel_runtime import ChannelRuntime
from livedvr.origin.answers import METHODS, Text, answering, text_answer
from livedvr.origin.asked import read_directives
from livedvr.origin.drawing import Drawn
from livedvr.origin.media import Media
from livedvr.origin.recent import Recent
from livedvr.origin.versions import Version
from livedvr.origin.waiting import Waiting
from livedvr.resources.errors import NotFound
from livedvr.resources.layout import cache_control
from livedvr.storage.open_store import place_of

KEPT = 64 << 20  # bytes of sessions that are drawn further instead of anew
_TO_ROOT = "../../../../../"  # from /live/{channel}/dvr/{session}/{mux}/


class SessionView:
    """The sessions of a `LiveDvr` below ``/live``."""

    def __init__(self, dvr: LiveDvr, media: Media, waiting: Waiting) -> None:
        self._dvr = dvr
        self._media = media
        self._waiting = waiting
        self._drawn: Recent[tuple[object, ...], Drawn] = Recent(KEPT)

    def routes(self) -> list[Route]:
        """For `rest_app`."""
        at = "/live/{channel}/dvr/{session}"
        return [
            Route(f"{at}/{{file}}", answering(self._main), methods=METHODS, name="Session"),
            Route(
                f"{at}/{{mux}}/index-{{edition:int}}.m3u8", answering(self._list), methods=METHODS, name="SessionList"
            ),
        ]

    async def _main(self, http: Request) -> ASGIApp:
        runtime = await self._runtime(http)
        row = self._row(http, runtime)
        if http.path_params["file"] != runtime.channel.manifest(row.manifest_key).file_name:
            raise NotFound(f"there is no '{http.url.path}'")
        text = (await self._draw(runtime, row)).main(runtime.known)
        return await text_answer(http, Text(text), cache_control(".m3u8", sealed=False))

    async def _list(self, http: Request) -> ASGIApp:
        runtime, directives = await self._runtime(http), read_directives(http.query_params.multi_items())

        async def look() -> tuple[Version, int | None]:
            row = self._row(http, runtime)  # what it is by now
            if row.edition != http.path_params["edition"]:
                raise NotFound(f"the session is at edition {row.edition}", field="edition", hint="load main.m3u8 again")
            return (await self._draw(runtime, row)).version(http.path_params["mux"]), None

        target = self._row(http, runtime).target or runtime.known.target or 0
        version = await self._waiting.version(look, directives.msn, runtime, target)
        return await version.answer(http, skip=directives.skip)

    async def _draw(self, runtime: ChannelRuntime, row: SessionRow) -> Drawn:
        """Made anew when the row says something else than it was drawn from: the lines stay (S8)."""
        ended = row.summary is not None  # what it holds is stored before its ENDLIST is published (P2)
        key = (runtime, row.id, row.edition, row.edition_windows, ended)
        up = self._media.way_to(place_of(runtime.channel.output.uri), _TO_ROOT)
        drawn = self._drawn.get(key) or Drawn(runtime.channel, row, up)
        self._drawn.put(key, drawn, drawn.size)  # before it is drawn: who asks meanwhile draws the same one
        while not drawn.grow(runtime.known, over=ended):  # noqa: ASYNC110 - as in `Live`
            await asyncio.sleep(0)
        return drawn

    async def _runtime(self, http: Request) -> ChannelRuntime:
        return await self._dvr.runtime(http.path_params["channel"])

    def _row(self, http: Request, runtime: ChannelRuntime) -> SessionRow:
        channel, session = runtime.channel.channel_id, http.path_params["session"]
        return self._dvr.catalog.read(lambda db: get_session(db, channel, session))
