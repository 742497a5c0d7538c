"""The facade as the server knows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp

from livedvr.facades.facade import NO_RECEIVERS, FacadeDesk
from livedvr.facades.graph.app import graph_app
from livedvr.facades.graph.calls import Calls
from livedvr.facades.graph.dialect import GraphDialect
from livedvr.facades.graph.keys import SigningKey
from livedvr.facades.graph.settings import GraphSettings


class GraphFacade:
    """Microsoft Graph's ``communications/calls``, see docs/recordings-graph.md."""

    name = "graph"
    receivers = NO_RECEIVERS

    def __init__(self, section: Mapping[str, Any]) -> None:
        self._settings = settings = GraphSettings(**section)
        self._key = SigningKey(settings.key_file)
        self.listen = settings.listen
        self.dialect = GraphDialect(self._key, settings.issuer)

    def open(self, desk: FacadeDesk) -> ASGIApp:
        """What answers; one task, which keeps house."""
        self.dialect.clock = desk.clock
        calls = Calls(desk, self._settings, self.dialect)
        desk.tasks.create_task(calls.keep_house(), name="graph")
        return graph_app(calls, self._settings, self._key, self.dialect, desk.clock)
