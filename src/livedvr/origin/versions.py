"""A media playlist as it is served at an instant: whole, and as a delta update."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from livedvr.hls.delta import delta_update, offer_delivery
from livedvr.origin.answers import Text, text_answer
from livedvr.resources.layout import cache_control


class Version:
    """``ended``: it has its ENDLIST; ``next``: the media sequence number that would be appended next.

    ``drawn``: the text before delivery was offered, which tells it from other versions.
    """

    def __init__(self, drawn: bytes, first: int) -> None:
        self.drawn = drawn
        self.whole = Text(offer_delivery(drawn))
        self.ended = drawn.endswith(b"#EXT-X-ENDLIST\n")
        self.next = first + drawn.count(b"\n#EXTINF:")
        self._delta: Text | None = None

    async def answer(self, http: Request, *, skip: bool) -> Response:
        """It, or its delta update."""
        text = self.delta if skip else self.whole
        return await text_answer(http, text, cache_control(".m3u8", sealed=self.ended))

    @property
    def delta(self) -> Text:
        """Made once, for everybody who asks."""
        if self._delta is None:
            self._delta = Text(delta_update(self.whole.data))
        return self._delta
