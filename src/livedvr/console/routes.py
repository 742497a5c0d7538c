"""What the console serves: its page to everybody, the state to who may read."""

from __future__ import annotations

import sys
from os import stat_result
from pathlib import Path
from typing import Any

from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from livedvr.api.rest import refusal
from livedvr.console.feed import Feed
from livedvr.console.gallery import Gallery
from livedvr.resources.errors import LiveDvrError

_BUCKETS = "https://storage.googleapis.com"
PAGE = "/console/"
_STATIC = Path(__file__).parent / "static"
# scripts/setup puts hls.min.mjs there; without it browsers play by themselves (Chromium from 142 on, Safari).
_SHARE = Path(sys.prefix) / "share" / "livedvr"
# Scripts and styles from here alone, none in the page; blob: is where hls.js puts media, and a thumbnail comes from.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'{0}; img-src 'self' blob:; "
    "media-src 'self'{0} blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'"
)


def is_page(path: str) -> bool:
    """Whether it says nothing of what is recorded: the page itself, which asks its user for a token."""
    return path in ("/", "/console") or (
        path.startswith("/console/") and not path.startswith(("/console/api/", "/console/thumbs/"))
    )


def console_routes(feed: Feed, gallery: Gallery, *, has_bucket: bool = False) -> list[BaseRoute]:
    """``/`` and what is below ``/console/``."""

    async def to_page(_: Request) -> Response:
        return RedirectResponse(PAGE)

    async def state(_: Request) -> Response:
        return JSONResponse(await feed.now(), headers={"Cache-Control": "no-store"})

    async def events(_: Request) -> Response:
        try:
            stream = feed.listen()
        except LiveDvrError as error:
            return refusal(error)
        return StreamingResponse(
            stream, media_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        )

    async def live(http: Request) -> Response:
        try:
            picture = await gallery.live(http.path_params["channel"])
        except LiveDvrError as error:
            return refusal(error)
        return Response(picture, media_type="image/jpeg", headers={"Cache-Control": "max-age=5"})

    async def sprite(http: Request) -> Response:
        at = http.path_params
        try:
            picture, whole = await gallery.sprite(at["channel"], at["step"], at["index"])
        except LiveDvrError as error:
            return refusal(error)
        cache = "max-age=3600" if whole else "max-age=5"
        return Response(picture, media_type="image/jpeg", headers={"Cache-Control": f"private, {cache}"})

    return [
        Route("/", to_page),
        Route("/console", to_page),
        Route("/console/api/state", state, name="ConsoleState"),
        Route("/console/api/events", events, name="ConsoleEvents"),
        Route("/console/thumbs/{channel}/live.jpg", live, name="Thumbnail"),
        Route("/console/thumbs/{channel}/{step:int}/{index:int}.jpg", sprite, name="Sprite"),
        Mount("/console", GZipMiddleware(_Page(has_bucket))),
    ]


class _Page(StaticFiles):
    """The page's files: asked for anew each time, as a newer server has newer ones, and answered 304 mostly."""

    def __init__(self, has_bucket: bool) -> None:
        # What lies in a bucket is redirected to there.
        self._policy = _POLICY.format(f" {_BUCKETS}" if has_bucket else "")
        super().__init__(directory=_STATIC, html=True)
        self.all_directories = [_SHARE, _STATIC]

    def file_response(self, full_path: Any, stat_result: stat_result, scope: Scope, status_code: int = 200) -> Response:
        answer = super().file_response(full_path, stat_result, scope, status_code)
        answer.headers["Content-Security-Policy"] = self._policy
        answer.headers["X-Content-Type-Options"] = "nosniff"
        answer.headers["Referrer-Policy"] = "no-referrer"
        answer.headers["Cache-Control"] = "no-cache"
        return answer
