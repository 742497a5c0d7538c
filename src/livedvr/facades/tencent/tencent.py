"""The facade: its section of the configuration, its dialect and its door."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp

from livedvr.facades.facade import FacadeDesk
from livedvr.facades.tencent.dialect import Callbacks
from livedvr.facades.tencent.door import door
from livedvr.facades.tencent.outputs import DIALECT
from livedvr.facades.tencent.settings import TencentSettings


class Tencent:
    """See docs/recordings-tencent.md."""

    name = DIALECT
    dialect = Callbacks()

    def __init__(self, section: Mapping[str, Any]) -> None:
        self._settings = TencentSettings(**section)

    @property
    def listen(self) -> str:
        """Where it answers."""
        return self._settings.listen

    @property
    def receivers(self) -> Mapping[str, str]:
        """The callbacks of its apps."""
        apps = self._settings.apps.items()
        return {f"apps.{name}.callback_url": app.callback_url for name, app in apps if app.callback_url is not None}

    def open(self, desk: FacadeDesk) -> ASGIApp:
        """What answers there."""
        return door(self._settings, desk)
