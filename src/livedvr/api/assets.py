"""Assets: what slates and overlays would show. Records only: nothing in livedvr shows one yet, so none is fetched."""

from __future__ import annotations

from typing import Any

from google.cloud.video.live_stream_v1 import types
from google.protobuf import empty_pb2

from livedvr.api.call import Call
from livedvr.api.desk import Desk
from livedvr.api.listing import page
from livedvr.catalog import api_rows
from livedvr.resources.errors import InvalidArgument

AssetMessage = types.Asset.pb()


class Assets:
    """The collection ``assets``."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        desk.operations.register({"assets.delete": self._delete})

    async def create_asset(self, call: Call) -> Any:
        """A record of a video or an image."""
        asked = call.request.asset
        kind = asked.WhichOneof("resource")
        if kind is None:
            raise InvalidArgument("an asset is a video or an image", field="asset")
        if not getattr(asked, kind).uri.startswith("gs://"):
            raise InvalidArgument("an asset lies in a bucket", field=f"asset.{kind}.uri", hint="gs://bucket/object")
        name = self._desk.new_name(f"{call.request.parent}/assets", call.request.asset_id, field="asset_id")
        stored = AssetMessage(name=name, labels=asked.labels, crc32c=asked.crc32c, state=types.Asset.State.ACTIVE)
        getattr(stored, kind).CopyFrom(getattr(asked, kind))
        return await self._desk.accept(call, "create", stored, None, field="asset_id")

    async def get_asset(self, call: Call) -> Any:
        """The asset."""
        return self._desk.get(call.request.name, AssetMessage)

    async def list_assets(self, call: Call) -> Any:
        """A location's assets."""
        return page(call, "assets", self._desk.list(f"{call.request.parent}/assets", AssetMessage))

    async def delete_asset(self, call: Call) -> Any:
        """The record goes."""
        self._desk.row(call.request.name)
        return await self._desk.operations.begin(call, call.request.name, "delete")

    async def _delete(self, name: str) -> Any:
        await self._desk.catalog.write(lambda db: api_rows.delete_resource(db, name))
        return empty_pb2.Empty()
