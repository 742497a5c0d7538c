"""What happens in the channels, told in the log as it happens."""

from __future__ import annotations

import asyncio
import logging

from livedvr.api.watch.log import fields
from livedvr.catalog import figure_rows
from livedvr.catalog.catalog import Catalog
from livedvr.resources.models import DvrSession
from livedvr.resources.times import SECOND, format_time
from livedvr.wallclock import WallClock

_log = logging.getLogger("livedvr.channel")


def tell_session(session: DvrSession) -> None:
    """`LiveDvr`'s ``on_state``: a line for each change."""
    told = fields(channel=session.channel_id, session=session.session_id, state=session.state, error=session.error)
    _log.info("session", extra=told)


class EventTail:
    """Follows the catalog's events of channels, those of other controllers too. `run` is a task."""

    def __init__(self, catalog: Catalog, clock: WallClock) -> None:
        self._catalog = catalog
        self._clock = clock
        self._last = catalog.read(figure_rows.last_event)

    async def run(self) -> None:
        """Look once a second, until cancelled."""
        while True:
            self.look()
            await self._clock.wait(asyncio.Event(), SECOND)

    def look(self) -> None:
        """Tell what is new."""
        for last, channel, time, kind, text in self._catalog.read(lambda db: figure_rows.events_after(db, self._last)):
            self._last = last
            _log.info("channel", extra=fields(channel=channel, kind=kind, text=text, at=format_time(time)))
