"""Locations: livedvr is in one place, whatever a client calls it."""

from __future__ import annotations

from typing import Any

from google.cloud.location import locations_pb2

from livedvr.api.call import Call
from livedvr.api.listing import page
from livedvr.api.names import last_id

HERE = "local"


class Locations:
    """Any location can be named, as any project can; ``local`` is listed."""

    async def get_location(self, call: Call) -> Any:
        """The location as it is called."""
        return _location(call.request.name)

    async def list_locations(self, call: Call) -> Any:
        """The one there is."""
        return page(call, "locations", [_location(f"{call.request.name}/locations/{HERE}")])


def _location(name: str) -> Any:
    return locations_pb2.Location(name=name, location_id=last_id(name), display_name="livedvr")
