"""The facade: its section of the configuration, its dialect and its door."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp

from livedvr.facades.facade import NO_RECEIVERS, FacadeDesk
from livedvr.facades.zego.absence import Absence
from livedvr.facades.zego.dialect import Callbacks
from livedvr.facades.zego.door import door
from livedvr.facades.zego.settings import ZegoSettings


class Zego:
    """See docs/recordings-zego.md."""

    name = "zego"
    receivers = NO_RECEIVERS

    def __init__(self, section: Mapping[str, Any]) -> None:
        self._settings = ZegoSettings(**section)
        self.dialect = Callbacks(self._settings)

    @property
    def listen(self) -> str:
        """Where it answers."""
        return self._settings.listen

    def open(self, desk: FacadeDesk) -> ASGIApp:
        """What answers there; it also looks where nobody publishes."""
        absence = Absence(desk)
        desk.tasks.create_task(absence.run(), name="zego absence")
        return door(self._settings, desk, absence)
