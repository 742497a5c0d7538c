"""Pools: there is one, ``default``, and it is this machine."""

from __future__ import annotations

from typing import Any

from google.cloud.video.live_stream_v1 import types

from livedvr.api.aip.mask import apply_mask
from livedvr.api.call import Call
from livedvr.api.desk import Desk
from livedvr.api.messages import from_row
from livedvr.api.names import last_id
from livedvr.catalog.api_rows import ResourceRow
from livedvr.resources.errors import NotFound, Unimplemented

PoolMessage = types.Pool.pb()
_PATCHABLE = ("network_config", "labels")
_OUTPUT_ONLY = ("create_time", "update_time")


class Pools:
    """The collection ``pools``."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def get_pool(self, call: Call) -> Any:
        """The pool."""
        return self._pool(call.request.name)[0]

    def _pool(self, name: str) -> tuple[Any, ResourceRow | None]:
        """The pool, and its row if somebody has changed it: of one look, else a change could get lost in between."""
        if last_id(name) != "default":
            raise NotFound(f"there is no pool '{name}'", field="name", hint="there is one, default")
        row = self._desk.find(name)
        return from_row(row, PoolMessage) if row else PoolMessage(name=name), row

    async def update_pool(self, call: Call) -> Any:
        """Labels. There is no network to be peered with."""
        asked, paths = call.request.pool, call.request.update_mask.paths
        pool, row = self._pool(asked.name)
        stored = apply_mask(pool, asked, paths, patchable=_PATCHABLE, output_only=_OUTPUT_ONLY)
        if stored.network_config.peered_network:
            raise Unimplemented("livedvr peers with no network", field="pool.network_config.peered_network")
        return await self._desk.accept(call, "update", stored, row)
