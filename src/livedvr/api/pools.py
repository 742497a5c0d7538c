"""Pools: there is one, ``default``, and it is this machine."""

from __future__ import annotations

from typing import Any

from google.cloud.video.live_stream_v1 import types

from livedvr.api.call import Call
from livedvr.api.desk import Desk
from livedvr.api.messages import from_row, to_row
from livedvr.api.names import last_id
from livedvr.catalog import api_rows
from livedvr.resources.errors import NotFound, Unimplemented

PoolMessage = types.Pool.pb()


class Pools:
    """The collection ``pools``."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def get_pool(self, call: Call) -> Any:
        """The pool."""
        return self._pool(call.request.name)

    def _pool(self, name: str) -> Any:
        if last_id(name) != "default":
            raise NotFound(f"there is no pool '{name}'", field="name", hint="there is one, default")
        row = self._desk.find(name)
        return from_row(row, PoolMessage) if row else PoolMessage(name=name)

    async def update_pool(self, call: Call) -> Any:
        """Labels. There is no network to be peered with."""
        asked = call.request.pool
        if asked.network_config.peered_network:
            raise Unimplemented("livedvr peers with no network", field="pool.network_config.peered_network")
        pool = self._pool(asked.name)
        row = self._desk.find(asked.name)
        stored = PoolMessage(name=asked.name, labels=asked.labels or pool.labels)
        new = to_row(stored, row.created if row else call.now, call.now)

        def work(db: Any) -> Any:
            api_rows.put_resource(db, new)
            return self._desk.operations.accept(db, call, asked.name, "update", from_row(new, PoolMessage))

        return await self._desk.catalog.write(work)
