"""``/live/{channel}/main.m3u8``: windows of a channel's timeline, and its live end, without a session.

Nothing is written and nothing is kept but what was drawn last. Media playlists offer delta updates and blocking reload;
who waits is woken by what wakes sessions (`ChannelRuntime.changed`).
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp

from livedvr.app import LiveDvr
from livedvr.channel_runtime import ChannelRuntime
from livedvr.origin.answers import METHODS, Text, answering, text_answer
from livedvr.origin.asked import Asked, read_asked, read_directives
from livedvr.origin.drawing import DelayedLists, DrawnWindow, begins_with, wanted_manifest
from livedvr.origin.media import Media
from livedvr.origin.recent import Recent
from livedvr.origin.versions import Version
from livedvr.origin.waiting import Waiting
from livedvr.resources.errors import NotFound
from livedvr.resources.layout import cache_control
from livedvr.resources.models import Channel, Manifest
from livedvr.storage.open_store import place_of
from livedvr.wallclock import WallClock

KEPT_WINDOWS = 64 << 20  # bytes of windows that are drawn further instead of anew
LISTS = "index-1.m3u8"
_TO_ROOT = "../../../"  # from /live/{channel}/{mux}/


class Live:
    """The channels of a `LiveDvr` below ``/live``."""

    def __init__(self, dvr: LiveDvr, media: Media, waiting: Waiting, clock: WallClock) -> None:
        self._dvr = dvr
        self._media = media
        self._clock = clock
        self._windows: Recent[tuple[object, ...], DrawnWindow] = Recent(KEPT_WINDOWS)
        self._lists: Recent[tuple[object, ...], Version] = Recent(KEPT_WINDOWS // 8)
        self._waiting = waiting

    def routes(self) -> list[Route]:
        """For `rest_app`."""
        return [
            Route("/live/{channel}/{file}", answering(self._main), methods=METHODS, name="Live"),
            Route(f"/live/{{channel}}/{{mux}}/{LISTS}", answering(self._list), methods=METHODS, name="LiveList"),
        ]

    async def _main(self, http: Request) -> ASGIApp:
        runtime = await self._runtime(http)
        now, known = self._clock.now(), runtime.known
        asked = read_asked(http.query_params.multi_items(), now, relative=True)
        manifest = wanted_manifest(runtime.channel, asked, http.path_params["file"], None)
        asked = replace(asked, manifest=manifest.key, target=_target(runtime, asked))
        if asked.window is None:
            text = self._delayed(runtime, manifest, asked).main(asked.query)
        else:
            asked = replace(asked, window=begins_with(known, asked.window))
            text = (await self._window(runtime, manifest, asked)).main(known, asked.query)
        return await text_answer(http, Text(text), cache_control(".m3u8", sealed=False))

    async def _list(self, http: Request) -> ASGIApp:
        runtime, mux = await self._runtime(http), http.path_params["mux"]
        query = http.query_params.multi_items()
        asked = read_asked(query, self._clock.now(), relative=False)
        directives = read_directives(query)
        manifest = wanted_manifest(runtime.channel, asked, None, mux)
        asked = replace(asked, manifest=manifest.key, target=_target(runtime, asked))
        version = await self._waiting.version(
            lambda: self._version(runtime, manifest, asked, mux), directives.msn, runtime, asked.target or 0
        )
        return await version.answer(http, skip=directives.skip)

    async def _version(
        self, runtime: ChannelRuntime, manifest: Manifest, asked: Asked, mux: str
    ) -> tuple[Version, int | None]:
        """A media playlist, and when it grows by itself, UTC microseconds."""
        if asked.window is not None:
            return (await self._window(runtime, manifest, asked)).version(mux), None
        lists = self._delayed(runtime, manifest, asked)
        drawn, key = lists.draw(mux), (runtime, asked, mux)
        version = self._lists.get(key)
        if version is None or version.drawn != drawn:
            version = Version(drawn, lists.segments(mux)[0].number)
            self._lists.put(key, version, 3 * len(drawn))
        return version, lists.due(mux)

    async def _window(self, runtime: ChannelRuntime, manifest: Manifest, asked: Asked) -> DrawnWindow:
        assert asked.window is not None and asked.target is not None
        key = (runtime, asked)
        window = self._windows.get(key) or DrawnWindow(
            runtime.channel, manifest, asked.window, asked.target, self._up(runtime.channel)
        )
        self._windows.put(key, window, window.size)  # before it is drawn: who asks meanwhile draws the same one
        while not window.grow_until(  # noqa: ASYNC110 - it waits for nothing: it is the turn of others
            runtime.known, runtime.frontier(self._clock.now())
        ):
            await asyncio.sleep(0)
        return window

    def _delayed(self, runtime: ChannelRuntime, manifest: Manifest, asked: Asked) -> DelayedLists:
        assert asked.target is not None
        up, now = self._up(runtime.channel), self._clock.now()
        lists = DelayedLists(runtime.channel, manifest, asked.delay, asked.target, up, runtime.known, now)
        lists.check()
        return lists

    def _up(self, channel: Channel) -> str:
        """The way from a media playlist to the channel's output."""
        return self._media.way_to(place_of(channel.output.uri), _TO_ROOT)

    async def _runtime(self, http: Request) -> ChannelRuntime:
        return await self._dvr.runtime(http.path_params["channel"])


def _target(runtime: ChannelRuntime, asked: Asked) -> int:
    """The target duration: what main.m3u8 was drawn with, so that it stays (RFC 8216bis 6.2.1)."""
    target = asked.target or runtime.known.target
    if target is None:
        raise NotFound(f"channel '{runtime.channel.channel_id}' has no media yet", hint="reload in a moment")
    return target
