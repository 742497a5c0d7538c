"""What `[enfonica]` switches on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp

from livedvr.facades.enfonica.dialect import EnfonicaDialect
from livedvr.facades.enfonica.door import open_door
from livedvr.facades.enfonica.found import FACADE
from livedvr.facades.enfonica.settings import EnfonicaSettings
from livedvr.facades.facade import NO_RECEIVERS, FacadeDesk


class Enfonica:
    """The facade of a section. INVALID_ARGUMENT names the key that is wrong."""

    name = FACADE
    receivers = NO_RECEIVERS

    def __init__(self, section: Mapping[str, Any]) -> None:
        self._settings = EnfonicaSettings(**section)
        self.dialect = EnfonicaDialect(self._settings)

    @property
    def listen(self) -> str:
        """Where."""
        return self._settings.listen

    def open(self, desk: FacadeDesk) -> ASGIApp:
        """Its door."""
        return open_door(self._settings, desk)
