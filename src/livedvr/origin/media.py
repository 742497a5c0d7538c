"""``/media/{path}``: the stored playlists and media below the server's output, byte for byte."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import quote

from starlette.requests import Request
from starlette.routing import Route
from starlette.types import ASGIApp

from livedvr.origin.answers import METHODS, Text, answering, file_answer, redirect, text_answer
from livedvr.origin.files import OpenFile, open_below
from livedvr.origin.recent import Recent
from livedvr.resources.errors import FailedPrecondition, InvalidArgument, NotFound
from livedvr.resources.layout import cache_control, content_type
from livedvr.storage.base import check_name
from livedvr.storage.open_store import Place, place_of

KEPT_TEXTS = 64 << 20  # bytes of playlists, so that a version is hashed and compressed once
END = b"#EXT-X-ENDLIST\n"
PUBLIC_BUCKETS = "https://storage.googleapis.com/"


class Media:
    """The files of a server. ``output``: its root, see `Outputs`."""

    def __init__(self, output: str) -> None:
        self._bucket = output.removeprefix("gs://").strip("/") if output.startswith("gs://") else None
        self._root = Path() if self._bucket is not None else (place_of(output).root or Path()).resolve()
        self._texts: Recent[str, tuple[tuple[int, int, int], Text]] = Recent(KEPT_TEXTS)

    def routes(self) -> list[Route]:
        """For `rest_app`."""
        return [Route("/media/{path:path}", answering(self._answer), methods=METHODS, name="Media")]

    def public(self, name: str) -> str:
        """Where an object of a bucket is to be had by who may read it."""
        path = f"{self._bucket}/{name}" if self._bucket else name
        return PUBLIC_BUCKETS + quote(path)

    def way_to(self, place: Place, to_root: str) -> str:
        """The relative address of a channel's output, ``to_root`` being that of the server; a bucket's is absolute."""
        if place.root is None:
            return f"{PUBLIC_BUCKETS}{quote(place.uri.removeprefix('gs://'))}/"
        if self._bucket is not None or not place.root.is_relative_to(self._root):
            raise FailedPrecondition(f"{place.uri} is not below the server's output", field="--output")
        below = place.root.relative_to(self._root).as_posix()
        return f"{to_root}media/{quote(below)}/"

    async def _answer(self, http: Request) -> ASGIApp:
        name = http.path_params["path"]
        if self._bucket is not None:
            return redirect(self.public(_checked(name)))
        # Not in a thread: that costs ten times what the opening does. A disk that does not answer holds up the loop
        # with sendfile(2) anyway, and all of the few threads with what is recorded onto it.
        file = open_below(self._root, name)
        if not name.endswith(".m3u8"):
            return file_answer(http, file, content_type(name), cache_control(name, sealed=False))
        with file:
            text = await self._text(name, file)
        return await text_answer(http, text, cache_control(name, sealed=text.data.endswith(END)))

    async def _text(self, name: str, file: OpenFile) -> Text:
        known = self._texts.get(name)
        if known is None or known[0] != file.version:
            known = (file.version, Text(await asyncio.to_thread(file.read)))
            self._texts.put(name, known, len(known[1].data))
        return known[1]


def _checked(name: str) -> str:
    try:
        return check_name(name)
    except InvalidArgument:
        raise NotFound(f"there is no '/media/{name}'") from None
