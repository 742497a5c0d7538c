"""Every method of the Live Stream API v1: name, HTTP binding, messages. Both doors are made of this table.

Paths are Google's HTTP bindings (``google.api.http``): a variable is a field of the request, dots reach into it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from google.cloud.location import locations_pb2
from google.cloud.video.live_stream_v1 import types
from google.longrunning import operations_pb2
from google.protobuf import empty_pb2
from google.protobuf.message import Message

LIVESTREAM = "google.cloud.video.livestream.v1.LivestreamService"
OPERATIONS = "google.longrunning.Operations"
LOCATIONS = "google.cloud.location.Locations"

_LOCATION = "projects/*/locations/*"
_CHANNEL = f"{_LOCATION}/channels/*"
_VARIABLE = re.compile(r"\{([a-z_.]+)=([^}]*)\}")


@dataclass(frozen=True)
class Method:
    """One rpc. ``body``: the request's field that is the HTTP body, ``*`` for the request itself, None for no body."""

    service: str
    rpc: str
    verb: str
    path: str
    body: str | None
    request: type[Message]
    response: type[Message]

    @cached_property
    def handler(self) -> str:
        """``create_dvr_session``: the name of the function that answers it."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", self.rpc).lower()

    @cached_property
    def variable(self) -> str:
        """The request's field that the path fills: ``parent``, ``name``, ``dvr_session.name``."""
        return _variable(self.path)[0]

    @cached_property
    def pattern(self) -> str:
        """What that field looks like: ``projects/*/locations/*/channels/*``."""
        return _variable(self.path)[1]

    @cached_property
    def route(self) -> str:
        """The path with a parameter for each wildcard, ``/v1/projects/{p0}/locations/{p1}/channels/{p2}:start``."""
        counted = iter(range(9))
        return re.sub(r"\*", lambda _: f"{{p{next(counted)}}}", _VARIABLE.sub(r"\2", self.path))

    def resource_name(self, parts: list[str]) -> str:
        """What the variable is, when the wildcards stand for these."""
        given = iter(parts)
        return re.sub(r"\*", lambda _: next(given), self.pattern)

    @property
    def reads(self) -> bool:
        """Whether it changes nothing."""
        return self.verb == "GET"


def _variable(path: str) -> tuple[str, str]:
    found = _VARIABLE.search(path)
    assert found is not None  # each path has one
    return found[1], found[2]


def _method(rpc: str, verb: str, path: str, response: type[Message], body: str | None = None) -> Method:
    request = getattr(types, f"{rpc}Request").pb()
    return Method(LIVESTREAM, rpc, verb, f"/v1/{path}", body, request, response)


def _collection(one: str, many: str, parent: str, *, update: bool, lro: bool = True) -> list[Method]:
    """create, list, get, delete, and update of a collection. ``one``: ``DvrSession``, ``many``: ``dvrSessions``."""
    resource, field = getattr(types, one).pb(), re.sub(r"(?<!^)(?=[A-Z])", "_", one).lower()
    plural = many[0].upper() + many[1:]
    done = operations_pb2.Operation
    found = f"{parent}/{many}/*"
    methods = [
        _method(f"Create{one}", "POST", f"{{parent={parent}}}/{many}", done if lro else resource, field),
        _method(f"List{plural}", "GET", f"{{parent={parent}}}/{many}", getattr(types, f"List{plural}Response").pb()),
        _method(f"Get{one}", "GET", f"{{name={found}}}", resource),
        _method(f"Delete{one}", "DELETE", f"{{name={found}}}", done if lro else empty_pb2.Empty),
    ]
    if update:
        methods.append(_method(f"Update{one}", "PATCH", f"{{{field}.name={found}}}", done, field))
    return methods


def _operation(rpc: str, verb: str, path: str, response: type[Message], body: str | None = None) -> Method:
    return Method(OPERATIONS, rpc, verb, f"/v1/{path}", body, getattr(operations_pb2, f"{rpc}Request"), response)


def _location(rpc: str, path: str, response: type[Message]) -> Method:
    return Method(LOCATIONS, rpc, "GET", f"/v1/{path}", None, getattr(locations_pb2, f"{rpc}Request"), response)


_ON_CHANNEL = (
    ("StartChannel", "start"),
    ("StopChannel", "stop"),
    ("StartDistribution", "startdistribution"),
    ("StopDistribution", "stopdistribution"),
)
_POOL = f"{_LOCATION}/pools/*"
_OPERATION = f"{_LOCATION}/operations/*"

METHODS: tuple[Method, ...] = (
    *_collection("Input", "inputs", _LOCATION, update=True),
    _method(
        "PreviewInput", "POST", f"{{name={_LOCATION}/inputs/*}}:preview", types.PreviewInputResponse.pb(), body="*"
    ),
    *_collection("Channel", "channels", _LOCATION, update=True),
    *(
        _method(rpc, "POST", f"{{name={_CHANNEL}}}:{verb}", operations_pb2.Operation, body="*")
        for rpc, verb in _ON_CHANNEL
    ),
    *_collection("Event", "events", _CHANNEL, update=False, lro=False),
    *_collection("Clip", "clips", _CHANNEL, update=False),
    *_collection("DvrSession", "dvrSessions", _CHANNEL, update=True),
    *_collection("Asset", "assets", _LOCATION, update=False),
    _method("GetPool", "GET", f"{{name={_POOL}}}", types.Pool.pb()),
    _method("UpdatePool", "PATCH", f"{{pool.name={_POOL}}}", operations_pb2.Operation, "pool"),
    _operation("GetOperation", "GET", f"{{name={_OPERATION}}}", operations_pb2.Operation),
    _operation("ListOperations", "GET", f"{{name={_LOCATION}}}/operations", operations_pb2.ListOperationsResponse),
    _operation("CancelOperation", "POST", f"{{name={_OPERATION}}}:cancel", empty_pb2.Empty, body="*"),
    _operation("DeleteOperation", "DELETE", f"{{name={_OPERATION}}}", empty_pb2.Empty),
    _location("ListLocations", "{name=projects/*}/locations", locations_pb2.ListLocationsResponse),
    _location("GetLocation", f"{{name={_LOCATION}}}", locations_pb2.Location),
)
